import type { TandemClient } from '../../../sdk/client/create-client.ts'
import { attestMargin } from '../../../sdk/client/actions/attest-margin.ts'
import { changeOfFill } from '../../../sdk/client/actions/exchange.ts'
import { getStatus } from '../../../sdk/client/actions/get-status.ts'
import { tradeJointly, type Fill } from '../../../sdk/client/actions/trade-jointly.ts'
import { accountId } from '../../../sdk/protocol/ids.ts'
import type { MarginAttestation } from '../../../sdk/protocol/margin.ts'
import { dollars, milliseconds } from '../figures.ts'
import { contracts, quote, type Stage } from '../stage.ts'
import { waitUntil } from '../wait.ts'

/** One bundle buys a put spread on alpha and sells a call on beta, on one pool. */
export async function tradeOnTwoRollups(stage: Stage, trader: TandemClient) {
  const size = contracts(2)
  // One after another: each may list its series, and the maker's nonces follow one another.
  const orders = [
    await quote(stage, {
      chain: 'alpha',
      riskKey: stage.option('put', 75_000),
      side: 'sell',
      size18: size,
    }),
    await quote(stage, {
      chain: 'alpha',
      riskKey: stage.option('put', 70_000),
      side: 'buy',
      size18: size,
    }),
    await quote(stage, {
      chain: 'beta',
      riskKey: stage.option('call', 85_000),
      side: 'buy',
      size18: size,
    }),
  ]
  const fills: Fill[] = orders.map((signed) => ({ signed, size18: size }))
  const separate = await Promise.all([
    requirementOf(trader, fills.slice(0, 2)),
    requirementOf(trader, fills.slice(2)),
  ])
  const together = await requirementOf(trader, fills)
  const { receipt, latencyMs, margin } = await tradeJointly(trader, { fills })
  const { slot } = receipt.preconfirmation
  stage.log(`bundle of ${receipt.results.length} legs on alpha, beta and hub: all executed`)
  stage.log(`  signed receipt after ${milliseconds(latencyMs)}: slot ${slot}, verified`)
  const blocks = await blocksOf(trader, receipt.results)
  for (const { name, number, hash } of blocks) stage.log(`  ${name} block ${number} ${hash}`)
  stage.log(`  margin in two separate accounts: ${dollars(separate[0]! + separate[1]!)}`)
  stage.log(`  margin in one account:           ${dollars(together)}`)
  stage.log(`  initial margin left:             ${dollars(margin.attestation.initial18)}`)
  return {
    latencyMs,
    slot: slot.toString(),
    blocks,
    marginSeparate18: (separate[0]! + separate[1]!).toString(),
    marginTogether18: together.toString(),
  }
}

async function requirementOf(trader: TandemClient, fills: readonly Fill[]): Promise<bigint> {
  const changes = fills.map(({ signed, size18 }) => changeOfFill(trader, signed, size18))
  const { attestation } = await attestMargin(trader, {
    account: accountId(trader.account!.address, 1n),
    change: {
      positions: changes.flatMap(({ positions }) => positions),
      claims: changes.flatMap(({ claims }) => claims),
    },
  })
  return requirement(attestation)
}

function requirement({ equity18, initial18 }: MarginAttestation): bigint {
  return equity18 - initial18
}

async function blocksOf(
  trader: TandemClient,
  results: readonly { chainId: number; blockNumber: bigint; transactionHash: `0x${string}` }[],
) {
  const last = new Map(results.map((result) => [result.chainId, result]))
  const { superblock } = await getStatus(trader)
  return Promise.all(
    [...last.values()].map(async ({ chainId, blockNumber }) => {
      const chain = trader.on(chainId)
      await waitUntil(
        `block ${blockNumber} of chain ${chainId}, after superblock ${superblock}`,
        async () => (await chain.getBlockNumber()) >= blockNumber,
      )
      const { hash, number } = await chain.getBlock({ blockNumber })
      return { name: trader.chain(chainId).name, number: Number(number), hash }
    }),
  )
}
