import type { MessageClass, SignerLane } from './class.ts'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'

/** Where a message stands on its way. `final` and the side exits are the ends. */
export const STAGES = [
  'seen',
  'filtered',
  'unpaid',
  'limited',
  'awaiting_finality',
  'awaiting_signatures',
  'prepared',
  'reserved',
  'signed',
  'broadcast',
  'included',
  'safe',
  'final',
  'delivered_by_other',
  'orphaned',
  'dead_letter',
  'dropped',
] as const

/** Where a message stands on its way. */
export type Stage = (typeof STAGES)[number]

/** Why a message is where it is: a constant word for programs, a sentence for people. */
export type Reason = { code: string; text: string }

/** Where a message was dispatched, on its origin. */
export type OriginPosition = {
  blockNumber: number
  blockHash: Hash
  logIndex: number
  transactionHash: Hash
}

/** Where a message took effect, on its destination. */
export type DeliveryPosition = { blockNumber: number; blockHash: Hash; transactionHash: Hash }

/** A delivery that keeps failing in the same words: what the rule about permanent failures looks at. */
export type Failure = {
  /** The revert as it was decoded. */
  text: string
  /** How often in a row. */
  count: number
  /** Head of the destination when it was met first. */
  sinceBlock: number
  /** Milliseconds by the clock of Redis when it was met first. */
  sinceMs: number
}

/** Version in which records are written; {@link readRecord} reads the one before too. */
export const RECORD_VERSION = 2

/** Everything that the relayer knows of one message. The chain stays the truth. */
export type MessageRecord = {
  version: typeof RECORD_VERSION
  id: Hash
  /** The message in Hyperlane's packed form. */
  raw: Hex
  origin: number
  destination: number
  nonce: number
  sender: Hex
  recipient: Hex
  class: MessageClass
  stage: Stage
  /** Rises by one at each transition: what was decided for an older epoch is void. */
  epoch: number
  reason?: Reason | undefined
  position: OriginPosition
  /** Deliveries of ours that failed on chain or were refused. */
  attempts: number
  /** True once it failed in company: then it is delivered by itself. */
  alone?: boolean | undefined
  failure?: Failure | undefined
  metadata?: Hex | undefined
  submission?: Submission | undefined
  delivery?: DeliveryPosition | undefined
}

/** The transaction that carries a message. */
export type Submission = {
  lane: SignerLane
  txUuid: string
  nonce: number
  transactionHash?: Hash | undefined
}

/** What may happen to a message. */
export type MessageEvent =
  | { type: 'filtered'; reason: Reason }
  | { type: 'not_final'; reason: Reason }
  | { type: 'not_signed'; reason: Reason }
  | { type: 'metadata_built'; metadata: Hex; alone?: boolean | undefined }
  | { type: 'held'; reason: Reason; alone?: boolean | undefined }
  | { type: 'unpaid'; reason: Reason }
  | { type: 'limited'; reason: Reason }
  | { type: 'reserved'; lane: SignerLane; txUuid: string; nonce: number }
  | { type: 'signed'; transactionHash: Hash }
  | { type: 'broadcast'; transactionHash: Hash }
  | { type: 'included'; delivery: DeliveryPosition }
  /** Its block went away: the transaction is pending again. */
  | { type: 'unmined' }
  | { type: 'safe' }
  | { type: 'final' }
  | { type: 'requeued'; reason: Reason; failed: boolean; failure?: Failure | undefined }
  | { type: 'dead_letter'; reason: Reason }
  /** An operator's word: start anew, or leave it. */
  | { type: 'retried'; reason: Reason }
  | { type: 'dropped'; reason: Reason }
  | { type: 'delivered_by_other' }
  | { type: 'orphaned'; reason: Reason }
  | { type: 'seen_again'; position: OriginPosition }

/** What {@link advance} answers: the next record, or that the event does not fit the stage. */
export type Advance = { status: 'ok'; record: MessageRecord } | { status: 'not_from_here' }

const waiting: readonly Stage[] = [
  'seen',
  'unpaid',
  'limited',
  'awaiting_finality',
  'awaiting_signatures',
]
const parked: readonly Stage[] = ['filtered', 'unpaid', 'limited', 'dead_letter', 'dropped']
const ours: readonly Stage[] = ['reserved', 'signed', 'broadcast']

