import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import type { BlockEnv, Probe, ProbeAnswer, Simulation } from '../../core/entries/execution.ts'
import type { Call } from '../../core/entries/leg.ts'
import type { ChainDriver, Looked } from '../drivers/driver.ts'

/**
 * Computes an account's initial margin from the hub's books as `read` shows them, USD × 10^18.
 *
 * @throws TandemError when the margin cannot be told.
 */
export type MarginProbe = (
  account: AccountId,
  read: (to: Address, data: Hex) => Promise<Hex>,
) => Promise<bigint>

/** Simulates calls and answers the probes among them. */
export async function simulateWithProbes(
  driver: ChainDriver,
  request: { env: BlockEnv; calls: readonly Call[]; probes: readonly Probe[] },
  margin: MarginProbe | undefined,
): Promise<Simulation> {
  const { env, calls, probes } = request
  const simulated = await driver.simulate(env, calls)
  if (simulated.kind !== 'outcomes') return simulated
  const answers: ProbeAnswer[] = []
  for (const probe of probes) {
    const before = calls.slice(0, probe.after)
    try {
      answers.push(await answer(driver, { env, calls: before, probe }, margin))
    } catch (error) {
      if (!(error instanceof MovedError)) throw error
      return { kind: 'stale', head: error.head }
    }
  }
  return { ...simulated, answers }
}

async function answer(
  driver: ChainDriver,
  { env, calls, probe }: { env: BlockEnv; calls: readonly Call[]; probe: Probe },
  margin: MarginProbe | undefined,
): Promise<ProbeAnswer> {
  if (probe.what === 'storage') {
    const { address: to, slots } = probe
    const seen = unmoved(await driver.look(env, calls, { to, slots }))
    if (seen.kind === 'failed') return { what: 'unknown', reason: seen.reason }
    const words = slots.map((_, i): Hash => `0x${seen.data.slice(2 + i * 64, 66 + i * 64)}`)
    return { what: 'storage', values: words }
  }
  if (probe.what === 'balance') {
    const seen = unmoved(await driver.look(env, calls, { to: probe.address, balance: true }))
    if (seen.kind === 'failed') return { what: 'unknown', reason: seen.reason }
    return { what: 'balance', wei: BigInt(seen.data) }
  }
  if (margin === undefined) return { what: 'unknown', reason: 'nobody computes margins here' }
  let failed: string | undefined
  const read = async (to: Address, input: Hex): Promise<Hex> => {
    const seen = unmoved(await driver.look(env, calls, { to, input }))
    if (seen.kind === 'data') return seen.data
    failed = seen.reason
    throw new LookFailedError(seen.reason)
  }
  try {
    return { what: 'margin', initial18: await margin(probe.account, read) }
  } catch (error) {
    if (error instanceof MovedError) throw error
    if (failed === undefined && !isUnavailable(error)) throw error
    return { what: 'unknown', reason: failed ?? (error as Error).message }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MARGIN_UNAVAILABLE'
}

function unmoved(looked: Looked): Exclude<Looked, { kind: 'stale' }> {
  if (looked.kind === 'stale') throw new MovedError(looked.head)
  return looked
}

/** The head moved while a simulation was looked at. */
class MovedError extends Error {
  override readonly name = 'MovedError'
  readonly head: Extract<Looked, { kind: 'stale' }>['head']

  constructor(head: MovedError['head']) {
    super('The head moved.')
    this.head = head
  }
}

/** A contract did not answer in a simulated state. */
class LookFailedError extends Error {
  override readonly name = 'LookFailedError'
}
