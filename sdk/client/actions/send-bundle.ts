import type { Hash, Hex } from 'viem'
import type { BundleRequest } from '../../protocol/bundle.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import type { TandemClient } from '../create-client.ts'
import { newGuard, type BundleGuard } from '../guard.ts'
import { signLegs, type LegCall } from '../legs.ts'
import { decodeReceipt, type WireReceipt } from '../../protocol/wire.ts'
import { verifyReceipt } from './verify-receipt.ts'

/** The calls of a bundle, or what makes them with the guard that keeps each from going alone. */
export type BundleCalls = readonly LegCall[] | ((guard: BundleGuard) => readonly LegCall[])

/** When a bundle may stand, and how it can be replaced. */
export type BundleWindow = Omit<BundleRequest, 'txs'>

/** A bundle that stands in the log. */
export type SentBundle = {
  bundleHash: Hash
  /** Hashes of the legs in their order. */
  legHashes: readonly Hash[]
  /** Verified: signed by the network's sequencer, and its branch leads to the signed root. */
  receipt: SignedReceipt
  /** From the request to the receipt, as this machine's clock saw it, in milliseconds. */
  latencyMs: number
}

/**
 * Signs calls on any chains as one bundle, sends it, and gives its verified receipt.
 *
 * @param options.calls - 1 to 16 calls, executed in this order. A function gets a guard for them, which
 * the bundle is sent with: pass it to every contract that takes one, since a leg without a guard can be
 * sent alone once its bundle failed and its last slot passed.
 * @throws RefusedError with the signed refusal when the bundle does not stand.
 * @throws ReceiptError when the receipt does not prove what it says.
 */
export async function sendBundle(
  client: TandemClient,
  options: { calls: BundleCalls } & BundleWindow,
): Promise<SentBundle> {
  const { calls, window } = await guarded(client, options)
  const chainIds = [...new Set(calls.map(({ chainId }) => chainId))]
  return client.inTurn(chainIds, async () => {
    const legs = await signLegs(client, calls)
    const txs = legs.map(({ chainId, rawTx, canRevert }) => ({ chainId, rawTx, canRevert }))
    return sendSignedBundle(
      client,
      { txs, ...window },
      legs.map(({ hash }) => hash),
    )
  })
}

async function guarded(
  client: TandemClient,
  { calls, ...window }: { calls: BundleCalls } & BundleWindow,
): Promise<{ calls: readonly LegCall[]; window: BundleWindow }> {
  if (typeof calls !== 'function') return { calls, window }
  const fresh = await newGuard(client)
  const guard = { salt: window.salt ?? fresh.salt, maxSlot: window.maxSlot ?? fresh.maxSlot }
  return { calls: calls(guard), window: { ...window, ...guard } }
}

/** Sends a bundle whose legs are signed already; see {@link sendBundle}. */
export async function sendSignedBundle(
  client: TandemClient,
  request: BundleRequest,
  legHashes: readonly Hash[],
): Promise<SentBundle> {
  const started = performance.now()
  const answer = await client.rpc<{ bundleHash: Hex; receipt: WireReceipt }>('eth_sendBundle', [
    request,
  ])
  const latencyMs = performance.now() - started
  const receipt = decodeReceipt(answer.receipt)
  await verifyReceipt(client, receipt)
  return { bundleHash: answer.bundleHash, legHashes, receipt, latencyMs }
}
