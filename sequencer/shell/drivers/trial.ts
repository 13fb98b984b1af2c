import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { BlockEnv, LegOutcome } from '../../core/entries/execution.ts'
import type { Call, Leg } from '../../core/entries/leg.ts'
import { headerDifference, type NodeBlock, type NodeReceipt } from './block.ts'
import type { Simulated } from './driver.ts'
import { batchCallsMax, NodeRpcError, type NodeCall } from './ipc.ts'
import {
  emptyPool,
  mine,
  receiptsOf,
  rewind,
  strayHead,
  StrayNodeError,
  type Running,
} from './sealing.ts'
import { callRequest } from './simulate.ts'

/** Times that a trial into which somebody else's transactions came is made again. */
const attemptsMax = 3
const traceTimeoutMs = 30_000

/** Says whether a list of calls must be tried in a block, since the node cannot simulate it. */
export function needsTrial(calls: readonly Call[]): boolean {
  return calls.some(({ to }) => to === undefined)
}

/**
 * Runs calls in order in a block on the published head and takes that block back: what the node
 * cannot simulate, a creation without a deployer, is decided by doing it. The pool is empty after it.
 *
 * @throws {@link StrayNodeError} when the node cannot be brought back to where it was.
 */
export async function tryCalls(
  state: Running,
  env: BlockEnv,
  { chainId, calls }: { chainId: number; calls: readonly Call[] },
): Promise<Simulated> {
  for (let attempt = 1; ; attempt++) {
    if ((await strayHead(state)) !== undefined) await rewind(state)
    await emptyPool(state)
    try {
      const tried = await tryOnce(state, env, { chainId, calls })
      if (tried !== 'disturbed') return tried
      if (attempt === attemptsMax) {
        throw new StrayNodeError('Foreign transactions come into every block that is tried.')
      }
    } finally {
      await emptyPool(state)
      await rewind(state)
    }
  }
}

async function tryOnce(
  state: Running,
  env: BlockEnv,
  { chainId, calls }: { chainId: number; calls: readonly Call[] },
): Promise<Simulated | 'disturbed'> {
  const sent = await send(state, chainId, calls)
  if ('refused' in sent) return { kind: 'invalid', ...sent.refused }
  const { hashes } = sent
  const block = await mine(state, env)
  const ours = new Set(hashes)
  if (block.transactions.some((hash) => !ours.has(hash))) return 'disturbed'
  const absent = hashes.findIndex((hash, i) => block.transactions[i] !== hash)
  if (absent >= 0) {
    const reason = 'no block holds it after the transactions before it'
    return { kind: 'invalid', index: absent, reason }
  }
  checkPlace(env, block)
  const receipts = await receiptsOf(state, env.number)
  return { kind: 'outcomes', outcomes: await outcomesOf(state, receipts) }
}

/** Sends calls to the pool: users' as they are signed, the system key's without a signature. */
async function send(
  { node }: Running,
  chainId: number,
  calls: readonly Call[],
): Promise<{ hashes: Hash[] } | { refused: { index: number; reason: string } }> {
  const hashes: Hash[] = []
  for (let from = 0; from < calls.length; from += batchCallsMax) {
    const part = calls.slice(from, from + batchCallsMax)
    const answers = await node.rpc.batch(part.map((call) => sendingOf(call, chainId)))
    for (const [i, answer] of answers.entries()) {
      if ('error' in answer) {
        return { refused: { index: from + i, reason: answer.error.rpcMessage } }
      }
      hashes.push(answer.result as Hash)
    }
  }
  return { hashes }
}

function sendingOf(call: Call, chainId: number): NodeCall {
  if (isLeg(call)) return { method: 'eth_sendRawTransaction', params: [call.rawTx] }
  return { method: 'eth_sendUnsignedTransaction', params: [callRequest(call, chainId)] }
}

function isLeg(call: Call): call is Leg {
  return 'rawTx' in call
}

function checkPlace(env: BlockEnv, block: NodeBlock): void {
  const difference = headerDifference(env, block)
  if (difference === undefined) return
  const { expected, actual } = difference
  throw new StrayNodeError(`A block that was tried has ${actual} and not ${expected}.`)
}

async function outcomesOf(
  { node }: Running,
  receipts: readonly NodeReceipt[],
): Promise<LegOutcome[]> {
  const outcomes: LegOutcome[] = []
  for (let from = 0; from < receipts.length; from += batchCallsMax) {
    const part = receipts.slice(from, from + batchCallsMax)
    const traces = await node.rpc.batch(
      part.map(({ transactionHash }) => ({
        method: 'debug_traceTransaction',
        params: [transactionHash, { tracer: 'callTracer', tracerConfig: { onlyTopCall: true } }],
      })),
      traceTimeoutMs,
    )
    for (const [i, { status, gasUsed, logs }] of part.entries()) {
      const trace = traces[i]
      if (trace === undefined || 'error' in trace) {
        throw trace?.error ?? new NodeRpcError('debug_traceTransaction', noAnswer)
      }
      outcomes.push({
        status: status === '0x1' ? 1 : 0,
        gasUsed: BigInt(gasUsed),
        logs: logs.map(({ address, topics, data }) => ({ address, topics, data })),
        output: (trace.result as { output?: Hex }).output ?? '0x',
      })
    }
  }
  return outcomes
}

const noAnswer = { code: -32_603, message: 'no answer in the batch' }
