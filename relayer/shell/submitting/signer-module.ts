import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { keccak256 } from 'viem/utils'
import { ConfigError } from '../../../sdk/process/config-error.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { recoverSigner, type Signer } from './signer.ts'

/** What an operator's module gives for a role: viem's local account, signing wherever its key is. */
type Account = {
  address: Address
  sign: (request: { hash: Hash }) => Promise<Hex>
  signTransaction: (transaction: Parameters<Signer['signTransaction']>[0]) => Promise<Hex>
}

/** Digest that each account signs once at the start, to show that it has the key it names. */
const PROBE: Hash = `0x${'11'.repeat(32)}`

/**
 * Makes a signer of what a module's `toAccount(role)` gives: the way to a key service.
 *
 * @throws {@link ConfigError} when the module gives none, or one that signs for another address.
 */
export async function signerOfModule(path: string, role: string): Promise<Signer> {
  const account = await accountOf(path, role)
  const signer = recoverSigner(PROBE, await account.sign({ hash: PROBE }))
  if (signer !== account.address.toLowerCase()) {
    throw new ConfigError('An account of the signer module does not sign for its address.', [
      `${path}: toAccount('${role}'): ${account.address}; signed by ${signer ?? 'nobody'}`,
    ])
  }
  return {
    address: account.address,
    signDigest: (hash) => account.sign({ hash }),
    signTransaction: async (transaction) => {
      const rawTx = await account.signTransaction(transaction)
      return { rawTx, hash: keccak256(rawTx) }
    },
  }
}

async function accountOf(path: string, role: string): Promise<Account> {
  let module: { toAccount?: (role: string) => unknown }
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as typeof module
  } catch (error) {
    throw new ConfigError('The signer module cannot be loaded.', [
      `${path}: ${(error as Error).message}`,
    ])
  }
  const account = (await module.toAccount?.(role)) as Partial<Account> | undefined
  if (account?.address && account.sign && account.signTransaction) return account as Account
  throw new ConfigError('The signer module gives no account.', [
    `${path}: toAccount('${role}') must give address, sign and signTransaction`,
  ])
}
