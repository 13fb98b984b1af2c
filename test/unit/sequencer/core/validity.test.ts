import { fromRlp } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Address, Hex } from '../../../../sdk/protocol/hex.ts'
import type { SlotRecord } from '../../../../sdk/protocol/slot.ts'
import { faultOfSlot } from '../../../../sequencer/core/slots/validity.ts'
import {
  CONTRACT,
  liquidation,
  reduction,
  type Op,
} from '../../../fixtures/sequencer/chain-double.ts'
import { bundleOf, counterLeg, startHarness } from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, CONFIG, USERS } from '../../../fixtures/sequencer/world.ts'

const [hub, alpha] = CHAIN_IDS
const add: Op[] = [{ do: 'add', value: 1 }]
const user = (i: number) => USERS[i] as Address
let previous: SlotRecord
let record: SlotRecord

const callOf = (rawTx: Hex) => {
  const fields = fromRlp(rawTx, 'hex') as Hex[]
  return { to: fields[6] as Address, input: fields[7] as Hex }
}
const ruleOf = (changed: SlotRecord) =>
  faultOfSlot(CONFIG, changed, { previous, callOf })?.rule ?? 'none'

/** A slot with a voided liquidation, a reduction, a bundle with a skipped leg, and two transactions. */
beforeAll(async () => {
  const { process, answer, until, records } = await startHarness()
  const { port, engine } = process()
  await answer(port.sendTransaction(counterLeg(hub, 0, add)))
  await answer(
    Promise.all(
      [0, 1, 2, 3].map((i) => port.sendTransaction(counterLeg(alpha, 0, add, { from: user(i) }))),
    ),
  )
  const busy = port.sendTransaction(counterLeg(hub, 0, add, { from: user(4) }))
  await until(() => engine.state.formation !== undefined)
  const auction = (i: number, input: Hex) =>
    port.sendTransaction(counterLeg(alpha, 1, [], { from: user(i), to: CONTRACT.auction, input }))
  const skip = { canSkip: true, after: [] }
  const sent = [
    port.sendTransaction(counterLeg(alpha, 1, add, { from: user(3) })),
    port.sendBundle(
      bundleOf([counterLeg(alpha, 1, [{ do: 'fail' }]), counterLeg(hub, 1, add)], {
        legTerms: [skip, skip],
      }),
    ),
    auction(1, liquidation(0)),
    auction(2, reduction(1)),
  ]
  await answer(Promise.all([busy, ...sent]))
  const all = await records()
  record = all.find(({ entries }) =>
    entries.some(({ voided }) => voided !== undefined),
  ) as SlotRecord
  previous = all.find(({ header }) => header.height === record.header.height - 1) as SlotRecord
})

describe('a slot', () => {
  test('that the sequencer made breaks no rule', () => {
    expect(record.entries.map(({ lane }) => lane)).toEqual([1, 2, 3, 3])
    expect(ruleOf(record)).toBe('none')
  })

  test.each<[string, string, (slot: SlotRecord) => SlotRecord]>([
    ['of another height', 'I1', (s) => header(s, { height: s.header.height + 1 })],
    ['after another slot', 'I1', (s) => header(s, { parentHash: s.header.bodyHash })],
    ['that is not later', 'I13', (s) => header(s, { timestampMs: previous.header.timestampMs })],
    ['whose lanes are turned around', 'I9', (s) => reordered(s)],
    ['that counts its lanes wrong', 'counts', (s) => header(s, { laneCounts: [0, 0, 0, 4, 0] })],
    ['with a cursor that jumps', 'cursor', (s) => header(s, { forcedCursor: 3 })],
    [
      'that voids a regular entry',
      'only lane 1',
      (s) => entry(s, 3, { voided: { leg: 0, reason: '' } }),
    ],
    ['with a liquidation that reverted', 'I4', (s) => entry(s, 0, { voided: undefined })],
    [
      'that leaves out a leg of others',
      'only a leg',
      (s) => entry(s, 2, { skipped: s.entries[3]!.skipped.map((x) => ({ ...x, leg: 1 })) }),
    ],
    ['that forgot a leg', 'I4', (s) => entry(s, 3, { skipped: [] })],
    ['with a reduction among the urgent', 'I10', (s) => lane(s, 1, 1)],
    ['with an entry after its deadline', 'deadline', (s) => entry(s, 2, { deadlineSlot: 1 })],
    [
      'with an entry before its time',
      'slot time',
      (s) => entry(s, 2, { terms: { minTimestamp: 4_000_000_000 } }),
    ],
    [
      'that goes back on l1',
      'I17',
      (s) => header(s, { l1Origin: { ...s.header.l1Origin, number: -1 } }),
    ],
  ])('%s is not valid', (_what, rule, change) => {
    expect(ruleOf(change(record))).toContain(rule)
  })
})

function header(slot: SlotRecord, change: Partial<SlotRecord['header']>): SlotRecord {
  return { ...slot, header: { ...slot.header, ...change } }
}

function entry(
  slot: SlotRecord,
  at: number,
  change: Partial<SlotRecord['entries'][number]>,
): SlotRecord {
  return { ...slot, entries: slot.entries.map((e, i) => (i === at ? { ...e, ...change } : e)) }
}

function lane(slot: SlotRecord, at: number, to: 1 | 2): SlotRecord {
  const moved = entry(slot, at, { lane: to, sequence: 9_999 })
  return header(moved, { laneCounts: [0, 2, 0, 2, 0] })
}

function reordered(slot: SlotRecord): SlotRecord {
  const [first, second, ...rest] = slot.entries
  const lanes = entry({ ...slot, entries: [first!, second!, ...rest] }, 0, { lane: 2 })
  return entry(lanes, 1, { lane: 1 })
}
