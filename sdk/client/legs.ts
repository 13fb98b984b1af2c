import { type Address, type Hash, type Hex } from 'viem'
import { keccak256 } from '../protocol/keccak.ts'
import type { BundleTx } from '../protocol/bundle.ts'
import { signer, type TandemClient } from './create-client.ts'

/** One call that becomes a leg of a bundle or a plain transaction. */
export type LegCall = {
  chainId: number
  to: Address
  data: Hex
  /** Native coin in wei. Default 0. */
  valueWei?: bigint | undefined
  /** Gas limit. Default {@link DEFAULT_LEG_GAS}: guarded legs cannot be estimated by themselves. */
  gas?: bigint | undefined
  /** The bundle stands even if this leg reverts. */
  canRevert?: boolean | undefined
}

/** A signed leg with its hash. */
export type SignedLeg = BundleTx & { hash: Hash }

/** Gas limit of a leg that names none; its sender must hold this times the fee per gas. */
export const DEFAULT_LEG_GAS = 3_000_000n

/**
 * Signs calls of the client's account as legs, with nonces that follow one another on each chain.
 *
 * @returns Legs in the order of the calls.
 */
export async function signLegs(
  client: TandemClient,
  calls: readonly LegCall[],
): Promise<SignedLeg[]> {
  const account = signer(client)
  const chainIds = [...new Set(calls.map((call) => call.chainId))]
  const next = new Map<number, { nonce: number; feePerGasWei: bigint }>()
  await Promise.all(
    chainIds.map(async (chainId) => {
      const chain = client.on(chainId)
      const [nonce, feePerGasWei] = await Promise.all([
        chain.getTransactionCount({ address: account.address, blockTag: 'pending' }),
        chain.getGasPrice(),
      ])
      next.set(chainId, { nonce, feePerGasWei })
    }),
  )
  const legs: SignedLeg[] = []
  for (const call of calls) {
    const state = next.get(call.chainId)!
    const rawTx = await account.signTransaction({
      type: 'eip1559',
      chainId: call.chainId,
      nonce: state.nonce,
      to: call.to,
      data: call.data,
      value: call.valueWei ?? 0n,
      gas: call.gas ?? DEFAULT_LEG_GAS,
      maxFeePerGas: state.feePerGasWei * 2n,
      maxPriorityFeePerGas: 0n,
    })
    state.nonce += 1
    legs.push({ chainId: call.chainId, rawTx, canRevert: call.canRevert, hash: keccak256(rawTx) })
  }
  return legs
}
