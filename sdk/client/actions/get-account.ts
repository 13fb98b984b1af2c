import { creditBookAbi } from '../../abi/credit-book.ts'
import { accountId, type AccountId, type AssetId, type InstrumentId } from '../../protocol/ids.ts'
import {
  amount18,
  size18,
  usd18,
  type Amount18,
  type Size18,
  type Usd18,
} from '../../protocol/units.ts'
import { contractOf, hubOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'

/** Where an account stands on the hub, most careful last. */
export const ACCOUNT_STATES = ['healthy', 'restricted', 'call', 'auction', 'insolvent'] as const

/** An account on the hub's books. */
export type PoolAccount = {
  account: AccountId
  state: (typeof ACCOUNT_STATES)[number]
  claims: readonly { asset: AssetId; amount18: Amount18 }[]
  positions: readonly { instrument: InstrumentId; size18: Size18 }[]
  /** Leased capacity that is not used, over all rollups. */
  reserved18: Usd18
}

/** Reads an account from the hub: claims, positions, credit and state, all at one block. */
export async function getAccount(
  client: TandemClient,
  options: { account?: AccountId | undefined } = {},
): Promise<PoolAccount> {
  const account = options.account ?? accountId(signer(client).address)
  const hub = hubOf(client)
  const chain = client.on(hub.chainId)
  const blockNumber = await chain.getBlockNumber()
  const book = { address: contractOf(client, hub.chainId, 'creditBook'), abi: creditBookAbi }
  const [portfolio, reserved, state] = await Promise.all([
    chain.readContract({ ...book, functionName: 'portfolio', args: [account], blockNumber }),
    chain.readContract({ ...book, functionName: 'reserved', args: [account], blockNumber }),
    chain.readContract({ ...book, functionName: 'state', args: [account], blockNumber }),
  ])
  const [instruments, sizes, assets, claims] = portfolio
  return {
    account,
    state: ACCOUNT_STATES[state]!,
    claims: assets.map((asset, i) => ({ asset, amount18: amount18(claims[i]!) })),
    positions: instruments.map((instrument, i) => ({ instrument, size18: size18(sizes[i]!) })),
    reserved18: usd18(reserved),
  }
}
