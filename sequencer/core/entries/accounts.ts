import { assert } from '../../../sdk/protocol/assert.ts'
import type { AccountKey } from './entry.ts'
import type { AccountFacts } from './execution.ts'

/** What the core knows of one account on one chain. */
export type Account = {
  /** Next nonce after everything promised. */
  nonce: number
  /** Wei that the account has at least, after everything promised: income since `asOfBlock` is not in it. */
  balanceMin: bigint
  hasCode: boolean
  /** Block at whose end the balance was read. */
  asOfBlock: number
  /** What the account paid in blocks after `asOfBlock`. */
  spent: { block: number; wei: bigint }[]
  /** The balance is being read again. */
  reading: boolean
}

/** Accounts by chain and address. */
export type AccountTable = Map<AccountKey, Account>

/**
 * Takes facts that were read at the end of a block. Nonces of known accounts stay as promised; what
 * was paid after that block is taken off the balance again.
 */
export function learnAccount(
  table: AccountTable,
  key: AccountKey,
  facts: AccountFacts,
  block: number,
): Account {
  const known = table.get(key)
  if (known === undefined) {
    const { nonce, balance, hasCode } = facts
    const fresh: Account = {
      nonce,
      balanceMin: balance,
      hasCode,
      asOfBlock: block,
      spent: [],
      reading: false,
    }
    table.set(key, fresh)
    return fresh
  }
  known.reading = false
  if (block < known.asOfBlock) return known
  assert(facts.nonce <= known.nonce, 'a nonce on chain is at most the promised one')
  known.spent = known.spent.filter((item) => item.block > block)
  known.balanceMin = known.spent.reduce((left, item) => left - item.wei, facts.balance)
  known.asOfBlock = block
  known.hasCode = facts.hasCode
  return known
}

/** Books a promised transaction: its nonce is used and its cost is paid in `block`. */
export function bookTransaction(
  account: Account,
  transaction: { nonce: number; paidWei: bigint; block: number },
): void {
  assert(transaction.nonce === account.nonce, 'promised nonces are gap-free')
  account.nonce += 1
  account.balanceMin -= transaction.paidWei
  const last = account.spent.at(-1)
  if (last?.block === transaction.block) last.wei += transaction.paidWei
  else account.spent.push({ block: transaction.block, wei: transaction.paidWei })
}
