import type { RiskVersion } from '../../protocol/entry.ts'
import type { Hash } from '../../protocol/hex.ts'
import type { TandemClient } from '../create-client.ts'

/** How the sequencer stands. */
export type SequencerStatus = {
  logId: Hash
  /** Height of the last durable slot. */
  slot: bigint
  /** Milliseconds since 1970 of that slot. */
  slotTimestampMs: number
  /** Last published superblock. */
  superblock: number
  heads: readonly { chainId: number; number: number; hash: Hash; timestampS: number }[]
  stopped: readonly { chainId: number; reason: string }[]
  /** Feed updates accepted so far. */
  marksSeq: bigint
  /** What margins rest on. */
  risk: RiskVersion
}

type WireStatus = Omit<SequencerStatus, 'slot' | 'marksSeq' | 'risk'> & {
  slot: string
  marksSeq: string
  risk: { marksSeq: string; paramsVersion: number }
}

/** Asks the sequencer how it stands. */
export async function getStatus(client: TandemClient): Promise<SequencerStatus> {
  const status = await client.rpc<WireStatus>('tandem_status', [])
  const { slot, marksSeq, risk } = status
  return {
    ...status,
    slot: BigInt(slot),
    marksSeq: BigInt(marksSeq),
    risk: { ...risk, marksSeq: BigInt(risk.marksSeq) },
  }
}
