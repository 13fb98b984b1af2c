import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { assert } from '../../../sdk/protocol/assert.ts'
import { ENTRY_KIND, LANES } from '../../../sdk/protocol/entry.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { merkleRoot, merkleTree } from '../../../sdk/protocol/merkle.ts'
import {
  logsHash,
  preconfirmationLeaf,
  resultRoot,
  voidedRoot,
} from '../../../sdk/protocol/receipt-hash.ts'
import type { LegResult, Preconfirmation, SignedReceipt } from '../../../sdk/protocol/receipt.ts'
import { slotBodyHash } from '../../../sdk/protocol/slot-codec.ts'
import {
  chainRoot,
  type LegOrigin,
  type RecordedChain,
  type RecordedEntry,
  type RecordedLeg,
  type SlotHeader,
  type SlotRecord,
  type UnusedLeg,
} from '../../../sdk/protocol/slot.ts'
import type { CoreConfig } from '../config.ts'
import { userLegs, type Entry } from '../entries/entry.ts'
import type { FormedSlot, FormedStep } from '../input.ts'
import type { Call, Leg, SignedLeg } from '../entries/leg.ts'

/** Signs a call of the system key for a chain; the same call gives the same bytes. */
export type SignSystemCall = (chainId: number, call: Call) => SignedLeg

/** Makes the log record of a formed slot. */
export function recordSlot(
  config: CoreConfig,
  slot: FormedSlot,
  { parentHash, signSystem }: { parentHash: Hash; signSystem: SignSystemCall },
): SlotRecord {
  const places = new Map(slot.entries.map(({ entryId }, i) => [entryId, i]))
  const chains = slot.chains.map(({ chainId, env, steps }): RecordedChain => {
    const { number, timestampS, baseFeePerGas, gasLimit, coinbase } = env
    return {
      chainId,
      env: { number, parentHash: env.parentHash, timestampS, baseFeePerGas, gasLimit, coinbase },
      legs: steps.map((step) => {
        const signed = step.leg ?? signSystem(chainId, step.call)
        const { status, gasUsed, logs, output } = step.outcome
        const outputHash = keccak256(output)
        const { hash, rawTx } = signed
        return { origin: originOf(step, places), hash, rawTx, status, gasUsed, logs, outputHash }
      }),
    }
  })
  const entries = slot.entries.map((entry) => recordEntry(slot, entry))
  const body = { entries, chains, notes: slot.notes }
  const header: SlotHeader = {
    version: 1,
    height: slot.height,
    view: 0,
    leader: config.leader,
    superblock: slot.superblock,
    parentHash,
    timestampMs: slot.timestampMs,
    l1Origin: slot.l1Origin,
    forcedCursor: slot.forcedCursor,
    nativeRoot: slot.nativeRoot,
    marksSeq: slot.marksSeq,
    risk: slot.risk,
    laneCounts: Array.from(
      { length: LANES },
      (_, lane) => entries.filter((entry) => entry.lane === lane).length,
    ),
    entriesRoot: merkleRoot(entries.map(({ entryId }) => keccak256(entryId))),
    chainRoots: chains.map(({ chainId, legs }) => ({
      chainId,
      root: chainRoot(legs.map((leg) => ({ ...leg, logsHash: hashOfLogs(leg.logs) }))),
    })),
    bodyHash: slotBodyHash(body),
  }
  return { header, ...body }
}

function recordEntry(slot: FormedSlot, entry: Entry): RecordedEntry {
  const { kind, entryId, lane, sequence, deadlineSlot, canRevert, terms, owner } = entry
  const { marks, risk } = entry
  const skipped = [...(slot.skips.get(entryId) ?? [])].toSorted((a, b) => a - b)
  const voided = slot.voided.get(entryId)
  const named = kind === ENTRY_KIND.bundle && terms.replacementUuid !== undefined
  return {
    kind,
    entryId,
    lane,
    sequence,
    deadlineSlot,
    canRevert,
    terms,
    ...(named ? { sender: owner } : {}),
    ...(marks === undefined ? {} : { marks }),
    ...(risk === undefined ? {} : { risk }),
    ...(entry.forced === undefined ? {} : { forced: entry.forced }),
    skipped: voided === undefined ? skipped.map((leg) => skippedLeg(entry, leg)) : [],
    ...(voided === undefined ? {} : { voided }),
    withheld: voided === undefined ? [] : userLegs(entry).map(unusedLeg),
  }
}

