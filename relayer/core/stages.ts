import type { MessageClass, SignerLane } from './class.ts'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'

/** Where a message stands on its way. `final` and the side exits are the ends. */
export const STAGES = [
  'seen',
  'filtered',
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

/** Everything that the relayer knows of one message. The chain stays the truth. */
export type MessageRecord = {
  version: 1
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
  | { type: 'metadata_built'; metadata: Hex }
  | { type: 'held'; reason: Reason }
  | { type: 'reserved'; lane: SignerLane; txUuid: string; nonce: number }
  | { type: 'signed'; transactionHash: Hash }
  | { type: 'broadcast'; transactionHash: Hash }
  | { type: 'included'; delivery: DeliveryPosition }
  /** Its block went away: the transaction is pending again. */
  | { type: 'unmined' }
  | { type: 'safe' }
  | { type: 'final' }
  | { type: 'requeued'; reason: Reason; failed: boolean }
  | { type: 'delivered_by_other' }
  | { type: 'orphaned'; reason: Reason }
  | { type: 'seen_again'; position: OriginPosition }

/** What {@link advance} answers: the next record, or that the event does not fit the stage. */
export type Advance = { status: 'ok'; record: MessageRecord } | { status: 'not_from_here' }

const waiting: readonly Stage[] = ['seen', 'awaiting_finality', 'awaiting_signatures']
const ours: readonly Stage[] = ['reserved', 'signed', 'broadcast']

/** Stages from which each event may happen. */
const FROM: Readonly<Record<MessageEvent['type'], readonly Stage[]>> = {
  filtered: waiting,
  not_final: waiting,
  not_signed: waiting,
  metadata_built: [...waiting, 'prepared'],
  held: ['prepared'],
  reserved: ['prepared'],
  signed: ['reserved', 'signed', 'broadcast'],
  broadcast: ['signed', 'broadcast'],
  included: ['signed', 'broadcast', 'included', 'safe'],
  unmined: ['included', 'safe'],
  safe: ['included'],
  final: ['included', 'safe'],
  requeued: ['prepared', ...ours, 'included', 'safe', 'delivered_by_other'],
  delivered_by_other: [...waiting, 'prepared', ...ours],
  orphaned: STAGES.filter((stage) => stage !== 'orphaned'),
  seen_again: [...waiting, 'orphaned'],
}

/** Stages in which nothing more will happen by itself. */
export const TERMINAL_STAGES: ReadonlySet<Stage> = new Set<Stage>([
  'filtered',
  'final',
  'delivered_by_other',
  'orphaned',
])

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
      return { stage: 'prepared', metadata: event.metadata, reason: undefined }
    case 'held':
      return { reason: event.reason }
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
      return { stage: 'included', delivery: event.delivery, metadata: undefined }
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
