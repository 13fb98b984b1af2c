import { keccak256 } from '../../sdk/protocol/keccak.ts'
import type { Hex } from '../../sdk/protocol/hex.ts'
import type { SlotHeader, SlotRecord } from '../../sdk/protocol/slot.ts'
import type { CoreConfig } from '../core/config.ts'
import { faultOfSlot } from '../core/slots/validity.ts'
import type { SlotLegs } from './check-shape.ts'
import { LieError } from './lie.ts'

/**
 * Checks a slot against the rules of the log that need no rollup: lanes by what entries do, their
 * bounds, windows of time, the form of verdicts.
 *
 * @throws {@link LieError} with the first rule that is broken.
 */
export function checkRules(
  config: CoreConfig,
  record: SlotRecord,
  { before, legs }: { before: SlotHeader | undefined; legs: SlotLegs },
): void {
  const previous = before === undefined ? undefined : { header: before }
  const callOf = (rawTx: Hex) => {
    const { to, input = '0x' } = legs.get(keccak256(rawTx)) ?? {}
    return { to, input }
  }
  const fault = faultOfSlot(config, record, { previous, callOf })
  if (fault === undefined) return
  const finding = { what: fault.rule, posted: fault.found, recomputed: 'something else' }
  throw new LieError({ slot: record.header.height }, finding)
}
