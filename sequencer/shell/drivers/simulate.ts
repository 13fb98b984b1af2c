import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { BlockEnv, LegOutcome } from '../../core/entries/execution.ts'
import type { Call } from '../../core/entries/leg.ts'
import type { Look, Looked, Simulated } from './driver.ts'
import { NodeRpcError, type IpcConnection } from './ipc.ts'

type NodeOutcome = {
  status: Hex
  gasUsed: Hex
  returnData: Hex
  logs: readonly { address: Address; topics: readonly Hash[]; data: Hex }[]
}

/** Milliseconds that one simulation may take: a block full of the slowest instructions fits. */
const simulateTimeoutMs = 30_000

/**
 * Runs calls in order on top of the block `env.number - 1`, under `env`; changes nothing.
 *
 * A call that makes the whole list impossible is not named by the node: it is searched for among the
 * list's beginnings, of which the shortest impossible one ends with it.
 */
export async function simulateCalls(
  rpc: IpcConnection,
  chainId: number,
  env: BlockEnv,
  calls: readonly Call[],
): Promise<Simulated> {
  if (calls.length === 0) return { kind: 'outcomes', outcomes: [] }
  const requests = calls.map((call) => requestText(call, chainId))
  const whole = await attempt(rpc, env, requests)
  if (!('reason' in whole)) return { kind: 'outcomes', outcomes: whole.outcomes }

  let possible = 0
  let impossible = requests.length
  let reason = whole.reason
  while (impossible - possible > 1) {
    const middle = Math.floor((possible + impossible) / 2)
    const part = await attempt(rpc, env, requests.slice(0, middle))
    if ('reason' in part) {
      impossible = middle
      reason = part.reason
    } else {
      possible = middle
    }
  }
  return { kind: 'invalid', index: impossible - 1, reason }
}

/** Code that answers with the storage words whose places are its input. */
const readerCode: Hex = '0x5f5b3681101560145780355481526020016001565b5ff3'

/** Whoever asks, and where code is put that answers: accounts without a key. */
const nobody: Address = `0x${'00'.repeat(18)}7a01`
const answerer: Address = `0x${'00'.repeat(18)}7a02`

/** Where a question goes, with what, and which code answers it there if not the account's own. */
function questionOf(what: Look): { to: Address; input: Hex; code?: Hex | undefined } {
  if ('input' in what) return what
  if ('balance' in what) {
    // PUSH20 account, BALANCE, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN.
    return { to: answerer, input: '0x', code: `0x73${what.to.slice(2)}315f5260205ff3` }
  }
  const input: Hex = `0x${what.slots.map((slot) => slot.slice(2)).join('')}`
  return { to: what.to, input, code: readerCode }
}

/** Runs calls like {@link simulateCalls} and then, in a block of its own, looks at what they left. */
export async function lookAfter(
  rpc: IpcConnection,
  chainId: number,
  { env, calls, what }: { env: BlockEnv; calls: readonly Call[]; what: Look },
): Promise<Exclude<Looked, { kind: 'stale' }>> {
  const { to, input, code } = questionOf(what)
  const next = { ...env, number: env.number + 1, baseFeePerGas: 0n }
  const last = {
    blockOverrides: overridesOf(next),
    ...(code === undefined ? {} : { stateOverrides: { [to]: { code } } }),
    calls: [{ from: nobody, to, input, gas: quantity(env.gasLimit / 2n), gasPrice: '0x0' }],
  }
  const requests = calls.map((call) => callRequest(call, chainId))
  const first = { blockOverrides: overridesOf(env), calls: requests }
  try {
    const blocks = await rpc.call<readonly { calls: readonly NodeOutcome[] }[]>(
      'eth_simulateV1',
      [
        {
          blockStateCalls: [first, last],
          validation: true,
          traceTransfers: false,
          returnFullTransactions: false,
        },
        quantity(env.number - 1),
      ],
      simulateTimeoutMs,
    )
    const outcome = blocks.at(-1)?.calls[0]
    if (outcome?.status === '0x1') return { kind: 'data', data: outcome.returnData }
    return { kind: 'failed', reason: `the call reverted with ${outcome?.returnData ?? 'nothing'}` }
  } catch (error) {
    if (error instanceof NodeRpcError) return { kind: 'failed', reason: error.rpcMessage }
    throw error
  }
}

async function attempt(
  rpc: IpcConnection,
  env: BlockEnv,
  calls: readonly string[],
): Promise<{ outcomes: LegOutcome[] } | { reason: string }> {
  const overrides = JSON.stringify(overridesOf(env))
  const states = `[{"blockOverrides":${overrides},"calls":[${calls.join(',')}]}]`
  const rest = '"validation":true,"traceTransfers":false,"returnFullTransactions":false'
  const params = `[{"blockStateCalls":${states},${rest}},"${quantity(env.number - 1)}"]`
  try {
    const blocks = await rpc.callText<[{ calls: readonly NodeOutcome[] }]>(
      'eth_simulateV1',
      params,
      simulateTimeoutMs,
    )
    return { outcomes: blocks[0].calls.map(outcomeOf) }
  } catch (error) {
    if (error instanceof NodeRpcError) return { reason: error.rpcMessage }
    throw error
  }
}

function overridesOf(env: BlockEnv) {
  return {
    number: quantity(env.number),
    time: quantity(env.timestampS),
    gasLimit: quantity(env.gasLimit),
    feeRecipient: env.coinbase,
    baseFeePerGas: quantity(env.baseFeePerGas),
    prevRandao: env.prevRandao,
  }
}

/** Texts of calls: those of an open block are simulated again before every slot that follows. */
const texts = new WeakMap<Call, string>()

function requestText(call: Call, chainId: number): string {
  const known = texts.get(call)
  if (known !== undefined) return known
  const text = JSON.stringify(callRequest(call, chainId))
  texts.set(call, text)
  return text
}

/** A call as the node takes it. */
export function callRequest(call: Call, chainId: number) {
  const { from, to, input, value, gas, nonce, fee, accessList } = call
  const price =
    fee.type === 'eip1559'
      ? {
          maxFeePerGas: quantity(fee.maxFeePerGas),
          maxPriorityFeePerGas: quantity(fee.maxPriorityFeePerGas),
        }
      : { gasPrice: quantity(fee.gasPrice) }
  return {
    from,
    ...(to === undefined ? {} : { to }),
    input,
    value: quantity(value),
    gas: quantity(gas),
    nonce: quantity(nonce),
    chainId: quantity(chainId),
    ...price,
    // A legacy transaction has no list; an empty one would change its type.
    ...(fee.type === 'legacy' ? {} : { accessList }),
  }
}

function outcomeOf({ status, gasUsed, returnData, logs }: NodeOutcome): LegOutcome {
  return {
    status: status === '0x1' ? 1 : 0,
    gasUsed: BigInt(gasUsed),
    logs: logs.map(({ address, topics, data }) => ({ address, topics, data })),
    output: returnData,
  }
}

function quantity(value: number | bigint): Hex {
  return `0x${value.toString(16)}`
}
