import { ismAbi, mailboxAbi } from '../../../sdk/abi/hyperlane.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import { addressOfWord } from '../../core/message.ts'
import {
  aggregationMetadata,
  merkleRootMetadata,
  multisigMetadata,
  quorumOf,
} from '../../core/metadata.ts'
import type { MessageRecord } from '../../core/stages.ts'
import { readContract, type Chain } from '../chains/chains.ts'
import type { Checkpoints } from './checkpoints.ts'
import { createOriginTrees, type OriginTrees } from './origin-tree.ts'
import { RpcError } from '../chains/rpc.ts'

/** One security module on the way to a decision, and why its metadata can or cannot be built. */
export type IsmNode = {
  address: Address
  kind: string
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

/** Hyperlane's kinds of module. */
const KINDS: Readonly<Record<number, string>> = {
  1: 'routing',
  2: 'aggregation',
  3: 'legacyMultisig',
  4: 'merkleRootMultisig',
  5: 'messageIdMultisig',
  6: 'null',
  7: 'ccipRead',
  8: 'arbL2ToL1',
  9: 'weightedMerkleRootMultisig',
  10: 'weightedMessageIdMultisig',
  11: 'opL2ToL1',
  12: 'polymer',
}

const DEPTH_MAX = 13
const MODULES_MAX = 100
const METADATA_BYTES_MAX = 32 * 1024

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

/** What resolving reads besides the chain. */
type Sources = {
  checkpoints: Checkpoints
  trees: OriginTrees
  /** Signers that deliver: some modules accept one of them alone. */
  relayers: readonly Address[]
  /** Kinds of modules are asked once: code does not change. */
  moduleTypes: Map<string, Promise<number>>
}

type Place = { address: Address; depth: number; budget: { modules: number } }

const MODULE_TYPES_MAX = 10_000

/** Makes a resolver over the sources of checkpoints. */
export function createResolver(checkpoints: Checkpoints, relayers: readonly Address[]): Resolver {
  const sources: Sources = {
    ...{ checkpoints, trees: createOriginTrees(), moduleTypes: new Map<string, Promise<number>>() },
    relayers: relayers.map(lower),
  }
  return {
    resolve: async (request) => {
      const { record, destination } = request
      const ism = await readContract(destination.rpc, {
        address: destination.mailbox,
        abi: mailboxAbi,
        functionName: 'recipientIsm',
        args: [addressOfWord(record.recipient)],
      })
      const budget = { modules: MODULES_MAX }
      const built = await resolveModule(sources, request, { address: lower(ism), depth: 0, budget })
      const bytes = built.status === 'ok' ? (built.metadata.length - 2) / 2 : 0
      if (bytes <= METADATA_BYTES_MAX) return built
      const text = `its metadata has ${bytes} bytes; at most ${METADATA_BYTES_MAX} are sent`
      return { status: 'not_ready', code: 'metadata_too_long', text, ism: built.ism }
    },
  }
}

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
  place: Place,
): Promise<Resolution> {
  const { address, depth, budget } = place
  budget.modules -= 1
  if (depth >= DEPTH_MAX || budget.modules < 0) {
    const text = `more than ${DEPTH_MAX} modules deep, or ${MODULES_MAX} in all`
    return { status: 'not_ready', code: 'ism_too_deep', text }
  }
  const moduleType = await moduleTypeOf(sources, request.destination, address)
  const kind = KINDS[moduleType] ?? `kind ${moduleType}`
  const node: Node = { address, kind, moduleType, validators: [], children: [] }
  switch (kind) {
    case 'routing':
      return await resolveRoute(sources, request, { node, place })
    case 'aggregation':
      return await resolveAggregation(sources, request, { node, place })
    case 'messageIdMultisig':
    case 'merkleRootMultisig':
      return await resolveMultisig(sources, request, node)
    case 'null':
      return await resolveNull(sources, request, node)
    default:
      return refused(node, 'ism_unsupported', `this relayer builds nothing for ${kind} modules`)
  }
}

type Node = Omit<IsmNode, 'buildable' | 'reason'>

function built(node: Node, metadata: Hex, alone = false): Resolution {
  return { status: 'ok', metadata, ism: { ...node, buildable: true, reason: '' }, alone }
}

function refused(node: Node, code: string, text: string): Resolution {
  return { status: 'not_ready', code, text, ism: { ...node, buildable: false, reason: text } }
}

