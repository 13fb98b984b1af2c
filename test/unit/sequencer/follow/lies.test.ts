import type { Hex } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { bundleEntryId, ENTRY_KIND } from '../../../../sdk/protocol/entry.ts'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import { chainOf } from '../../../../sequencer/core/config.ts'
import { deliverCall, openCall } from '../../../../sequencer/core/slots/system-calls.ts'
import { LieError } from '../../../../sequencer/follow/lie.ts'
import { followDouble } from '../../../fixtures/follow/double-follower.ts'
import { lyingLog, type Draft, type Lie } from '../../../fixtures/follow/liar.ts'
import { tellLog, type ToldLog } from '../../../fixtures/follow/told-log.ts'
import { CONTRACT } from '../../../fixtures/sequencer/chain-double.ts'
import { counterLeg } from '../../../fixtures/sequencer/harness.ts'
import { signDouble } from '../../../fixtures/sequencer/driver-double.ts'
import { CHAIN_IDS, CONFIG, logId, SYSTEM } from '../../../fixtures/sequencer/world.ts'
import { entries, headers } from './lies-on-paper.ts'
import { alpha, at, beta, draftAt, env, leg, legsOn, other, type Case, type Leg } from './lying.ts'

// Goal: whatever a leader writes that is not so, in any field, is told at its slot, its leg and by its
// rule, and of several lies the first.

let told: ToldLog

beforeAll(async () => {
  told = await tellLog()
})

async function lieFound(lie: Lie): Promise<LieError> {
  const log = await lyingLog(told.log, logId, lie)
  const found = await followDouble(log, told.inbox).catch((error: unknown) => error)
  if (found instanceof LieError) return found
  throw found instanceof Error ? found : new Error('nothing was found')
}

test('the truth is followed to its end', async () => {
  const { slot, blocks } = await followDouble(told.log, told.inbox)
  const touched = told.records.flatMap(({ header, chains }) =>
    chains.map(({ chainId }) => `${header.superblock}:${chainId}`),
  )
  expect({ slot, blocks }).toEqual({ slot: told.records.length, blocks: new Set(touched).size })
  const kinds = new Set(told.records.flatMap(({ entries }) => entries.map(({ kind }) => kind)))
  expect(kinds).toEqual(new Set(Object.values(ENTRY_KIND)))
})

/** Takes an entry's effect away, and is careful that everything else fits. */
function voidEntry(draft: Draft, i: number): void {
  const item = draft.entries[i]!
  const own: Leg[] = []
  for (const chain of draft.chains) {
    const mine = (l: Leg) => l.origin.type === 'entry' && l.origin.entry === i
    for (const l of chain.legs.filter(mine)) {
      own.push(l)
      if (item.kind === ENTRY_KIND.forced) continue
      item.withheld.push({ chainId: chain.chainId, hash: l.hash, rawTx: l.rawTx })
    }
    chain.legs = chain.legs.filter((l) => !mine(l))
  }
  item.voided = { leg: 0, reason: 'LEG_FAILED: leg 0 failed' }
}

/** The system key's own call in a leg's place: what a thief of both keys would sign. */
function signAgain(draft: Draft, chainId: number, call: Parameters<typeof signDouble>[1]): Leg {
  const i = legsOn(draft, chainId).findIndex((l) => l.rawTx.includes(call.from.slice(2)))
  return Object.assign(legsOn(draft, chainId)[i]!, signDouble(chainId, call))
}

const verdicts: Case[] = [
  [
    'a liquidation that would have run',
    (drafts) => voidEntry(draftAt(drafts, 'crowd'), 1),
    { slot: at.crowd, entry: 1 },
    /verdict is what the legs do at their place \(I10, I12\)/,
  ],
  [
    'a forced bundle that would have run (I12)',
    (drafts) => {
      const draft = draftAt(drafts, 'forced')
      voidEntry(draft, 0)
      draft.chains = []
    },
    { slot: at.forced, entry: 0 },
    /verdict is what the legs do/,
  ],
  [
    'a leg left out that would have run',
    (drafts) => {
      const draft = draftAt(drafts, 'crowd')
      const legs = legsOn(draft, CHAIN_IDS[0])
      const [gone] = legs.splice(2, 1)
      const item = draft.entries[5]!
      item.skipped.push({ leg: 1, chainId: CHAIN_IDS[0], hash: gone!.hash, rawTx: gone!.rawTx })
    },
    { slot: at.crowd, entry: 5 },
    /left out when it would fail/,
  ],
  [
    'a bundle whose condition did not hold',
    (drafts) => {
      const draft = draftAt(drafts, 'message')
      const item = draft.entries[0]!
      item.terms = {
        conditional: [
          {
            chainId: alpha,
            knownAccounts: [
              { address: CONTRACT.counter, slots: [{ slot: word(0), value: other }] },
            ],
          },
        ],
      }
      const named = [alpha, beta].map((chainId) => {
        const own = legsOn(draft, chainId).find((l) => l.origin.type === 'entry')!
        return { chainId, hash: own.hash, canRevert: false }
      })
      item.entryId = bundleEntryId(logId, named, item.terms)
    },
    { slot: at.message, entry: 0 },
    /every entry passes/,
  ],
  [
    'a message that could be delivered and was not',
    (drafts) => {
      const draft = draftAt(drafts, 'message')
      const legs = legsOn(draft, alpha)
      legs.splice(2, 1)
    },
    { slot: at.message, chainId: alpha, leg: 2 },
    /delivers what can be delivered in it \(I14\)/,
  ],
]

