import { assert } from '../../../sdk/protocol/assert.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { BlockEnv, Difference, SealedBlock } from '../../core/entries/execution.ts'
import type { SignedLeg } from '../../core/entries/leg.ts'
import type { DriverAlert } from './alert.ts'
import type { AnvilNode } from './anvil-node.ts'
import { compareBlock, sealedBlock, type NodeBlock, type NodeReceipt } from './block.ts'
import type { BlockPlan, SealResult } from './driver.ts'
import type { Gate } from './gate.ts'
import { batchCallsMax, NodeRpcError } from './ipc.ts'

/** A node at work: where its chain stands and what lies in its pool. */
export type Running = {
  node: AnvilNode
  published: SealedBlock
  /** Mined and compared, waits for `publish` or `rollback`. */
  sealed?: SealedBlock | undefined
  /** Hashes of the legs in the node's pool, in order. */
  staged: Hash[]
  /**
   * Asked about its head while it mines, a node answers from the block to come: nobody reads then.
   */
  gate: Gate
}

/** Times that a block into which somebody else's transactions came is made again. */
const sealAttempts = 3
const mineTimeoutMs = 30_000

/**
 * Mines a plan on the published head and compares; somebody else's transactions are driven out.
 *
 * @param receiptsRoot - The plan's.
 */
export async function seal(
  state: Running,
  { plan, receiptsRoot }: { plan: BlockPlan; receiptsRoot: Hash },
  { chainId, alert }: { chainId: number; alert: (alert: DriverAlert) => void },
): Promise<SealResult> {
  assert(state.sealed === undefined, 'one sealed block waits at most')
  assert(plan.env.parentHash === state.published.hash, 'a plan follows the published head')
  for (let attempt = 1; ; attempt++) {
    const [stray, size] = await Promise.all([strayHead(state), poolSize(state)])
    if (stray !== undefined) {
      alert({ kind: 'foreign-blocks', chainId, head: stray, published: state.published.hash })
      await rewind(state)
    }
    const refused = await fillPool(state, plan.legs, stray === undefined ? size : undefined)
    if (refused !== undefined) return { kind: 'difference', difference: refused }
    const block = await mine(state, plan.env)
    const difference = await compareBlock({ plan, receiptsRoot }, block, () =>
      receiptsOf(state, plan.env.number),
    )
    if (difference === undefined) {
      state.sealed = sealedBlock(block)
      state.staged = []
      return { kind: 'sealed', block: state.sealed }
    }
    const ours = new Set(plan.legs.map(({ hash }) => hash))
    const foreign = block.transactions.filter((hash) => !ours.has(hash))
    if (foreign.length > 0) alert({ kind: 'foreign-transactions', chainId, hashes: foreign })
    const disturbed = difference.what === 'order' || difference.what === 'count'
    if (!disturbed || attempt === sealAttempts) return { kind: 'difference', difference }
    await emptyPool(state)
    await rewind(state)
  }
}

/**
 * Makes the pool hold exactly the plan's legs; gives the leg that the node refuses, if any.
 *
 * @param size - Transactions in the pool; undefined where that is not known.
 */
async function fillPool(
  state: Running,
  legs: readonly SignedLeg[],
  size: number | undefined,
): Promise<Difference | undefined> {
  const sent = state.staged
  const ahead = sent.length <= legs.length && sent.every((hash, i) => hash === legs[i]?.hash)
  const sound = ahead && size === sent.length
  if (sound && sent.length === legs.length) return undefined
  if (!sound) await emptyPool(state)
  for (let attempt = 1; ; attempt++) {
    const from = state.staged.length
    const refused = await sendLegs(state, legs.slice(from))
    if (refused === undefined && (await poolSize(state)) === legs.length) return undefined
    // Something else stood in the pool, perhaps in a leg's place: once more on an empty one.
    await emptyPool(state)
    if (attempt < sealAttempts) continue
    const { index = 0, reason = 'the pool holds other transactions' } = refused ?? {}
    return {
      index: from + index,
      what: 'order',
      expected: legs[from + index]?.hash ?? 'nothing',
      actual: reason,
    }
  }
}

/** Sends legs in order; gives the first that the node refuses. */
export async function sendLegs(
  state: Running,
  legs: readonly SignedLeg[],
): Promise<{ index: number; reason: string } | undefined> {
  for (let from = 0; from < legs.length; from += batchCallsMax) {
    const part = legs.slice(from, from + batchCallsMax)
    const answers = await state.node.rpc.batch(
      part.map(({ rawTx }) => ({ method: 'eth_sendRawTransaction', params: [rawTx] })),
    )
    for (const [i, answer] of answers.entries()) {
      if ('error' in answer) return { index: from + i, reason: answer.error.rpcMessage }
    }
    state.staged.push(...part.map(({ hash }) => hash))
  }
  return undefined
}

async function poolSize({ node }: Running): Promise<number> {
  const { pending, queued } = await node.rpc.call<{ pending: Hash; queued: Hash }>('txpool_status')
  return Number(pending) + Number(queued)
}

/** Empties the node's pool. */
export async function emptyPool(state: Running): Promise<void> {
  await state.node.rpc.call('anvil_dropAllTransactions')
  state.staged = []
}

/** Mines the pool under an environment; gives the block. */
export async function mine({ node, gate }: Running, env: BlockEnv): Promise<NodeBlock> {
  const { rpc } = node
  // Every time: a rollback does not bring it back.
  await rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${env.baseFeePerGas.toString(16)}`])
  const timestamp = env.timestampS
  await gate.exclusive(() => rpc.call('evm_mine', [{ timestamp }], mineTimeoutMs))
  const tag = `0x${env.number.toString(16)}`
  const block = await rpc.call<NodeBlock | null>('eth_getBlockByNumber', [tag, false])
  if (block === null) throw new StrayNodeError(`Block ${env.number} is absent after it was mined.`)
  return block
}

/** Reads the receipts of a block that was mined: slow for a large one. */
export async function receiptsOf(
  { node }: Running,
  number: number,
): Promise<readonly NodeReceipt[]> {
  const tag = `0x${number.toString(16)}`
  const receipts = await node.rpc.call<readonly NodeReceipt[] | null>(
    'eth_getBlockReceipts',
    [tag],
    mineTimeoutMs,
  )
  if (receipts === null) throw new StrayNodeError(`Block ${number} has no receipts.`)
  return receipts
}

/** Hash of the node's head where it is not the published one: somebody else mined. */
export async function strayHead({ node, published }: Running): Promise<Hash | undefined> {
  const { hash } = await node.rpc.call<NodeBlock>('eth_getBlockByNumber', ['latest', false])
  return hash === published.hash ? undefined : hash
}

/** Takes the node back to the published head. */
export async function rewind(state: Running): Promise<void> {
  const { node, published, gate } = state
  state.sealed = undefined
  const head = Number(await node.rpc.call<Hash>('eth_blockNumber'))
  const depth = head - published.number
  try {
    if (depth > 0) await gate.exclusive(() => node.rpc.call('anvil_rollback', [depth]))
  } catch (error) {
    if (!(error instanceof NodeRpcError)) throw error
    throw new StrayNodeError(`The node cannot go back ${depth} blocks: ${error.rpcMessage}.`)
  }
  const stray = await strayHead(state)
  if (stray !== undefined) {
    throw new StrayNodeError(`The node stands at ${stray} and not at ${published.hash}.`)
  }
}

/** A node's chain is not the one that was published: it is made again from the log. */
export class StrayNodeError extends Error {
  override readonly name = 'StrayNodeError'
}
