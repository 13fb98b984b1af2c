import { encodeFunctionData } from 'viem/utils'
import { validatorAnnounceAbi } from '../../sdk/abi/hyperlane.ts'
import type { Logger } from '../../sdk/process/log.ts'
import type { Hex } from '../../sdk/protocol/hex.ts'
import { announcementDigest } from '../core/checkpoint.ts'
import { firstFee, gasLimitUp } from '../core/fees.ts'
import { readContract, readHead, type Chain } from '../shell/chains/chains.ts'
import { FEE_POLICY } from '../shell/operating/policy.ts'
import type { Signer } from '../shell/submitting/signer.ts'
import type { Storage } from './storage.ts'

/** What announcing works with. */
export type AnnounceContext = {
  chain: Chain
  signer: Signer
  storage: Storage
  /** Where the checkpoints are: `file://…`. */
  location: string
  log: Logger
}

/** Whether everybody can find a validator's checkpoints by its chain. */
export type Announcement = 'announced' | 'sent' | 'unfunded'

/**
 * Makes sure that the origin's ValidatorAnnounce names the place of this validator's checkpoints.
 *
 * Safe to call again: the contract takes each place once, and what it has is not sent again.
 */
export async function announce(context: AnnounceContext): Promise<Announcement> {
  const { chain, signer, storage, location, log } = context
  const { address: validator } = signer
  const { chainId, mailbox, rpc, validatorAnnounce } = chain
  const signature = await signer.signDigest(announcementDigest(chainId, mailbox, location))
  await storage.writeAnnouncement({ validator, mailbox, origin: chainId, location, signature })

  const [known] = await readContract(rpc, {
    address: validatorAnnounce,
    abi: validatorAnnounceAbi,
    functionName: 'getAnnouncedStorageLocations',
    args: [[validator]],
  })
  if (known?.includes(location) === true) return 'announced'

  const args = [validator, location, signature] as const
  const data = encodeFunctionData({ abi: validatorAnnounceAbi, functionName: 'announce', args })
  const call = { from: validator, to: validatorAnnounce, data }
  const [balance, gas, count, head] = await Promise.all([
    rpc.call<Hex>('eth_getBalance', [validator, 'latest']),
    rpc.call<Hex>('eth_estimateGas', [call]),
    rpc.call<Hex>('eth_getTransactionCount', [validator, 'latest']),
    readHead(rpc, 'latest'),
  ])
  const fee = firstFee({ baseFee: head?.baseFeePerGas ?? 0n, tip: 0n }, FEE_POLICY.transfer)
  const gasLimit = gasLimitUp(BigInt(gas))
  if (fee.status !== 'ok' || BigInt(balance) < gasLimit * fee.fee.maxFeePerGas) {
    log.warn(
      { chain: chain.name, validator, location },
      'validator cannot pay for its announcement',
    )
    return 'unfunded'
  }
  const { rawTx } = await signer.signTransaction({
    type: 'eip1559',
    chainId,
    nonce: Number(count),
    to: validatorAnnounce,
    data,
    gas: gasLimit,
    value: 0n,
    ...fee.fee,
  })
  const [answer] = await rpc.ordered([{ method: 'eth_sendRawTransaction', params: [rawTx] }])
  if (answer?.status === 'error') throw answer.error
  return 'sent'
}