const blocks: Case[] = [
  [
    'order of rollups',
    (drafts) => draftAt(drafts, 'message').chains.reverse(),
    { slot: at.message },
    /ascending/,
  ],
  ...(
    [
      ['number', (e) => (e.number += 1)],
      ['parent', (e) => (e.parentHash = other)],
      ['time', (e) => (e.timestampS += 1)],
      ['base fee', (e) => (e.baseFeePerGas += 1n)],
      ['gas limit', (e) => (e.gasLimit += 1n)],
      ['coinbase', (e) => (e.coinbase = SYSTEM)],
    ] as [string, Parameters<typeof env>[0]][]
  ).map(([what, change]): Case => [
    `block: its ${what}`,
    env(change),
    { slot: at.guarded, chainId: alpha },
    /follows from its parent/,
  ]),
  [
    'header of a block',
    (drafts) => {
      const [note] = draftAt(drafts, 'guarded').notes.sealed
      note!.header = note!.header.replace(/(..)$/, 'ff') as Hex
    },
    { slot: at.guarded, chainId: CHAIN_IDS[0] },
    /hash of block 2/,
  ],
  [
    'a block that is not told',
    (drafts) => draftAt(drafts, 'guarded').notes.sealed.pop(),
    { slot: at.guarded },
    /tells every block/,
  ],
  [
    'a rollup that stopped and goes on',
    (drafts) =>
      draftAt(drafts, 'message').notes.stopped.push({ chainId: alpha, reason: 'a difference' }),
    { slot: at.message, chainId: alpha },
    /that stopped/,
  ],
  [
    'a bundle that was withdrawn and stands (I20)',
    (drafts) => {
      const { entryId } = draftAt(drafts, 'guarded').entries[0]!
      draftAt(drafts, 'message').notes.closed.push({ entryId, untilSlot: 90, by: 'sender' })
    },
    { slot: at.guarded, entry: 0 },
    /I20/,
  ],
  [
    'a leg that another bundle holds (I21)',
    (drafts) => {
      // With the other bundle's second leg it would stand whole.
      const legHashes = [legsOn(draftAt(drafts, 'guarded'), beta)[1]!.hash, other]
      const { notes } = draftAt(drafts, 'message')
      notes.seen.push({ entryId: other, untilSlot: 90, legHashes })
    },
    { slot: at.guarded, chainId: beta, leg: 1 },
    /I21/,
  ],
  [
    'an entry that stood before (I6)',
    (drafts) => {
      const [first] = draftAt(drafts, 'plain').entries
      draftAt(drafts, 'message').entries[0]!.entryId = first!.entryId
    },
    { slot: at.message, entry: 0 },
    /I6/,
  ],
]

