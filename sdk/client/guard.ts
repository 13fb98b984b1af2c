import { bytesToHex, type Hash } from 'viem'
import { getStatus } from './actions/get-status.ts'
import type { TandemClient } from './create-client.ts'

/** What binds legs to their bundle, by `onlyInBundle` of the contracts that they call (I21). */
export type BundleGuard = {
  salt: Hash
  /** Last slot in which the bundle, and every leg of it, may stand. */
  maxSlot: bigint
}

/** Slots for which a guarded bundle may stand. */
const WINDOW_SLOTS = 600n

/** Makes the guard of a bundle that is about to be built. */
export async function newGuard(client: TandemClient): Promise<BundleGuard> {
  const { slot } = await getStatus(client)
  const salt = bytesToHex(globalThis.crypto.getRandomValues(new Uint8Array(32)))
  return { salt, maxSlot: slot + WINDOW_SLOTS }
}
