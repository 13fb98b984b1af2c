import type { Logger } from 'pino'
import { creditBookAbi } from '../../../sdk/abi/credit-book.ts'
import { attestMargin } from '../../../sdk/client/actions/attest-margin.ts'
import { getAccount } from '../../../sdk/client/actions/get-account.ts'
import {
  bidOnLiquidation,
  quoteLiquidation,
  takeLiquidationStep,
} from '../../../sdk/client/actions/liquidation.ts'
import { contractOf, hubOf } from '../../../sdk/client/contracts.ts'
import { signer, type TandemClient } from '../../../sdk/client/create-client.ts'
import { accountId, type AccountId } from '../../../sdk/protocol/ids.ts'
import { decide } from './decide.ts'

/** How a liquidator bids. */
export type BidPolicy = {
  /** It bids once the price has fallen to this share of value × 10^18. */
  priceMax18: bigint
}

/** Keeps a list of accounts that ever held a position, and takes the next step for each. */
export type Watch = {
  /** Looks at every account once. @returns Steps taken. */
  round: () => Promise<number>
}

/**
 * Opens a watch over every account of a network.
 *
 * Rounds keep nothing that the chain does not have, so that a restart loses nothing.
 */
export function openWatch(client: TandemClient, policy: BidPolicy, log: Logger): Watch {
  const hub = hubOf(client)
  const own = accountId(signer(client).address)
  const known = new Set<AccountId>()
  let nextBlock = 0n

  async function discover(): Promise<void> {
    const chain = client.on(hub.chainId)
    const head = await chain.getBlockNumber()
    if (head < nextBlock) return
    const logs = await chain.getContractEvents({
      address: contractOf(client, hub.chainId, 'creditBook'),
      abi: creditBookAbi,
      eventName: 'PositionChanged',
      fromBlock: nextBlock,
      toBlock: head,
    })
    for (const { args } of logs) known.add(args.account!)
    nextBlock = head + 1n
  }

  async function look(account: AccountId): Promise<boolean> {
    const { state, reserved18, positions } = await getAccount(client, { account })
    if (positions.length === 0 && state === 'healthy') return false
    const attested = await attestMargin(client, { account })
    const decision = decide(state, attested.attestation, reserved18)
    if (decision === 'nothing') return false
    if (decision === 'bid') {
      if (account === own) return false
      const full = await quoteLiquidation(client, { account, fraction18: 0n, attested })
      if (full.price18 > policy.priceMax18) return false
      const fraction18 = full.maxFraction18
      const quote = await quoteLiquidation(client, { account, fraction18, attested })
      await bidOnLiquidation(client, { account, fraction18, bid18: quote.bid18, attested })
      log.info({ account, fraction18: `${fraction18}`, bidUsd18: `${quote.bid18}` }, 'bid taken')
      return true
    }
    await takeLiquidationStep(client, { step: decision, account, attested })
    log.info({ account, step: decision, state }, 'liquidation step taken')
    return true
  }

  return {
    round: async () => {
      await discover()
      let steps = 0
      for (const account of known) {
        try {
          if (await look(account)) steps += 1
        } catch (err) {
          log.warn({ err, account }, 'account not handled in this round')
        }
      }
      return steps
    },
  }
}
