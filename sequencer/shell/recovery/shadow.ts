import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { SlotRecord } from '../../../sdk/protocol/slot.ts'
import { foldRecord, type Fold } from '../../core/superblocks/fold.ts'

/**
 * What the log says, kept beside the state of the running core, which knows more: what waits, and what
 * is not durable yet.
 */
export type Shadow = {
  /** Takes the next durable slot. */
  add: (record: SlotRecord, hash: Hash) => void
  /**
   * Takes the parts of an encoding of the fold as it is now; slots that come meanwhile wait.
   *
   * @param pause - Awaited between two parts, so that the process can do something else.
   */
  freeze: (
    encode: (fold: Fold) => Iterable<Uint8Array>,
    pause: () => Promise<void>,
  ) => Promise<Uint8Array[]>
}

/** Keeps a fold up to date. */
export function createShadow(fold: Fold): Shadow {
  let waiting: { record: SlotRecord; hash: Hash }[] | undefined
  return {
    add: (record, hash) => {
      if (waiting === undefined) foldRecord(fold, record, hash)
      else waiting.push({ record, hash })
    },
    freeze: async (encode, pause) => {
      const parts: Uint8Array[] = []
      waiting = []
      try {
        for (const part of encode(fold)) {
          parts.push(part)
          await pause()
        }
      } finally {
        for (const { record, hash } of waiting) foldRecord(fold, record, hash)
        waiting = undefined
      }
      return parts
    },
  }
}