/** Stages from which each event may happen. */
const FROM: Readonly<Record<MessageEvent['type'], readonly Stage[]>> = {
  filtered: waiting,
  not_final: waiting,
  not_signed: waiting,
  metadata_built: [...waiting, 'prepared'],
  held: ['prepared'],
  unpaid: waiting,
  limited: waiting,
  reserved: ['prepared'],
  signed: ['reserved', 'signed', 'broadcast'],
  broadcast: ['signed', 'broadcast'],
  included: ['signed', 'broadcast', 'included', 'safe'],
  unmined: ['included', 'safe'],
  safe: ['included'],
  final: ['included', 'safe'],
  requeued: ['prepared', ...ours, 'included', 'safe', 'delivered_by_other'],
  delivered_by_other: [...waiting, 'prepared', ...ours],
  dead_letter: [...waiting, 'prepared', ...ours],
  retried: [...waiting, 'prepared', ...parked],
  dropped: [...waiting, 'prepared', 'filtered', 'dead_letter'],
  orphaned: STAGES.filter((stage) => stage !== 'orphaned'),
  seen_again: [...waiting, 'orphaned'],
}

/** Applies what happened to a record; the given record stays as it is. */
export function advance(record: MessageRecord, event: MessageEvent): Advance {
  if (!FROM[event.type].includes(record.stage)) return { status: 'not_from_here' }
  const next = { ...record, ...changeOf(record, event), epoch: record.epoch + 1 }
  return { status: 'ok', record: next }
}

function changeOf(record: MessageRecord, event: MessageEvent): Partial<MessageRecord> {
  const { submission } = record
  switch (event.type) {
    case 'filtered':
      return { stage: 'filtered', reason: event.reason }
    case 'not_final':
      return { stage: 'awaiting_finality', reason: event.reason }
    case 'not_signed':
      return { stage: 'awaiting_signatures', reason: event.reason }
    case 'metadata_built':
      return {
        stage: 'prepared',
        metadata: event.metadata,
        alone: record.alone === true || event.alone === true,
        reason: undefined,
      }
    case 'held':
      return { reason: event.reason, alone: event.alone ?? record.alone }
    case 'unpaid':
    case 'limited':
      return { stage: event.type, reason: event.reason }
    case 'dead_letter':
    case 'dropped':
      return { ...cleared, stage: event.type, reason: event.reason }
    case 'retried':
      return { ...cleared, stage: 'seen', reason: event.reason, attempts: 0, failure: undefined }
    case 'reserved': {
      const { lane, txUuid, nonce } = event
      return { stage: 'reserved', submission: { lane, txUuid, nonce }, reason: undefined }
    }
    case 'signed':
    case 'broadcast':
      return {
        stage: record.stage === 'broadcast' ? 'broadcast' : event.type,
        submission: submission && { ...submission, transactionHash: event.transactionHash },
      }
    case 'included':
      // The metadata has done its work: records of delivered messages stay small.
      return {
        stage: 'included',
        delivery: event.delivery,
        metadata: undefined,
        failure: undefined,
      }
    case 'unmined':
      return { stage: 'broadcast', delivery: undefined }
    case 'safe':
    case 'final':
      return { stage: event.type }
    case 'requeued':
      return {
        ...cleared,
        stage: 'seen',
        reason: event.reason,
        attempts: record.attempts + (event.failed ? 1 : 0),
        alone: event.failed ? true : record.alone,
        failure: event.failure ?? record.failure,
      }
    case 'delivered_by_other':
      return { ...cleared, stage: 'delivered_by_other', reason: undefined }
    case 'orphaned':
      return { ...cleared, stage: 'orphaned', reason: event.reason }
    case 'seen_again':
      return { ...cleared, stage: 'seen', position: event.position, reason: undefined }
  }
}

const cleared = { metadata: undefined, submission: undefined, delivery: undefined } as const

/**
 * Reads a record as it was stored, by this version or the one before.
 *
 * @returns the version that it was stored in, when this program does not know it.
 */
export function readRecord(stored: MessageRecord | Previous): MessageRecord | { unknown: unknown } {
  const { version } = stored
  if (version === RECORD_VERSION) return stored
  // Version 1 knew neither company nor failures: what it lacks is what a fresh record lacks.
  return version === 1 ? { ...stored, version: RECORD_VERSION } : { unknown: version }
}

/** A record of version 1. */
type Previous = Omit<MessageRecord, 'version' | 'alone' | 'failure'> & { version: 1 }
