import { z } from 'zod'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { LegCondition } from '../../../sdk/protocol/condition.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { addressShape, countShape, hashShape } from './shapes.ts'

const storageShape = z.union([hashShape, z.record(hashShape, hashShape)], {
  error: 'storage is a root, or an object of slots and their values',
})

/** Shape of what ERC-7796 calls the options of a conditional transaction. */
export const conditionShape = z.strictObject({
  blockNumberMin: countShape.optional(),
  blockNumberMax: countShape.optional(),
  timestampMin: countShape.optional(),
  timestampMax: countShape.optional(),
  knownAccounts: z.record(addressShape, storageShape).optional(),
})

/**
 * Reads a condition.
 *
 * @throws {@link TandemError} UNSUPPORTED for a storage root: no node tells it in the middle of a slot.
 */
export function readCondition(
  request: z.output<typeof conditionShape>,
  path: string,
): LegCondition {
  const { knownAccounts, ...limits } = request
  if (knownAccounts === undefined) return limits
  const accounts = Object.entries(knownAccounts)
  const slots = accounts.reduce((sum, [, storage]) => sum + Object.keys(storage).length, 0)
  const rooted = accounts.find(([, storage]) => typeof storage === 'string')
  if (rooted !== undefined) {
    throw new TandemError('UNSUPPORTED', {
      what: `The storage root of ${rooted[0]} in ${path}`,
      reason: 'a root is not known inside a slot; name the storage slots instead',
    })
  }
  if (slots > LIMITS.conditionSlots) {
    const values = { what: path, actual: `${slots} slots`, limit: LIMITS.conditionSlots }
    throw new TandemError('TOO_LARGE', values)
  }
  return {
    ...limits,
    knownAccounts: accounts.map(([address, storage]) => ({
      address: address as Address,
      slots: Object.entries(storage).map(([slot, value]) => ({
        slot: slot as Hash,
        value: value as Hash,
      })),
    })),
  }
}
