import { fromRlp, hexToString, stringToHex } from 'viem/utils'
import { keccak256 } from './keccak.ts'
import { entryFields, readEntry, readRisk, riskFields } from './entry-codec.ts'
import type { Hash } from './hex.ts'
import { big, hex, int, list, RecordError } from './record-reader.ts'
import { encodeFields, uint, type Fields } from './rlp.ts'
import type {
  GenesisRecord,
  L1Origin,
  LegOrigin,
  RecordedChain,
  RecordedLeg,
  SlotHeader,
  SlotNotes,
  SlotRecord,
} from './slot.ts'

/** Version of the records that this program writes and reads. */
export const RECORD_VERSION = 7

/** Encodes a slot's body, everything but the header, as RLP. */
export function encodeSlotBody(body: Omit<SlotRecord, 'header'>): Uint8Array {
  return encodeFields([
    body.entries.map(entryFields),
    body.chains.map(chainFields),
    noteFields(body.notes),
  ])
}

/** keccak256 of a slot's body, as its header has it. */
export function slotBodyHash(body: Omit<SlotRecord, 'header'>): Hash {
  return keccak256(encodeSlotBody(body))
}

/** Encodes a slot: RLP of version, tag 1, header and body. */
export function encodeSlotRecord(record: SlotRecord): Uint8Array {
  const fields = [
    uint(RECORD_VERSION),
    uint(1),
    headerFields(record.header),
    [record.entries.map(entryFields), record.chains.map(chainFields), noteFields(record.notes)],
  ]
  return encodeFields(fields)
}

/** Encodes slot 0: RLP of version, tag 0 and its fields. */
export function encodeGenesisRecord(genesis: GenesisRecord): Uint8Array {
  const chains = genesis.chains.map((c) => [uint(c.chainId), c.genesisHash, c.header])
  const fields: Fields = [uint(RECORD_VERSION), '0x', genesis.logId, genesis.leader, chains]
  return encodeFields(fields)
}

/**
 * Decodes slot 0.
 *
 * @throws {@link RecordError} when the bytes are no such record or of an unknown version.
 */
export function decodeGenesisRecord(bytes: Uint8Array): GenesisRecord {
  const [tag, ...rest] = open(bytes)
  if (int(tag) !== 0) throw new RecordError('slot 0 has tag 0', `tag ${int(tag)}`)
  const [logId, leader, chains] = rest
  return {
    version: 1,
    logId: hex(logId),
    leader: hex(leader),
    chains: list(chains).map((row) => {
      const [chainId, genesisHash, header] = list(row)
      return { chainId: int(chainId), genesisHash: hex(genesisHash), header: hex(header) }
    }),
  }
}

/**
 * Decodes a slot.
 *
 * @throws {@link RecordError} when the bytes are no such record or of an unknown version.
 */
export function decodeSlotRecord(bytes: Uint8Array): SlotRecord {
  const [tag, header, body] = open(bytes)
  if (int(tag) !== 1) throw new RecordError('a slot has tag 1', `tag ${int(tag)}`)
  const [entries, chains, notes] = list(body)
  return {
    header: readHeader(header),
    entries: list(entries).map(readEntry),
    chains: list(chains).map(readChain),
    notes: readNotes(notes),
  }
}

function open(bytes: Uint8Array): readonly Fields[] {
  let fields: unknown
  try {
    fields = fromRlp(bytes, 'hex')
  } catch (cause) {
    throw new RecordError('a record is RLP', (cause as Error).message, cause)
  }
  const [version, ...rest] = list(fields as Fields)
  if (int(version) !== RECORD_VERSION) {
    throw new RecordError(`this program reads version ${RECORD_VERSION}`, `version ${int(version)}`)
  }
  return rest
}

function headerFields(header: SlotHeader): Fields {
  return [
    uint(header.height),
    uint(header.view),
    header.leader,
    uint(header.superblock),
    header.parentHash,
    uint(header.timestampMs),
    [uint(header.l1Origin.number), header.l1Origin.hash],
    uint(header.forcedCursor),
    header.nativeRoot,
    uint(header.marksSeq),
    riskFields(header.risk),
    header.laneCounts.map(uint),
    header.entriesRoot,
    header.chainRoots.map(({ chainId, root }) => [uint(chainId), root]),
    header.bodyHash,
  ]
}

