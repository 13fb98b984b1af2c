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
}

type WireStatus = Omit<SequencerStatus, 'slot' | 'marksSeq'> & { slot: string; marksSeq: string }

/** Asks the sequencer how it stands. */
export async function getStatus(client: TandemClient): Promise<SequencerStatus> {
  const status = await client.rpc<WireStatus>('tandem_status', [])
  return { ...status, slot: BigInt(status.slot), marksSeq: BigInt(status.marksSeq) }
}
