import { keccak256 } from 'viem/utils'
import {
  ENTRY_KIND,
  LANE,
  LANES,
  riskEntryId,
  VOID_REASON_BYTES,
} from '../../../sdk/protocol/entry.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { merkleRoot } from '../../../sdk/protocol/merkle.ts'
import { slotHash, type SlotRecord } from '../../../sdk/protocol/slot.ts'
import type { CoreConfig } from '../config.ts'
import { compareEntries, laneOf, slotEntriesOf } from '../lanes/lanes.ts'
import { isNewer } from '../risk/risk.ts'

/** A rule that a slot breaks, and what was found. */
export type SlotFault = { rule: string; found: string }

/** What is known of the slot before: without its chains their clocks are not compared. */
type PreviousSlot = Pick<SlotRecord, 'header'> & Partial<Pick<SlotRecord, 'chains'>>

/** What a signed transaction calls; a follower decodes it, the core does not. */
export type CallOf = (rawTx: Hex) => { to?: Address | undefined; input: Hex }

/**
 * Says which rule of the log a slot breaks, by the record alone: its place and clock, the order and
 * bounds of its lanes, the form of its verdicts, and that every entry stands in the lane of what it
 * does. Whoever has the log finds the same; results are another matter, and need the rollups.
 *
 * @param previous - The slot before; undefined for slot 1.
 * @returns Undefined when it breaks none.
 */
export function faultOfSlot(
  config: CoreConfig,
  record: SlotRecord,
  { previous, callOf }: { previous: PreviousSlot | undefined; callOf: CallOf },
): SlotFault | undefined {
  return (
    faultOfPlace(config, record, previous) ??
    faultOfClock(record, previous) ??
    faultOfLanes(record) ??
    faultOfRisks(config, record, previous) ??
    faultOfForced(config, record, previous) ??
    faultOfVerdicts(record) ??
    faultOfContent(config, record, callOf)
  )
}

function faultOfPlace(
  { logId }: CoreConfig,
  { header, entries }: SlotRecord,
  previous: PreviousSlot | undefined,
): SlotFault | undefined {
  const height = (previous?.header.height ?? 0) + 1
  if (header.height !== height) return fault('heights are contiguous (I1)', header.height)
  if (previous !== undefined && header.parentHash !== slotHash(logId, previous.header)) {
    return fault('a slot names the hash of the one before (I1)', header.parentHash)
  }
  const root = merkleRoot(entries.map(({ entryId }) => keccak256(entryId)))
  if (header.entriesRoot !== root) {
    return fault('the header commits to the entries', header.entriesRoot)
  }
  return undefined
}

function faultOfClock(
  { header, chains, entries }: SlotRecord,
  previous: PreviousSlot | undefined,
): SlotFault | undefined {
  const { timestampMs } = header
  if (previous !== undefined && timestampMs <= previous.header.timestampMs) {
    return fault('slot time strictly increases (I13)', timestampMs)
  }
  const seconds = Math.floor(timestampMs / 1000)
  for (const { chainId, env } of chains) {
    const before = previous?.chains?.find((chain) => chain.chainId === chainId)?.env.timestampS ?? 0
    if (env.timestampS < before) return fault('EVM seconds never decrease (I13)', env.timestampS)
  }
  for (const { terms, deadlineSlot, forced } of entries) {
    const { minSlot, maxSlot, minTimestamp, maxTimestamp } = terms
    const late = forced === undefined && header.height > deadlineSlot
    if (late || (maxSlot !== undefined && BigInt(header.height) > maxSlot)) {
      return fault('an entry stands before its deadline', header.height)
    }
    if (minSlot !== undefined && BigInt(header.height) < minSlot) {
      return fault('an entry stands after its first slot', header.height)
    }
    const early = minTimestamp !== undefined && timestampMs < minTimestamp * 1000
    if (early || (maxTimestamp !== undefined && seconds > maxTimestamp)) {
      return fault('limits of time are kept by slot time (I13)', timestampMs)
    }
  }
  return undefined
}

function faultOfLanes({ header, entries }: SlotRecord): SlotFault | undefined {
  const counts = Array.from({ length: LANES }, () => 0)
  for (const [i, entry] of entries.entries()) {
    counts[entry.lane] = (counts[entry.lane] ?? 0) + 1
    const before = entries[i - 1]
    if (before !== undefined && compareEntries(before, entry) >= 0) {
      return fault('entries stand by lane, then forced ones, then as they came (I9)', i)
    }
    if ((counts[entry.lane] ?? 0) > slotEntriesOf(entry.lane)) {
      return fault(`lane ${entry.lane} is bounded (I10)`, counts[entry.lane])
    }
  }
  if (counts.some((count, lane) => header.laneCounts[lane] !== count)) {
    return fault('the header counts the lanes', header.laneCounts.join())
  }
  return undefined
}