function skippedLeg({ legs }: Entry, leg: number): RecordedEntry['skipped'][number] {
  const item = legs[leg]
  assert(item?.type === 'user', 'only a user’s leg is left out')
  return { leg, ...unusedLeg(item.leg) }
}

function unusedLeg({ chainId, hash, rawTx }: Leg): UnusedLeg {
  return { chainId, hash, rawTx }
}

function originOf(step: FormedStep, places: ReadonlyMap<Hash, number>): LegOrigin {
  const { origin } = step
  if (origin.type === 'open') return origin
  return { type: origin.type, entry: places.get(origin.entryId) as number, leg: origin.leg }
}

/** A slot's receipts before the one signature over their root. */
export type UnsignedReceipts = {
  slot: bigint
  view: bigint
  receiptRoot: Hash
  /** One per entry of the slot. */
  receipts: readonly Omit<SignedReceipt, 'signature'>[]
}

/** Makes the receipts of a slot: the same record gives the same receipts. */
export function receiptsOf(record: SlotRecord): UnsignedReceipts {
  const { header, entries } = record
  const slot = BigInt(header.height)
  const view = BigInt(header.view)
  const resultsByEntry = resultsOf(record)
  const rows = entries.map((entry, index) => {
    const { voided } = entry
    const results = voided === undefined ? resultsByEntry[index]! : []
    const preconfirmation: Preconfirmation = {
      slot,
      view,
      index,
      entryId: entry.entryId,
      resultRoot: voided === undefined ? resultRoot(results) : voidedRoot(voided),
      deadlineSlot: BigInt(entry.deadlineSlot),
      issuedAtMs: header.timestampMs,
    }
    return { preconfirmation, results, ...(voided === undefined ? {} : { voided }) }
  })
  const leaves = rows.map(({ preconfirmation }) => preconfirmationLeaf(preconfirmation))
  const { root: receiptRoot, branch } = merkleTree(leaves)
  const receipts = rows.map((row, i) => ({
    version: 1 as const,
    ...row,
    receiptRoot,
    branch: branch(i),
  }))
  return { slot, view, receiptRoot, receipts }
}

const noLogsHash = logsHash([])
/** Hashes of the logs of recorded legs: the slot's header needs them, and the receipts. */
const hashes = new WeakMap<RecordedLeg['logs'], Hash>()

function hashOfLogs(logs: RecordedLeg['logs']): Hash {
  const known = hashes.get(logs)
  if (known !== undefined) return known
  const hash = logsHash(logs)
  hashes.set(logs, hash)
  return hash
}

/** Results of each entry's legs in their order. */
function resultsOf({ entries, chains }: SlotRecord): LegResult[][] {
  const results = entries.map(({ skipped }) => {
    const row: LegResult[] = []
    for (const { leg, chainId, hash } of skipped) {
      row[leg] = {
        chainId,
        transactionHash: hash,
        status: 2,
        gasUsed: 0n,
        logsHash: noLogsHash,
        blockNumber: 0n,
      }
    }
    return row
  })
  for (const { chainId, env, legs } of chains) {
    for (const { origin, hash, status, gasUsed, logs } of legs) {
      if (origin.type !== 'entry') continue
      results[origin.entry]![origin.leg] = {
        chainId,
        transactionHash: hash,
        status,
        gasUsed,
        logsHash: hashOfLogs(logs),
        blockNumber: BigInt(env.number),
      }
    }
  }
  return results
}

/** Signed receipts of a slot from its one signature. */
export function signReceipts(unsigned: UnsignedReceipts, signature: Hex): SignedReceipt[] {
  return unsigned.receipts.map((receipt) => ({ ...receipt, signature }))
}