async function resolveRoute(
  sources: Sources,
  request: ResolveRequest,
  { node, place }: { node: Node; place: Place },
): Promise<Resolution> {
  const { record, destination } = request
  const next = await readContract(destination.rpc, {
    address: node.address,
    abi: ismAbi,
    functionName: 'route',
    args: [record.raw],
  })
  const below = await resolveModule(sources, request, {
    ...place,
    address: lower(next),
    depth: place.depth + 1,
  })
  const children = below.ism === undefined ? [] : [below.ism]
  if (below.status === 'ok') return built({ ...node, children }, below.metadata, below.alone)
  return refused({ ...node, children }, below.code, below.text)
}

/** As many modules as the threshold asks for, the first that can be met; the others get nothing. */
async function resolveAggregation(
  sources: Sources,
  request: ResolveRequest,
  { node, place }: { node: Node; place: Place },
): Promise<Resolution> {
  const { record, destination } = request
  const [modules, threshold] = await readContract(destination.rpc, {
    address: node.address,
    abi: ismAbi,
    functionName: 'modulesAndThreshold',
    args: [record.raw],
  })
  const below = await Promise.all(
    modules.map((module) => {
      const next = { ...place, address: lower(module), depth: place.depth + 1 }
      return resolveModule(sources, request, next)
    }),
  )
  const children = below.flatMap(({ ism }) => (ism === undefined ? [] : [ism]))
  let taken = 0
  let alone = false
  const parts = below.map((one) => {
    if (one.status !== 'ok' || taken >= threshold) return undefined
    taken += 1
    alone ||= one.alone === true
    return one.metadata
  })
  if (taken === threshold) return built({ ...node, children }, aggregationMetadata(parts), alone)
  const why = below.flatMap((one) => (one.status === 'ok' ? [] : [one.text]))
  const text = `${taken} of ${threshold} modules can be met; ${why.join('; ')}`
  return refused({ ...node, children }, 'below_threshold', text)
}

/** A module that takes no metadata may still have a mind of its own: paused, or one relayer's alone. */
async function resolveNull(
  { relayers }: Sources,
  { destination }: ResolveRequest,
  node: Node,
): Promise<Resolution> {
  const { address } = node
  const { rpc } = destination
  const request = { address, abi: ismAbi, args: [] } as const
  const asked = [
    readContract(rpc, { ...request, functionName: 'paused' }).catch(absent),
    readContract(rpc, { ...request, functionName: 'trustedRelayer' }).catch(absent),
  ] as const
  const [paused, trusted] = await Promise.all(asked)
  if (paused === true) return refused({ ...node, kind: 'pausable' }, 'ism_paused', 'it is paused')
  if (typeof trusted !== 'string') return built(node, '0x')
  const known = { ...node, kind: 'trustedRelayer' }
  // Such a module looks at who delivers: in company that would be another contract.
  if (relayers.includes(lower(trusted))) return built(known, '0x', true)
  return refused(known, 'other_relayer', `it accepts deliveries by ${lower(trusted)} alone`)
}

/** A module without such a function has no such mind. */
function absent(error: unknown): undefined {
  const empty = (error as Error).name === 'AbiDecodingZeroDataError'
  if (error instanceof RpcError || empty) return undefined
  throw error
}

async function resolveMultisig(
  { checkpoints, trees }: Sources,
  { record, origin, destination, leafIndex }: ResolveRequest,
  bare: Node,
): Promise<Resolution> {
  const [set, threshold] = await readContract(destination.rpc, {
    address: bare.address,
    abi: ismAbi,
    functionName: 'validatorsAndThreshold',
    args: [record.raw],
  })
  const validators = set.map(lower)
  const node = { ...bare, validators }
  if (leafIndex === undefined) {
    const text = `not in the tree of ${origin.merkleTreeHook} on ${origin.name}`
    return refused(node, 'not_in_tree', text)
  }
  const wanted = { origin, index: leafIndex, messageId: record.id }
  const answers = await Promise.all(validators.map((one) => checkpoints.ask(one, wanted)))
  const quorum = quorumOf(answers, threshold)
  if (quorum.status !== 'ok') {
    const { have, need, missing } = quorum
    return refused(node, 'below_quorum', `${have} of ${need} signatures; ${missing.join('; ')}`)
  }
  if (node.kind === 'messageIdMultisig') return built(node, multisigMetadata(quorum))
  const leaf = { index: leafIndex, messageId: record.id, root: quorum.root }
  const path = await trees.pathOf(origin, leaf)
  if (path === undefined) {
    const text = `the leaves of ${origin.name} do not lead to the signed root ${quorum.root}`
    return refused(node, 'root_differs', text)
  }
  return built(node, merkleRootMetadata(quorum, { messageId: record.id, path }))
}

function lower(address: string): Address {
  return address.toLowerCase() as Address
}