function readHeader(fields: Fields | undefined): SlotHeader {
  const at = list(fields)
  return {
    version: 1,
    height: int(at[0]),
    view: int(at[1]),
    leader: hex(at[2]),
    superblock: int(at[3]),
    parentHash: hex(at[4]),
    timestampMs: int(at[5]),
    l1Origin: readL1Origin(at[6]),
    forcedCursor: int(at[7]),
    nativeRoot: hex(at[8]),
    marksSeq: big(at[9]),
    risk: readRisk(list(at[10])),
    laneCounts: list(at[11]).map(int),
    entriesRoot: hex(at[12]),
    chainRoots: list(at[13]).map((row) => {
      const [chainId, root] = list(row)
      return { chainId: int(chainId), root: hex(root) }
    }),
    bodyHash: hex(at[14]),
  }
}

function readL1Origin(fields: Fields | undefined): L1Origin {
  const [number, hash] = list(fields)
  return { number: int(number), hash: hex(hash) }
}

function chainFields({ chainId, env, legs }: RecordedChain): Fields {
  return [
    uint(chainId),
    [
      uint(env.number),
      env.parentHash,
      uint(env.timestampS),
      uint(env.baseFeePerGas),
      uint(env.gasLimit),
      env.coinbase,
    ],
    legs.map(legFields),
  ]
}

function readChain(fields: Fields): RecordedChain {
  const [chainId, env, legs] = list(fields)
  const at = list(env)
  return {
    chainId: int(chainId),
    env: {
      number: int(at[0]),
      parentHash: hex(at[1]),
      timestampS: int(at[2]),
      baseFeePerGas: big(at[3]),
      gasLimit: big(at[4]),
      coinbase: hex(at[5]),
    },
    legs: list(legs).map(readLeg),
  }
}

function legFields(leg: RecordedLeg): Fields {
  return [
    originFields(leg.origin),
    leg.hash,
    leg.rawTx,
    uint(leg.status),
    uint(leg.gasUsed),
    leg.logs.map(({ address, topics, data }) => [address, topics, data]),
    leg.outputHash,
  ]
}

function readLeg(fields: Fields): RecordedLeg {
  const [origin, hash, rawTx, status, gasUsed, logs, outputHash] = list(fields)
  return {
    origin: readOrigin(origin),
    hash: hex(hash),
    rawTx: hex(rawTx),
    status: int(status) as 0 | 1,
    gasUsed: big(gasUsed),
    logs: list(logs).map((row) => {
      const [address, topics, data] = list(row)
      return { address: hex(address), topics: list(topics).map(hex), data: hex(data) }
    }),
    outputHash: hex(outputHash),
  }
}

function originFields(origin: LegOrigin): Fields {
  if (origin.type === 'open') return []
  return [uint(origin.type === 'entry' ? 1 : 2), uint(origin.entry), uint(origin.leg)]
}

function readOrigin(fields: Fields | undefined): LegOrigin {
  const [type, entry, leg] = list(fields)
  if (type === undefined) return { type: 'open' }
  return { type: int(type) === 1 ? 'entry' : 'delivery', entry: int(entry), leg: int(leg) }
}

function noteFields(notes: SlotNotes): Fields {
  return [
    notes.sealed.map(({ chainId, header }) => [uint(chainId), header]),
    notes.seen.map((seen) => [seen.entryId, uint(seen.untilSlot), seen.legHashes]),
    notes.closed.map((c) => [c.entryId, uint(c.untilSlot), c.by === 'sender' ? '0x' : c.by]),
    notes.stopped.map(({ chainId, reason }) => [uint(chainId), stringToHex(reason)]),
    notes.resumed.map(({ chainId, slot }) => [uint(chainId), uint(slot)]),
  ]
}

function readNotes(fields: Fields | undefined): SlotNotes {
  const [sealed, seen, closed, stopped, resumed] = list(fields)
  return {
    sealed: list(sealed).map((row) => {
      const [chainId, header] = list(row)
      return { chainId: int(chainId), header: hex(header) }
    }),
    seen: list(seen).map((row) => {
      const [entryId, untilSlot, legHashes] = list(row)
      const hashes = list(legHashes).map(hex)
      return { entryId: hex(entryId), untilSlot: int(untilSlot), legHashes: hashes }
    }),
    closed: list(closed).map((row) => {
      const [entryId, untilSlot, by] = list(row)
      const successor = hex(by)
      const who = successor === '0x' ? 'sender' : successor
      return { entryId: hex(entryId), untilSlot: int(untilSlot), by: who }
    }),
    stopped: list(stopped).map((row) => {
      const [chainId, reason] = list(row)
      return { chainId: int(chainId), reason: hexToString(hex(reason)) }
    }),
    resumed: list(resumed).map((row) => {
      const [chainId, slot] = list(row)
      return { chainId: int(chainId), slot: int(slot) }
    }),
  }
}
