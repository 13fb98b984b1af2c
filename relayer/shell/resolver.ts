import { ismAbi, mailboxAbi } from '../../sdk/abi/hyperlane.ts'
import type { Address, Hex } from '../../sdk/protocol/hex.ts'
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
  | { status: 'ok'; metadata: Hex; ism: IsmNode; alone?: boolean | undefined }
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
  const sources = { checkpoints, moduleTypes: new Map<string, Promise<number>>() }
  return {
    resolve: async (request) => {
      const { record, destination } = request
      const ism = await readContract(destination.rpc, {
        address: destination.mailbox,
        abi: mailboxAbi,
        functionName: 'recipientIsm',
        args: [addressOfWord(record.recipient)],
      })
      return await resolveModule(sources, request, { address: lower(ism), depth: 0 })
    },
  }
}

/** What resolving reads besides the chain; kinds of modules are asked once, code does not change. */
type Sources = { checkpoints: Checkpoints; moduleTypes: Map<string, Promise<number>> }

const MODULE_TYPES_MAX = 10_000

function moduleTypeOf(
  { moduleTypes }: Sources,
  { rpc, chainId }: Chain,
  address: Address,
): Promise<number> {
  const key = `${chainId}:${address}`
  const known = moduleTypes.get(key)
  if (known !== undefined) return known
  if (moduleTypes.size >= MODULE_TYPES_MAX) moduleTypes.clear()
  const request = { address, abi: ismAbi, functionName: 'moduleType', args: [] } as const
  const asked = readContract(rpc, request)
  moduleTypes.set(key, asked)
  asked.catch(() => moduleTypes.delete(key))
  return asked
}

async function resolveModule(
  sources: Sources,
  request: ResolveRequest,
  { address, depth }: { address: Address; depth: number },
): Promise<Resolution> {
  if (depth >= DEPTH_MAX) {
    const text = `more than ${DEPTH_MAX} modules deep`
    return { status: 'not_ready', code: 'ism_too_deep', text }
  }
  const { record, destination } = request
  const moduleType = await moduleTypeOf(sources, destination, address)
  const node = { address, moduleType, validators: [], children: [] }
  if (moduleType === MODULE.nothingNeeded) {
    return { status: 'ok', metadata: '0x', ism: { ...node, buildable: true, reason: '' } }
  }
  if (moduleType === MODULE.routing) {
    const next = await readContract(destination.rpc, {
      address,
      abi: ismAbi,
      functionName: 'route',
      args: [record.raw],
    })
    const place = { address: lower(next), depth: depth + 1 }
    return withParent(await resolveModule(sources, request, place), node)
  }
  if (moduleType === MODULE.messageIdMultisig) {
    return await resolveMultisig(sources, request, address)
  }
  const text = `module ${address} is of kind ${moduleType}, which this relayer does not build for`
  const ism = { ...node, buildable: false, reason: text }
  return { status: 'not_ready', code: 'ism_unsupported', text, ism }
}

async function resolveMultisig(
  { checkpoints }: Sources,
  { record, origin, destination, leafIndex }: ResolveRequest,
  address: Address,
): Promise<Resolution> {
  const [set, threshold] = await readContract(destination.rpc, {
    address,
    abi: ismAbi,
    functionName: 'validatorsAndThreshold',
    args: [record.raw],
  })
  const validators = set.map(lower)
  const node = { address, moduleType: MODULE.messageIdMultisig, validators, children: [] }
  const notReady = (code: string, text: string): Resolution => {
    return { status: 'not_ready', code, text, ism: { ...node, buildable: false, reason: text } }
  }
  if (leafIndex === undefined) {
    return notReady('not_in_tree', `not in the tree of ${origin.merkleTreeHook} on ${origin.name}`)
  }
  const wanted = { origin, index: leafIndex, messageId: record.id }
  const answers = await Promise.all(validators.map((one) => checkpoints.ask(one, wanted)))
  const quorum = multisigMetadata(answers, threshold)
  if (quorum.status === 'ok') {
    const ism = { ...node, buildable: true, reason: '' }
    return { status: 'ok', metadata: quorum.metadata, ism }
  }
  const { have, need, missing } = quorum
  return notReady('below_quorum', `${have} of ${need} signatures; ${missing.join('; ')}`)
}

function lower(address: string): Address {
  return address.toLowerCase() as Address
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
  return { ...below, ism }
}
