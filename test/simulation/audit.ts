import { deepStrictEqual } from 'node:assert'
import type { Address, Hash } from '../../sdk/protocol/hex.ts'
import { receiptDigest, refusalDigest } from '../../sdk/protocol/receipt-hash.ts'
import { decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import { slotHash, type SlotRecord } from '../../sdk/protocol/slot.ts'
import { ENTRY_KIND, LANE } from '../../sdk/protocol/entry.ts'
import { fromRlp, type Hex } from 'viem'
import { dispatchedMessages } from '../../sequencer/core/messages/messages.ts'
import type { ForcedInput } from '../../sequencer/core/bundles/forced.ts'
import { faultOfSlot } from '../../sequencer/core/slots/validity.ts'
import { deliverCall } from '../../sequencer/core/slots/system-calls.ts'
import { openFileLog } from '../../sequencer/shell/log/file-log.ts'
import type { Disk } from '../../sequencer/shell/log/disk.ts'
import type { PublishedSuperblock } from '../../sequencer/shell/port.ts'
import { recoverSigner } from '../../sequencer/shell/signing.ts'
import type { Request } from './clients.ts'
import { CONFIG, logId, SEQUENCER } from '../fixtures/sequencer/world.ts'

/** A rule of the log was broken. */
export class BrokenInvariant extends Error {
  constructor(name: string, detail: string) {
    super(`${name}: ${detail}`)
  }
}

function holds(condition: boolean, name: string, detail: () => string): asserts condition {
  if (!condition) throw new BrokenInvariant(name, detail())
}

/** Reads a log as it lies on the disk. */
export async function readLog(disk: Disk): Promise<SlotRecord[]> {
  const { log } = await openFileLog(disk)
  const records: SlotRecord[] = []
  for await (const { record } of log.read(1)) records.push(decodeSlotRecord(record))
  return records
}

/** Checks a whole log: order, exactly once, nonces, contiguity, lanes, messages, no leg alone. */
export function auditLog(records: readonly SlotRecord[]): void {
  const entries = new Map<Hash, number>()
  const nonces = new Map<string, number>()
  const owners = new Map<Hash, { entryId: Hash; untilSlot: number }>()
  let previous: SlotRecord | undefined
  for (const record of records) {
    const { header } = record
    const parent = previous === undefined ? undefined : slotHash(logId, previous.header)
    holds(
      header.height === (previous?.header.height ?? 0) + 1,
      'I1',
      () => `height ${header.height}`,
    )
    holds(
      parent === undefined || header.parentHash === parent,
      'I1',
      () => `parent of ${header.height}`,
    )
    holds(
      header.timestampMs > (previous?.header.timestampMs ?? 0),
      'I13',
      () => `time of ${header.height}`,
    )
    for (const { entryId, untilSlot, legHashes } of record.notes.seen) {
      for (const hash of legHashes) {
        const owner = owners.get(hash)
        if (owner === undefined || owner.untilSlot < header.height)
          owners.set(hash, { entryId, untilSlot })
      }
    }
    for (const { entryId, by } of record.notes.closed) {
      if (by === 'sender') continue
      for (const [hash, owner] of owners) if (owner.entryId === entryId) owners.delete(hash)
      for (const seen of record.notes.seen.filter((item) => item.entryId === by)) {
        for (const hash of seen.legHashes)
          owners.set(hash, { entryId: by, untilSlot: seen.untilSlot })
      }
    }
    for (const { entryId } of record.entries) {
      holds(!entries.has(entryId), 'I6', () => `entry ${entryId} stands twice`)
      entries.set(entryId, header.height)
    }
    const fault = faultOfSlot(CONFIG, record, { previous, callOf })
    holds(fault === undefined, 'valid', () => `slot ${header.height}: ${JSON.stringify(fault)}`)
    auditVerdicts(record)
    auditNonces(record, nonces)
    auditPlaces(record, owners)
    auditMessages(record)
    previous = record
  }
}

/** Reads a transaction of the double. */
function callOf(rawTx: Hex): { to: Address; input: Hex } {
  const fields = fromRlp(rawTx, 'hex') as Hex[]
  return { to: fields[6] as Address, input: fields[7] as Hex }
}

function auditVerdicts({ entries, chains, header }: SlotRecord): void {
  for (const [i, entry] of entries.entries()) {
    const results = chains.flatMap(({ legs }) =>
      legs.filter(({ origin }) => origin.type === 'entry' && origin.entry === i),
    )
    holds(
      entry.voided === undefined
        ? results.length + entry.skipped.length === entry.canRevert.length
        : results.length === 0,
      'I4',
      () => `slot ${header.height} has ${results.length} of ${entry.canRevert.length} legs`,
    )
    for (const { origin, status } of results) {
      const may =
        origin.type === 'entry' &&
        entry.canRevert[origin.leg] === true &&
        entry.lane !== LANE.urgent
      holds(status === 1 || may, 'I4', () => `slot ${header.height}: a required leg failed`)
    }
  }
  const lanes = entries.map(({ lane }) => lane)
  holds(
    lanes.every((lane, i) => i === 0 || lane >= (lanes[i - 1] as number)),
    'I9',
    () => `lanes of slot ${header.height}: ${lanes.join()}`,
  )
}

function auditNonces({ chains, header }: SlotRecord, nonces: Map<string, number>): void {
  for (const { chainId, legs } of chains) {
    for (const { rawTx } of legs) {
      const fields = fromRlp(rawTx, 'hex') as Hex[]
      const nonce = fields[1] === '0x' ? 0 : Number(fields[1])
      const key = `${chainId}:${fields[5]}`
      const next = nonces.get(key) ?? 0
      holds(
        nonce === next,
        'I7',
        () => `slot ${header.height}: ${key} nonce ${nonce}, expected ${next}`,
      )
      nonces.set(key, next + 1)
    }
  }
}

function auditPlaces(
  { chains, entries, header }: SlotRecord,
  owners: ReadonlyMap<Hash, { entryId: Hash; untilSlot: number }>,
): void {
  /** A bundle with every leg of another one sends none of them alone. */
  const standsWhole = (ownerId: Hash, entry: number) => {
    const own = chains.flatMap(({ legs }) =>
      legs.flatMap(({ origin, hash }) =>
        origin.type === 'entry' && origin.entry === entry ? [hash] : [],
      ),
    )
    return [...owners].every(([hash, { entryId }]) => entryId !== ownerId || own.includes(hash))
  }
  for (const { chainId, legs } of chains) {
    holds(legs[0]?.origin.type === 'open', 'open', () => `slot ${header.height} on ${chainId}`)
    let last = -1
    for (const { origin, hash } of legs.slice(1)) {
      holds(origin.type !== 'open', 'open', () => `slot ${header.height} on ${chainId} twice`)
      holds(
        origin.entry >= last,
        'I5',
        () => `slot ${header.height}: entry ${origin.entry} after ${last}`,
      )
      last = origin.entry
      const owner = origin.type === 'entry' ? owners.get(hash) : undefined
      const entryId = entries[origin.entry]?.entryId
      const foreign =
        owner !== undefined && owner.entryId !== entryId && owner.untilSlot >= header.height
      holds(
        !foreign || standsWhole(owner.entryId, origin.entry),
        'I21',
        () => `slot ${header.height}: leg ${hash} of ${owner?.entryId} stands alone`,
      )
    }
  }
}

function auditMessages({ chains, header }: SlotRecord): void {
  const sent = new Set<string>()
  for (const { chainId, legs } of chains) {
    for (const { logs, status } of legs) {
      if (status === 0) continue
      for (const message of dispatchedMessages(CONFIG, chainId, logs)) {
        const chain = CONFIG.chains.find((item) => item.chainId === message.destination)
        if (chain === undefined) continue
        sent.add(`${message.destination}:${deliverCall(chain, CONFIG.system, message).input}`)
      }
    }
  }
  for (const { chainId, legs } of chains) {
    for (const { origin, rawTx, status } of legs) {
      if (origin.type !== 'delivery') continue
      const input = (fromRlp(rawTx, 'hex') as Hex[])[7] as Hex
      holds(sent.has(`${chainId}:${input}`), 'I14', () => `slot ${header.height}: nobody sent it`)
      holds(status === 1, 'I14', () => `slot ${header.height}: a failed delivery stands`)
    }
  }
}

/** Checks what readers saw: heads never change, and every bundle is there whole or not at all (I3, I4). */
export function auditReaders(
  seen: readonly PublishedSuperblock[],
  records: readonly SlotRecord[],
): Map<string, Hash> {
  const hashes = new Map<string, Hash>()
  for (const { blocks, superblock } of seen) {
    for (const { chainId, block } of blocks) {
      const key = `${chainId}:${block.number}`
      const known = hashes.get(key)
      holds(known === undefined || known === block.hash, 'I3', () => `block ${key} changed`)
      hashes.set(key, block.hash)
    }
    const shown = new Set(blocks.flatMap(({ legs }) => legs.map(({ hash }) => hash)))
    for (const record of records) {
      if (record.header.superblock !== superblock) continue
      for (const { legs } of record.chains) {
        for (const { hash } of legs) {
          holds(
            shown.has(hash),
            'I4',
            () => `superblock ${superblock} shows a part of slot ${record.header.height}`,
          )
        }
      }
    }
  }
  return hashes
}

/** Checks what clients were told against the log: I16, I18, I20. */
export function auditAnswers(requests: readonly Request[], records: readonly SlotRecord[]): void {
  for (const request of requests) {
    const { entryId, receipts, refusals, cancelled } = request
    for (const receipt of receipts) {
      deepStrictEqual(receipt, receipts[0])
      const { slot, index } = receipt.preconfirmation
      const entry = records[Number(slot) - 1]?.entries[index]
      holds(entry?.entryId === entryId, 'I16', () => `receipt of ${entryId} for slot ${slot}`)
      const { fault, ...checked } = receiptDigest(receipt, logId)
      const signer = 'digest' in checked && recoverSigner(checked.digest, receipt.signature)
      holds(signer === SEQUENCER, 'receipt', () => `${entryId}: ${fault ?? 'signer'}`)
    }
    for (const refusal of refusals) {
      const signer = recoverSigner(refusalDigest(logId, refusal), refusal.signature)
      holds(signer === SEQUENCER, 'I18', () => `refusal of ${entryId}`)
    }
    const stands = records.some(({ entries }) =>
      entries.some((entry) => entry.entryId === entryId && entry.kind === ENTRY_KIND.bundle),
    )
    holds(!cancelled || !stands, 'I20', () => `cancelled bundle ${entryId} stands`)
  }
}

/**
 * Checks from the clients' side alone that no required leg of a bundle that failed went without it
 * (I21): the bundle was the first that anybody sent with this leg.
 */
export function auditLegsAlone(requests: readonly Request[], records: readonly SlotRecord[]): void {
  const firstWith = new Map<Hash, Request>()
  for (const request of requests) {
    for (const { hash } of request.bundle.legs) {
      if (!firstWith.has(hash)) firstWith.set(hash, request)
    }
  }
  for (const request of requests) {
    const refusal = request.refusals.find(({ error }) => error === 'LEG_FAILED')
    const { legs, canRevert, maxSlot, replacementUuid } = request.bundle
    if (refusal === undefined || request.kind !== 'bundle' || replacementUuid !== undefined)
      continue
    const from = Number(refusal.slot)
    const until = maxSlot === undefined ? from + UNTIL_AT_LEAST : Number(maxSlot)
    for (const [i, { hash }] of legs.entries()) {
      const optional = canRevert[i] === true || request.bundle.legTerms?.[i]?.canSkip === true
      if (optional || firstWith.get(hash) !== request) continue
      const alone = records.find((record) => standsElsewhere(record, hash, request.entryId))
      const height = alone?.header.height ?? 0
      holds(height <= from || height > until, 'I21', () => `slot ${height}: ${hash} stands alone`)
    }
  }
}

/** Slots that a bundle without a last one is known for, at least. */
const UNTIL_AT_LEAST = 400

function standsElsewhere({ chains, entries }: SlotRecord, hash: Hash, entryId: Hash): boolean {
  return chains.some(({ legs }) =>
    legs.some(
      (leg) =>
        leg.hash === hash &&
        leg.origin.type === 'entry' &&
        entries[leg.origin.entry]?.entryId !== entryId,
    ),
  )
}

/** Checks that the whole inbox stands in the log, in order, once, and in time (I11, I12). */
export function auditForced(records: readonly SlotRecord[], inbox: readonly ForcedInput[]): void {
  const due = [...inbox]
  for (const { header, entries } of records) {
    const forced = entries.flatMap((entry) => (entry.forced === undefined ? [] : [entry.forced]))
    for (const { index, contentHash } of forced.toSorted((a, b) => a.index - b.index)) {
      const next = due.shift()
      holds(
        next?.index === index && next.contentHash === contentHash,
        'I11',
        () => `slot ${header.height} has ${index}, due was ${next?.index}`,
      )
    }
    const late = due.find(
      ({ l1Block }) => l1Block + CONFIG.forcedWithinBlocks <= header.l1Origin.number,
    )
    holds(late === undefined, 'I11', () => `slot ${header.height} passes over ${late?.index}`)
  }
  holds(due.length === 0, 'I11', () => `${due.length} of the inbox never stood in the log`)
}
