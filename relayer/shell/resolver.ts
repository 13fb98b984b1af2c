import { ismAbi, mailboxAbi } from '../../sdk/abi/hyperlane.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import { addressOfWord } from '../core/message.ts'
import { multisigMetadata } from '../core/metadata.ts'
import type { MessageRecord } from '../core/stages.ts'
import { readContract, type Chain } from './chains.ts'
import type { Checkpoints } from './checkpoints.ts'

/** One security module on the way to a decision, and why its metadata can or cannot be built. */
export type IsmNode = {
  address: Address
  /** Hyperlane's number of the module's kind. */
  moduleType: number
  buildable: boolean
  reason: string
  validators: readonly Address[]
  children: readonly IsmNode[]
}

/** Metadata for a message, or the modules that say why there is none yet. */
export type Resolution =
  | { status: 'ok'; metadata: Hex; ism: IsmNode }
  | { status: 'not_ready'; code: string; text: string; ism?: IsmNode | undefined }

/** Kinds of security module that this relayer can build metadata for. */
const MODULE = { routing: 1, messageIdMultisig: 5, nothingNeeded: 6 } as const

const DEPTH_MAX = 13

/** What a resolution needs to know. */
export type ResolveRequest = {
  record: MessageRecord
  origin: Chain
  destination: Chain
  /** The message's leaf in the origin's tree; undefined when it is not in it (yet). */
  leafIndex: number | undefined
}

/** Builds the metadata that the recipient's security module asks for. */
export type Resolver = { resolve: (request: ResolveRequest) => Promise<Resolution> }

/** Makes a resolver over the sources of checkpoints. */
export function createResolver(checkpoints: Checkpoints): Resolver {
  const resolve = async (request: ResolveRequest): Promise<Resolution> => {
    const { record, destination } = request
    const ism = await readContract(destination.rpc, {
      address: destination.mailbox,
      abi: mailboxAbi,
      functionName: 'recipientIsm',
      args: [addressOfWord(record.recipient)],
    })
    return await resolveModule(request, ism.toLowerCase() as Address, 0)
  }

  const resolveModule = async (
    request: ResolveRequest,
    address: Address,
    depth: number,
  ): Promise<Resolution> => {
    const { record, destination } = request
    if (depth >= DEPTH_MAX) {
      return { status: 'not_ready', code: 'ism_too_deep', text: `more than ${DEPTH_MAX} modules deep` }
    }
    const { rpc } = destination
    const moduleType = await readContract(rpc, {
      address,
      abi: ismAbi,
      functionName: 'moduleType',
      args: [],
    })
    const node = { address, moduleType, validators: [], children: [] }
    if (moduleType === MODULE.nothingNeeded) {
      return { status: 'ok', metadata: '0x', ism: { ...node, buildable: true, reason: '' } }
    }
    if (moduleType === MODULE.routing) {
      const args = [record.raw] as const
      const next = await readContract(rpc, { address, abi: ismAbi, functionName: 'route', args })
      const below = await resolveModule(request, next.toLowerCase() as Address, depth + 1)
      return withParent(below, node)
    }
    if (moduleType === MODULE.messageIdMultisig) return await resolveMultisig(request, address)
    const text = `module ${address} is of kind ${moduleType}, which this relayer does not build for`
    const ism = { ...node, buildable: false, reason: text }
    return { status: 'not_ready', code: 'ism_unsupported', text, ism }
  }

  const resolveMultisig = async (request: ResolveRequest, address: Address): Promise<Resolution> => {
    const { record, origin, destination, leafIndex } = request
    const [set, threshold] = await readContract(destination.rpc, {
      address,
      abi: ismAbi,
      functionName: 'validatorsAndThreshold',
      args: [record.raw],
    })
    const validators = set.map((validator) => validator.toLowerCase() as Address)
    const node = { address, moduleType: MODULE.messageIdMultisig, validators, children: [] }
    const notReady = (code: string, text: string): Resolution => {
      return { status: 'not_ready', code, text, ism: { ...node, buildable: false, reason: text } }
    }
    if (leafIndex === undefined) {
      return notReady('not_in_tree', `not in the tree of ${origin.merkleTreeHook} on ${origin.name}`)
    }
    const wanted = { origin, index: leafIndex, messageId: record.id as Hash }
    const answers = await Promise.all(validators.map((one) => checkpoints.ask(one, wanted)))
    const quorum = multisigMetadata(answers, threshold)
    if (quorum.status === 'ok') {
      const ism = { ...node, buildable: true, reason: '' }
      return { status: 'ok', metadata: quorum.metadata, ism }
    }
    const { have, need, missing } = quorum
    return notReady('below_quorum', `${have} of ${need} signatures; ${missing.join('; ')}`)
  }

  return { resolve }
}

function withParent(
  below: Resolution,
  node: Pick<IsmNode, 'address' | 'moduleType' | 'validators'>,
): Resolution {
  const child = below.ism
  const ism: IsmNode = {
    ...node,
    buildable: below.status === 'ok',
    reason: child?.reason ?? '',
    children: child === undefined ? [] : [child],
  }
  return below.status === 'ok' ? { ...below, ism } : { ...below, ism }
}