/** A risk version names marks that stand before it, and only goes forward. */
function faultOfRisks(
  { logId }: CoreConfig,
  { header, entries }: SlotRecord,
  previous: PreviousSlot | undefined,
): SlotFault | undefined {
  let current = previous?.header.risk ?? { marksSeq: 0n, paramsVersion: 0 }
  const own = entries.filter(({ risk }) => risk !== undefined)
  if (own.length > 1) return fault('a slot has one risk version at most', own.length)
  for (const { kind, lane, entryId, canRevert, voided, risk } of own) {
    if (risk === undefined) continue
    const plain = kind === ENTRY_KIND.system && lane === LANE.system && canRevert.length === 0
    if (!plain || voided !== undefined || entryId !== riskEntryId(logId, risk)) {
      return fault('a risk version is a system entry without legs', entryId)
    }
    const shown = `${risk.marksSeq}/${risk.paramsVersion}`
    if (risk.marksSeq > header.marksSeq) return fault('its marks stand in the log', shown)
    if (!isNewer(risk, current)) return fault('risk versions only go forward', shown)
    current = risk
  }
  const { marksSeq, paramsVersion } = header.risk
  if (marksSeq === current.marksSeq && paramsVersion === current.paramsVersion) return undefined
  return fault('the header names the risk version in force', `${marksSeq}/${paramsVersion}`)
}

function faultOfForced(
  { forcedWithinBlocks }: CoreConfig,
  { header, entries }: SlotRecord,
  previous: PreviousSlot | undefined,
): SlotFault | undefined {
  const cursor = previous?.header.forcedCursor ?? 0
  const forced = entries
    .flatMap((entry) => (entry.forced === undefined ? [] : [entry.forced]))
    .toSorted((a, b) => a.index - b.index)
  if (forced.length > LIMITS.slotForcedEntries) {
    return fault('forced entries of a slot are bounded', forced.length)
  }
  const strange = forced.findIndex(({ index }, i) => index !== cursor + i)
  if (strange >= 0) return fault('what was forced stands without a hole', strange)
  if (header.forcedCursor !== cursor + forced.length) {
    return fault('the cursor counts what was forced', header.forcedCursor)
  }
  const origin = header.l1Origin.number
  if (origin < (previous?.header.l1Origin.number ?? 0)) {
    return fault('the origin on l1 never goes back (I17)', origin)
  }
  // A slot names a block of `l1` only once everything due by then stands before it or in it.
  const late = forced.find(
    ({ l1Block }) => l1Block + forcedWithinBlocks <= (previous?.header.l1Origin.number ?? 0),
  )
  return late === undefined ? undefined : fault('what was forced stands in time (I11)', late.index)
}

function faultOfVerdicts({ entries, chains }: SlotRecord): SlotFault | undefined {
  const legs = legsByEntry(chains)
  for (const [i, entry] of entries.entries()) {
    const { voided, skipped, canRevert, lane, kind, terms } = entry
    const own = legs.get(i) ?? []
    if (voided !== undefined) {
      const may = lane === LANE.urgent || kind === ENTRY_KIND.forced
      if (!may) return fault('only lane 1 and what was forced is voided', entry.entryId)
      if (own.length + skipped.length > 0) {
        return fault('a voided entry puts nothing on any chain (I12)', own.length)
      }
      if (voided.reason.length > VOID_REASON_BYTES) return fault('a reason is short', voided.leg)
      continue
    }
    const wrong = skipped.find(({ leg }) => terms.legTerms?.[leg]?.canSkip !== true)
    if (wrong !== undefined) return fault('only a leg that may is left out', wrong.leg)
    const places = [...own.map(({ leg }) => leg), ...skipped.map(({ leg }) => leg)]
    if (places.length !== canRevert.length || new Set(places).size !== places.length) {
      return fault('every leg of an entry stands once or is left out (I4)', entry.entryId)
    }
    const failed = own.find(
      ({ leg, status }) => status === 0 && (canRevert[leg] !== true || lane === LANE.urgent),
    )
    if (failed !== undefined) return fault('a required leg succeeded (I4)', failed.leg)
  }
  return undefined
}

type PlacedLeg = { leg: number; chainId: number; status: 0 | 1; rawTx: Hex; hash: Hash }

function legsByEntry(chains: SlotRecord['chains']): Map<number, PlacedLeg[]> {
  const found = new Map<number, PlacedLeg[]>()
  for (const { chainId, legs } of chains) {
    for (const { origin, status, rawTx, hash } of legs) {
      if (origin.type !== 'entry') continue
      const own = found.get(origin.entry) ?? []
      found.set(origin.entry, own)
      own.push({ leg: origin.leg, chainId, status, rawTx, hash })
    }
  }
  return found
}

/** Lane truth: an entry stands in the lane of what it does, whether or not it did it. */
function faultOfContent(
  config: CoreConfig,
  { entries, chains }: SlotRecord,
  callOf: CallOf,
): SlotFault | undefined {
  const legs = legsByEntry(chains)
  for (const [i, entry] of entries.entries()) {
    const { kind, lane, entryId, marks, risk, terms, voided, skipped, withheld } = entry
    // What a forced entry calls stands inside its intents; of its own voided ones the log keeps no call.
    const hidden = kind === ENTRY_KIND.system && voided !== undefined
    if (kind === ENTRY_KIND.forced || hidden) continue
    const own = [...(legs.get(i) ?? []), ...skipped, ...withheld]
    const calls = own.map(({ chainId, rawTx }) => ({ chainId, ...callOf(rawTx) }))
    const content = marks !== undefined || risk !== undefined
    const expected = content ? LANE.system : laneOf(config, calls, terms)
    if (kind === ENTRY_KIND.system && expected > LANE.urgent) {
      return fault('the system brings marks, risk versions and starts of liquidations', entryId)
    }
    if (lane !== expected) return fault(`an entry stands in lane ${expected} (I10)`, lane)
  }
  return undefined
}

function fault(rule: string, found: unknown): SlotFault {
  return { rule, found: String(found) }
}
