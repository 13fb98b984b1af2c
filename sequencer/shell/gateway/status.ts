import type { SequencerStatus } from '../port.ts'

/** Shows how the sequencer stands, for `tandem_status` and `/v1/status`. */
export function statusJson(status: SequencerStatus) {
  return {
    ...status,
    slot: Number(status.slot),
    marksSeq: Number(status.marksSeq),
    risk: { ...status.risk, marksSeq: Number(status.risk.marksSeq) },
  }
}
