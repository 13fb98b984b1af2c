import type { LocalChain } from '../../../sdk/protocol/chains.ts'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { ROLE_INDEX, type NamedRole, type Role } from '../../../sdk/protocol/roles.ts'
import type { Rpc } from '../anvil/rpc.ts'

const coin = 10n ** 18n

/** Native coins that a role needs more of than {@link COINS_DEFAULT}. */
const COINS: Partial<Record<NamedRole, bigint>> = { faucet: 1_000_000_000n, system: 1_000_000n }

const COINS_DEFAULT = 10_000n

/** Gives every role that sends transactions on a chain its native coins. */
export async function fundRoles(rpc: Rpc, chain: LocalChain): Promise<void> {
  const named = Object.keys(ROLE_INDEX) as NamedRole[]
  const roles: Role[] = [...named, `validator-${chain.chainId}`]
  for (const role of roles) {
    const coins = COINS[role as NamedRole] ?? COINS_DEFAULT
    const balance = `0x${(coins * coin).toString(16)}`
    await rpc('anvil_setBalance', [developmentKey(role).address, balance])
  }
}
