import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import { sparseRoot, type SparseTree } from '../../sdk/protocol/sparse-merkle.ts'
import type { CoreConfig } from '../core/config.ts'
import { nativeAfter } from '../core/native/books.ts'
import { mustBe } from './lie.ts'

/**
 * Takes a slot into the native state and checks that its header names what comes out.
 *
 * @throws LieError with both roots.
 */
export function checkNative(config: CoreConfig, before: SparseTree, record: SlotRecord): void {
  const { height, nativeRoot } = record.header
  mustBe({ slot: height }, 'a header names the native state after it', {
    posted: nativeRoot,
    recomputed: sparseRoot(nativeAfter(config, before, record)),
  })
}
