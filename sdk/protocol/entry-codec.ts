import { hexToString, stringToHex } from 'viem/utils'
import type { ChainCondition, LegCondition } from './condition.ts'
import {
  termFields,
  type BundleTerms,
  type EntryKind,
  type Lane,
  type LegTerms,
  type MarginPredicate,
  type RiskVersion,
} from './entry.ts'
import type { Hex } from './hex.ts'
import { big, hex, int, list } from './record-reader.ts'
import { uint, type Fields } from './rlp.ts'
import type { RecordedEntry, UnusedLeg } from './slot.ts'

/** An entry of a slot as RLP fields. */
export function entryFields(entry: RecordedEntry): Fields {
  const { marks, risk, forced, voided } = entry
  return [
    uint(entry.kind),
    entry.entryId,
    uint(entry.lane),
    uint(entry.sequence),
    uint(entry.deadlineSlot),
    entry.canRevert.map((may) => uint(may ? 1 : 0)),
    termFields(entry.terms),
    marks === undefined ? [] : [uint(marks.underlying), uint(marks.sequence)],
    entry.sender ?? '0x',
    forced === undefined ? [] : [uint(forced.index), forced.contentHash, uint(forced.l1Block)],
    entry.skipped.map((leg) => [uint(leg.leg), ...unusedFields(leg)]),
    voided === undefined ? [] : [uint(voided.leg), stringToHex(voided.reason)],
    risk === undefined ? [] : riskFields(risk),
    entry.withheld.map(unusedFields),
  ]
}

/** A risk version as RLP fields. */
export function riskFields({ marksSeq, paramsVersion }: RiskVersion): Fields[] {
  return [uint(marksSeq), uint(paramsVersion)]
}

/** Reads a risk version: the inverse of {@link riskFields}. */
export function readRisk([marksSeq, paramsVersion]: readonly Fields[]): RiskVersion {
  return { marksSeq: big(marksSeq), paramsVersion: int(paramsVersion) }
}

/** Reads an entry of a slot: the inverse of {@link entryFields}. */
export function readEntry(fields: Fields): RecordedEntry {
  const at = list(fields)
  const marks = list(at[7])
  const forced = list(at[9])
  const voided = list(at[11])
  const risk = list(at[12])
  return {
    kind: int(at[0]) as EntryKind,
    entryId: hex(at[1]),
    lane: int(at[2]) as Lane,
    sequence: int(at[3]),
    deadlineSlot: int(at[4]),
    canRevert: list(at[5]).map((may) => int(may) === 1),
    terms: readTerms(at[6]),
    ...(marks.length === 0
      ? {}
      : { marks: { underlying: int(marks[0]), sequence: big(marks[1]) } }),
    ...(hex(at[8]) === '0x' ? {} : { sender: hex(at[8]) }),
    ...(forced.length === 0
      ? {}
      : {
          forced: { index: int(forced[0]), contentHash: hex(forced[1]), l1Block: int(forced[2]) },
        }),
    skipped: list(at[10]).map((row) => {
      const [leg, ...unused] = list(row)
      return { leg: int(leg), ...readUnused(unused) }
    }),
    ...(voided.length === 0
      ? {}
      : { voided: { leg: int(voided[0]), reason: hexToString(hex(voided[1])) } }),
    ...(risk.length === 0 ? {} : { risk: readRisk(risk) }),
    withheld: list(at[13]).map((row) => readUnused(list(row))),
  }
}

function unusedFields({ chainId, hash, rawTx }: UnusedLeg): Fields[] {
  return [uint(chainId), hash, rawTx]
}

function readUnused([chainId, hash, rawTx]: readonly Fields[]): UnusedLeg {
  return { chainId: int(chainId), hash: hex(hash), rawTx: hex(rawTx) }
}

function readTerms(fields: Fields | undefined): BundleTerms {
  const at = list(fields)
  const [minSlot, maxSlot, minTimestamp, maxTimestamp, uuid, salt, blockNumber] = at.map(bytesOf)
  const name = hexToString(uuid as Hex)
  const legTerms = list(at[8]).map(readLegTerms)
  const conditional = list(at[9]).map(readChainCondition)
  const requireDelivery = list(at[10]).map(int)
  const margin = list(at[11])
  return {
    ...(minSlot === '0x' ? {} : { minSlot: big(minSlot) }),
    ...(maxSlot === '0x' ? {} : { maxSlot: big(maxSlot) }),
    ...(minTimestamp === '0x' ? {} : { minTimestamp: int(minTimestamp) }),
    ...(maxTimestamp === '0x' ? {} : { maxTimestamp: int(maxTimestamp) }),
    ...(name === '' ? {} : { replacementUuid: name }),
    ...(salt === '0x' ? {} : { salt: salt as Hex }),
    ...(blockNumber === '0x' ? {} : { blockNumber: int(blockNumber) }),
    ...(int(at[7]) === 0 ? {} : { backrun: true }),
    ...(legTerms.length === 0 ? {} : { legTerms }),
    ...(conditional.length === 0 ? {} : { conditional }),
    ...(requireDelivery.length === 0 ? {} : { requireDelivery }),
    ...(margin.length === 0 ? {} : { margin: readMargin(margin) }),
  }
}

/** Lists among the terms are read on their own. */
function bytesOf(field: Fields): Hex {
  return typeof field === 'string' ? field : '0x'
}

function readLegTerms(fields: Fields): LegTerms {
  const [canSkip, after, condition] = list(fields)
  const held = list(condition)
  return {
    canSkip: int(canSkip) === 1,
    after: list(after).map(int),
    ...(held.length === 0 ? {} : { if: readCondition(held) }),
  }
}

function readChainCondition(fields: Fields): ChainCondition {
  const [chainId, ...rest] = list(fields)
  return { chainId: int(chainId), ...readCondition(rest) }
}

function readCondition(at: readonly Fields[]): LegCondition {
  const limit = (name: string, field: Fields | undefined) => {
    const [value] = list(field)
    return value === undefined ? {} : { [name]: int(value) }
  }
  const knownAccounts = list(at[4]).map((row) => {
    const [address, slots] = list(row)
    return {
      address: hex(address),
      slots: list(slots).map((item) => {
        const [slot, value] = list(item)
        return { slot: hex(slot), value: hex(value) }
      }),
    }
  })
  return {
    ...limit('blockNumberMin', at[0]),
    ...limit('blockNumberMax', at[1]),
    ...limit('timestampMin', at[2]),
    ...limit('timestampMax', at[3]),
    ...(knownAccounts.length === 0 ? {} : { knownAccounts }),
  }
}

function readMargin([account, negative, size]: readonly Fields[]): MarginPredicate {
  const amount = big(size)
  return { account: hex(account), initialMin18: int(negative) === 1 ? -amount : amount }
}
