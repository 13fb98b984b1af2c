import { getAddress } from 'viem/utils'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { decodeRevert } from '../../core/entries/reason.ts'
import { effectiveGasPrice, type Leg } from '../../core/entries/leg.ts'
import type { BundlePreview } from '../port.ts'
import type { ChainRules } from './bundle-request.ts'

type Outcome = BundlePreview['outcomes'][number]

/**
 * What `eth_callBundle` answers: Flashbots' fields, with amounts as decimal text and gas as numbers,
 * and beside them the chain, logs and block of each leg, the margin before and after, and the refusal
 * that the bundle would get.
 *
 * @param hash - Name of the bundle in place of its id.
 */
export function previewJson(
  preview: BundlePreview,
  { chains, hash }: { chains: ChainRules; hash: Hash | undefined },
) {
  const { bundleHash: entryId, slot, outcomes, deliveries, margin, refusal } = preview
  const results = outcomes.map((outcome) => resultJson(outcome, chains))
  const total = (of: (outcome: Outcome) => bigint) =>
    outcomes.reduce((sum, outcome) => sum + of(outcome), 0n)
  const gasFees = total((outcome) => gasFeesOf(outcome, chains))
  const sent = total(({ sentToCoinbase }) => sentToCoinbase)
  const gasUsed = total((outcome) => outcome.gasUsed)
  return {
    bundleHash: hash ?? entryId,
    entryId,
    bundleGasPrice: `${gasUsed === 0n ? 0n : (gasFees + sent) / gasUsed}`,
    coinbaseDiff: `${gasFees + sent}`,
    ethSentToCoinbase: `${sent}`,
    gasFees: `${gasFees}`,
    results,
    stateBlockNumber: (outcomes[0]?.blockNumber ?? 1) - 1,
    totalGasUsed: Number(gasUsed),
    slot,
    deliveries,
    ...(margin === undefined
      ? {}
      : {
          margin: {
            account: margin.account,
            initialBefore18: `${margin.before18}`,
            initialAfter18: `${margin.after18}`,
          },
        }),
    ...(refusal === undefined
      ? {}
      : {
          refusal: {
            code: refusal.rpcCode,
            name: refusal.errorName,
            message: refusal.shortMessage,
            values: refusal.values,
          },
        }),
  }
}

function resultJson(outcome: Outcome, chains: ChainRules) {
  const { leg, status, gasUsed, output, logs, blockNumber, sentToCoinbase } = outcome
  const gasFees = gasFeesOf(outcome, chains)
  const price = gasUsed === 0n ? 0n : (gasFees + sentToCoinbase) / gasUsed
  return {
    txHash: leg.hash,
    chainId: leg.chainId,
    fromAddress: getAddress(leg.from),
    toAddress: leg.to === undefined ? '0x' : getAddress(leg.to),
    gasUsed: Number(gasUsed),
    gasPrice: `${price}`,
    gasFees: `${gasFees}`,
    coinbaseDiff: `${gasFees + sentToCoinbase}`,
    ethSentToCoinbase: `${sentToCoinbase}`,
    status,
    blockNumber,
    logs,
    ...(status === 1
      ? { value: output }
      : {
          error: 'execution reverted',
          revert: decodeRevert(output, { gasUsed, gas: leg.gas }),
          revertData: output,
        }),
  }
}

/** What a leg leaves to the coinbase for its gas: the base fee is burnt. Wei. */
function gasFeesOf({ leg, gasUsed }: Outcome, chains: ChainRules): bigint {
  const base = chains.get(leg.chainId)?.baseFeePerGas ?? 0n
  return gasUsed * (effectiveGasPrice((leg satisfies Leg).fee, base) - base)
}
