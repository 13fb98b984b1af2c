import { assert } from '../../../sdk/protocol/assert.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Difference } from '../entries/execution.ts'
import type { CoreInput, Effect, SealOutcome } from '../input.ts'
import { wake } from '../bundles/pool.ts'
import type { AccountKey } from '../entries/entry.ts'
import type { CoreState } from '../state.ts'
import { finishResumed, stopChain } from './stop.ts'
import { chainsIn } from './superblock.ts'

/** Closes the superblock when its time has come or nothing more goes into it. */
export function closeIfDue(state: CoreState): Effect[] {
  const { superblock, config, elapsedMs } = state
  if (superblock.phase !== 'open' || state.formation !== undefined) return []
  // Only durable slots are mined: a crash must not leave a block that the log does not know.
  if (state.durableHeight < state.height) return []
  const old = elapsedMs - superblock.openedAtMs >= config.superblockMs
  const quiet = state.ready.length === 0 && elapsedMs - state.busyAtMs >= config.idleCloseMs
  if (!old && !quiet && superblock.resumed.size === 0) return []
  superblock.phase = 'sealing'
  superblock.differences = new Map()
  const chainIds = chainsIn(superblock)
  if (chainIds.length === 0) return publish(state, [])
  return [{ type: 'seal', superblock: superblock.number, chainIds, again: false }]
}

/**
 * Takes what mining gave on every touched rollup. A difference is rolled back on all of them and all
 * are mined again; a rollup where it stays stops, the others go on.
 */
export function takeSealed(
  state: CoreState,
  { superblock: number, outcomes }: Extract<CoreInput, { type: 'sealed' }>,
): Effect[] {
  const { superblock } = state
  assert(superblock.phase === 'sealing', 'a superblock is sealed once')
  assert(superblock.number === number, 'the sealed superblock is the open one')
  const stops: Effect[] = []
  let again = false
  for (const outcome of outcomes) {
    if (outcome.kind === 'sealed') continue
    const { chainId, difference } = outcome
    const times = (superblock.differences.get(chainId) ?? 0) + 1
    superblock.differences.set(chainId, times)
    if (times < differencesMax) again = true
    else stops.push(...stopChain(state, { chainId, reason: describeDifference(difference) }))
  }
  if (!again) return [...stops, ...publish(state, outcomes)]
  const chainIds = outcomes.map(({ chainId }) => chainId).filter((id) => !state.stopped.has(id))
  return [...stops, { type: 'seal', superblock: number, chainIds, again: true }]
}

/** Differences of one block after which its rollup stops. */
const differencesMax = 2

function publish(state: CoreState, outcomes: readonly SealOutcome[]): Effect[] {
  const { superblock } = state
  superblock.phase = 'publishing'
  const chainIds: number[] = []
  for (const outcome of outcomes) {
    if (outcome.kind === 'difference') continue
    const { chainId, block } = outcome
    const { number, hash, timestampS, header } = block
    state.heads.set(chainId, { number, hash, timestampS })
    state.notes.sealed.push({ chainId, header })
    chainIds.push(chainId)
  }
  const rollBack = chainsIn(superblock).filter((chainId) => !chainIds.includes(chainId))
  return [{ type: 'publish', superblock: superblock.number, chainIds, rollBack }]
}

/** Opens the way for the next superblock. */
export function takePublished(
  state: CoreState,
  { superblock: number, systemNonces }: Extract<CoreInput, { type: 'published' }>,
): Effect[] {
  const { superblock } = state
  assert(superblock.phase === 'publishing', 'what is published was sealed')
  assert(superblock.number === number, 'the published superblock is the sealed one')
  const touched = new Set(superblock.blocks.keys())
  const resumed = new Set(superblock.resumed.keys())
  const effects = finishResumed(state, systemNonces)
  superblock.phase = 'none'
  superblock.published = number
  superblock.blocks = new Map()
  const keys = new Set<AccountKey>()
  for (const { for: reason } of state.held.values()) {
    if (reason.type === 'time') continue
    const chainId = Number(reason.key.split(':')[0])
    const changed = reason.type === 'funds' && touched.has(chainId)
    if (changed || resumed.has(chainId)) keys.add(reason.key)
  }
  // Who waits for a block of a number looks again at the next one.
  wake(state, { keys, time: true })
  forgetAccounts(state)
  return effects
}

function describeDifference({ index, what, expected, actual }: Difference): string {
  const where = index === undefined ? 'the block' : `leg ${index} of the block`
  return `${where} differs in ${what}: promised ${expected}, mined ${actual}`
}

/** Keeps the table of accounts bounded; what was forgotten is read again when it is needed. */
function forgetAccounts(state: CoreState): void {
  if (state.accounts.size <= LIMITS.trackedAccounts) return
  // Between superblocks nothing is promised and unpublished, so facts on chain say all.
  for (const key of state.accounts.keys()) {
    if (state.accounts.size <= LIMITS.trackedAccounts / 2) return
    state.accounts.delete(key)
  }
}
