import { describe, expect, test, vi } from 'vitest'
import type * as Forced from '../../sequencer/core/bundles/forced.ts'
import type * as Judge from '../../sequencer/core/slots/judge.ts'
import type * as Lanes from '../../sequencer/core/lanes/lanes.ts'
import type * as Memory from '../../sequencer/core/snapshot/memory.ts'
import type * as Pool from '../../sequencer/core/bundles/pool.ts'
import type * as Record from '../../sequencer/core/slots/record.ts'
import type * as State from '../../sequencer/core/state.ts'
import type * as Superblock from '../../sequencer/core/superblocks/superblock.ts'
import { runSeed } from './run-seed.ts'

// Goal: a sequencer with a bug in its core is caught by the invariant that the bug breaks. Each mutant
// changes one function of the core; the auditor and the follower are those of every other run.

const { mutant, when } = vi.hoisted(() => {
  const chosen = { active: '' }
  const either = <T extends (...args: never[]) => unknown>(name: string, right: T, wrong: T): T =>
    ((...args: never[]) => (chosen.active === name ? wrong(...args) : right(...args))) as T
  return { mutant: chosen, when: either }
})

vi.mock('../../sequencer/core/slots/record.ts', async (original) => {
  const real = await original<typeof Record>()
  const recordSlot: typeof real.recordSlot = (config, slot, how) => {
    const record = real.recordSlot(config, slot, how)
    return { ...record, header: { ...record.header, parentHash: record.header.bodyHash } }
  }
  return { ...real, recordSlot: when('I1', real.recordSlot, recordSlot) }
})

vi.mock('../../sequencer/core/slots/judge.ts', async (original) => {
  const real = await original<typeof Judge>()
  const judge: typeof real.judge = (...args) => {
    const { rejected: _, ...verdict } = real.judge(...args)
    const other = verdict.undeliverable.length + verdict.skips.length > 0
    return { ...verdict, carried: [], changed: verdict.broken !== undefined || other }
  }
  const placementsOf: typeof real.placementsOf = (...args) => {
    const found = real.placementsOf(...args)
    for (const [parent, messages] of found.placements) {
      const forged = messages.map((message) => ({
        ...message,
        // Another nonce than the one that was sent.
        bytes: message.bytes.replace('226e6f6e6365223a', '226e6f6e6365223a39') as `0x${string}`,
      }))
      found.placements.set(parent, forged)
    }
    return found
  }
  return {
    ...real,
    judge: when('I4', real.judge, judge),
    placementsOf: when('I14', real.placementsOf, placementsOf),
  }
})

vi.mock('../../sequencer/core/snapshot/memory.ts', async (original) => {
  const real = await original<typeof Memory>()
  const forget = () => undefined
  return {
    ...real,
    rememberOwner: when('I21', real.rememberOwner, forget),
  }
})

vi.mock('../../sequencer/core/lanes/lanes.ts', async (original) => {
  const real = await original<typeof Lanes>()
  return {
    ...real,
    compareEntries: when('I9', real.compareEntries, (a, b) => b.lane - a.lane),
    insertInOrder: when('I9', real.insertInOrder, (list, entry) => void list.unshift(entry)),
  }
})

vi.mock('../../sequencer/core/bundles/forced.ts', async (original) => {
  const real = await original<typeof Forced>()
  const takeOrigin: typeof real.takeOrigin = (state) => {
    state.l1Origin = { ...state.l1Head, number: state.l1Head.number + 100 }
    return state.l1Origin
  }
  const takeOlder: typeof real.takeOrigin = (state) => {
    const number = Math.max(0, state.l1Origin.number - 1)
    state.l1Origin = { ...state.l1Head, number: number === 0 ? state.l1Head.number : number }
    return state.l1Origin
  }
  const older = when('I17', real.takeOrigin, takeOlder)
  return { ...real, takeOrigin: when('I11', older, takeOrigin) }
})

vi.mock('../../sequencer/core/superblocks/superblock.ts', async (original) => {
  const real = await original<typeof Superblock>()
  const blockEnv: typeof real.blockEnv = (...args) => {
    const env = real.blockEnv(...args)
    return { ...env, prevRandao: env.parentHash }
  }
  return { ...real, blockEnv: when('I19', real.blockEnv, blockEnv) }
})

vi.mock('../../sequencer/core/bundles/pool.ts', async (original) => {
  const real = await original<typeof Pool>()
  const cancel: typeof real.cancel = (state, request) => {
    const { requestId, owner, replacementUuid } = request
    const entryId = state.memory.replaceable.get(`${owner}:${replacementUuid.toLowerCase()}`)
    if (entryId === undefined || !state.pending.has(entryId)) return real.cancel(state, request)
    return [{ type: 'cancelled', requestId, entryId, legHashes: [], height: state.height + 1 }]
  }
  return { ...real, cancel: when('I20', real.cancel, cancel) }
})

vi.mock('../../sequencer/core/state.ts', async (original) => {
  const real = await original<typeof State>()
  return {
    ...real,
    nextTimestampMs: when('I13', real.nextTimestampMs, ({ timestampMs }) => timestampMs),
  }
})

const seeds = [
  'sequencer 0',
  'sequencer 1',
  'sequencer 2',
  'sequencer 3',
  'sequencer 4',
  'sequencer 5',
]

async function caught(name: string): Promise<string> {
  mutant.active = name
  try {
    for (const seed of seeds) await runSeed(seed)
    return 'nothing was found'
  } catch (error) {
    return (error as Error).message
  } finally {
    mutant.active = ''
  }
}

describe('a mutant is caught', () => {
  test.each([
    ['I1', 'a slot that does not name its parent', /I1|names its parent/],
    ['I4', 'a bundle that stands although a leg failed', /I4/],
    ['I9', 'lanes turned around', /I9/],
    ['I11', 'an origin on l1 that passes over the inbox', /I11|I17/],
    ['I13', 'time that stands still', /I13/],
    ['I14', 'a message that nobody sent', /I14/],
    ['I17', 'an origin on l1 that goes back', /I17/],
    ['I19', 'a block that is simulated under another environment', /I19/],
    ['I20', 'a cancellation that is answered and not made', /I20/],
    ['I21', 'a leg that may go without its bundle', /I21/],
  ])('by %s: %s', async (name, _what, found) => {
    expect(await caught(name)).toMatch(found)
  })
})
