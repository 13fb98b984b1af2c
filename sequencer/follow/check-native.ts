import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import { sparseRoot, type SparseTree } from '../../sdk/protocol/sparse-merkle.ts'
import type { CoreConfig } from '../core/config.ts'
import { nativeAfter } from '../core/native/books.ts'
import { LieError } from './lie.ts'

/**
 * Takes a slot into the native state and checks that its header names what comes out.
 *
 * @returns The state after the slot.
 * @throws {@link LieError} with both roots.
 */
export function checkNative(
  config: CoreConfig,
  before: SparseTree,
  record: SlotRecord,
): SparseTree {
  const after = nativeAfter(config, before, record)
  const { height, nativeRoot } = record.header
  const recomputed = sparseRoot(after)
  if (nativeRoot === recomputed) return after
  const what = 'a header names the native state after it'
  throw new LieError({ slot: height }, { what, posted: nativeRoot, recomputed })
}
