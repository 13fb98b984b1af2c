import { decodeEventLog, encodeFunctionData } from 'viem'
import { bundleInboxAbi } from '../../abi/bundle-inbox.ts'
import { tandemDomain } from '../../protocol/feeds.ts'
import { BaseError } from '../../protocol/errors.ts'
import type { Address, Hash, Hex } from '../../protocol/hex.ts'
import {
  bundleIntentTypes,
  intentHash,
  type BundleIntent,
  type IntentCall,
} from '../../protocol/intent.ts'
import { contractOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'
import { sendCall } from './send-call.ts'

/** A bundle that the log must take, where it stands in the inbox. */
export type ForcedBundle = {
  /** Place in the inbox. */
  index: bigint
  intentHash: Hash
  /** Block of `l1` that holds it. */
  l1Block: bigint
  /** What was paid for the place, wei of `l1`'s coin. */
  feeWei: bigint
}

/** The transaction to the inbox told of no place in it. */
export class NotForcedError extends BaseError {
  override readonly name = 'NotForcedError'

  constructor(hash: Hash) {
    super('The inbox on l1 did not tell where the bundle stands.', {
      code: 'NOT_FORCED',
      retryable: false,
      metaMessages: [`transaction: ${hash}`],
    })
  }
}

/**
 * Signs a bundle of calls as one intent of the client's account.
 *
 * @param options.calls - 1 to 16, on any rollups, run in this order; they carry no coin.
 * @param options.deadlineS - Log time after which it does not run, seconds since 1970; default an hour.
 * @param options.nonce - Any number that the account has not used; default the time in milliseconds.
 */
export async function signIntent(
  client: TandemClient,
  options: {
    calls: readonly { chainId: number; target: Address; data: Hex; gas: bigint }[]
    deadlineS?: bigint | undefined
    nonce?: bigint | undefined
  },
): Promise<{ intent: BundleIntent; signature: Hex }> {
  const account = signer(client)
  const nowMs = BigInt(Date.now())
  const { deadlineS = nowMs / 1_000n + 3_600n, nonce = nowMs } = options
  const calls = options.calls.map(({ chainId, ...call }): IntentCall => ({
    ...call,
    chainId: BigInt(chainId),
  }))
  const intent: BundleIntent = { owner: account.address, nonce, deadlineS, calls }
  const signature = await account.signTypedData({
    domain: tandemDomain(client.network.logId as Hash),
    types: bundleIntentTypes,
    primaryType: 'BundleIntent',
    message: intent,
  })
  return { intent, signature }
}

/**
 * Puts a signed bundle into the inbox on `l1`: the log must take it within the forced window, or every
 * later slot is invalid. Whoever sends it pays; the intent's owner needs coins nowhere.
 *
 * @throws {@link NotForcedError} when the inbox told of no place.
 * @throws TransactionFailedError when the inbox refused it.
 */
export async function forceBundle(
  client: TandemClient,
  { intent, signature }: { intent: BundleIntent; signature: Hex },
): Promise<ForcedBundle> {
  const settlement = client.network.chains.find(({ kind }) => kind === 'settlement')
  const chainId = settlement?.chainId ?? 0
  const inbox = contractOf(client, chainId, 'bundleInbox')
  const feeWei = await client.on(chainId).readContract({
    address: inbox,
    abi: bundleInboxAbi,
    functionName: 'quote',
    args: [intent, signature],
  })
  const data = encodeFunctionData({
    abi: bundleInboxAbi,
    functionName: 'force',
    args: [intent, signature],
  })
  const receipt = await sendCall(client, { chainId, to: inbox, data, valueWei: feeWei })
  const log = receipt.logs.find(({ address }) => address.toLowerCase() === inbox.toLowerCase())
  if (log === undefined) throw new NotForcedError(receipt.transactionHash)
  const { args } = decodeEventLog({ abi: bundleInboxAbi, eventName: 'Forced', ...log })
  if (args.intentHash !== intentHash(intent)) throw new NotForcedError(receipt.transactionHash)
  const { index } = args
  return { index, intentHash: args.intentHash, l1Block: receipt.blockNumber, feeWei }
}