const legs: Case[] = [
  [
    'place of a leg',
    leg('message', beta, 1, (l) => (l.origin = { type: 'entry', entry: 9, leg: 0 })),
    { slot: at.message, chainId: beta, leg: 1 },
    /one of an entry/,
  ],
  [
    'order of legs (I5)',
    (drafts) => legsOn(draftAt(drafts, 'plain'), alpha).reverse(),
    { slot: at.plain, chainId: alpha, leg: 0 },
    /order of their entries/,
  ],
  [
    'hash of a leg',
    leg('message', alpha, 1, (l) => (l.hash = other)),
    { slot: at.message, chainId: alpha, leg: 1 },
    /hash that names it/,
  ],
  [
    'transaction of a leg',
    leg('message', alpha, 1, (l) => Object.assign(l, counterLeg(alpha, 1, []))),
    { slot: at.message, entry: 0 },
    /id binds/,
  ],
  [
    'a leg that is not there (I4)',
    (drafts) => legsOn(draftAt(drafts, 'message'), beta).pop(),
    { slot: at.message, entry: 0 },
    /I4/,
  ],
  [
    'status (I4)',
    leg('message', beta, 2, (l) => (l.status = 0)),
    { slot: at.message, chainId: beta, leg: 2 },
    /I4/,
  ],
  [
    'status of what may revert',
    leg('plain', alpha, 1, (l) => (l.status = 0)),
    { slot: at.plain, chainId: alpha, leg: 1 },
    /status differs/,
  ],
  [
    'gas',
    leg('plain', beta, 1, (l) => (l.gasUsed += 1n)),
    { slot: at.plain, chainId: beta, leg: 1 },
    /gasUsed differs/,
  ],
  [
    'logs',
    leg('plain', beta, 2, (l) => (l.logs = [{ address: SYSTEM, topics: [], data: '0x01' }])),
    { slot: at.plain, chainId: beta, leg: 2 },
    /logs differs/,
  ],
  [
    'output',
    leg('plain', beta, 2, (l) => (l.outputHash = other)),
    { slot: at.plain, chainId: beta, leg: 2 },
    /output differs/,
  ],
  [
    'keys that a slot opens with (I21)',
    (drafts) => {
      const draft = draftAt(drafts, 'guarded')
      const keys = { bundleKeys: [other], jointKeys: [] }
      const call = openCall(chainOf(CONFIG, beta)!, SYSTEM, { ...draft.header, ...keys })
      signAgain(draft, beta, { ...call, nonce: 4 })
    },
    { slot: at.guarded, chainId: beta, leg: 0 },
    /keys of its bundles \(I21\)/,
  ],
  [
    'a message that nobody sent (I14)',
    (drafts) => {
      const call = deliverCall(chainOf(CONFIG, beta)!, SYSTEM, {
        way: 'mailbox',
        bytes: '0x1234',
      })
      const forged = legsOn(draftAt(drafts, 'message'), beta)[1]!
      Object.assign(forged, signDouble(beta, { ...call, nonce: 3 }))
    },
    { slot: at.message, chainId: beta, leg: 1 },
    /was sent in it, once \(I14\)/,
  ],
]

describe.each([
  ['header', headers],
  ['entry', entries],
  ['verdict', verdicts],
  ['block', blocks],
  ['leg', legs],
])('a leader that lies about the %s is told', (_part, cases) => {
  test.each(cases)('%s', async (_what, lie, place, rule) => {
    const found = await lieFound(lie)
    expect(found.place).toMatchObject(place)
    expect(found.finding.what).toMatch(rule)
    expect(found.finding.posted).not.toBe(found.finding.recomputed)
  })
})

describe('of two lies', () => {
  test('the one that only an execution shows is told first where it is first', async () => {
    const found = await lieFound((drafts) => {
      legsOn(draftAt(drafts, 'message'), beta)[0]!.gasUsed += 1n
      draftAt(drafts, 'guarded').header.marksSeq = 5n
    })
    expect(found.place).toMatchObject({ slot: at.message, chainId: beta, leg: 0 })
  })

  test('in one superblock too', async () => {
    const found = await lieFound((drafts) => {
      legsOn(draftAt(drafts, 'plain'), beta)[3]!.outputHash = other
      draftAt(drafts, 'message').header.marksSeq = 5n
    })
    expect(found.place).toMatchObject({ slot: at.plain, chainId: beta, leg: 3 })
  })

  test('the one on paper is told where it is first', async () => {
    const found = await lieFound((drafts) => {
      draftAt(drafts, 'plain').header.marksSeq = 5n
      legsOn(draftAt(drafts, 'message'), beta)[0]!.gasUsed += 1n
    })
    expect(found.place).toEqual({ slot: at.plain })
  })

  test('that contradict nothing but the blocks the hash of the block is', async () => {
    const found = await lieFound((drafts) => {
      const draft = draftAt(drafts, 'guarded')
      const header2 = draft.notes.sealed[1]!.header
      draft.notes.sealed[1]!.header = header2.replace(/(..)$/, 'ff') as Hex
      draftAt(drafts, 'crowd').header.view = 3
    })
    expect(found.place).toEqual({ slot: at.guarded, chainId: alpha })
  })
})

function word(value: number): Hash {
  return `0x${value.toString(16).padStart(64, '0')}`
}
