import { z } from 'zod'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { decodeTransaction, type TransactionRules } from '../drivers/transaction.ts'
import type { DecodedBundle } from '../port.ts'
import { countShape, hashShape, slotShape } from './shapes.ts'

/** Shape of what `eth_sendBundle` and `eth_callBundle` take. */
export const bundleShape = z.strictObject({
  txs: z
    .array(
      z.strictObject({
        chainId: countShape,
        rawTx: z.string(),
        canRevert: z.boolean().optional(),
      }),
    )
    .min(1)
    .max(LIMITS.bundleLegs),
  minSlot: slotShape.optional(),
  maxSlot: slotShape.optional(),
  minTimestamp: countShape.optional(),
  maxTimestamp: countShape.optional(),
  revertingTxHashes: z.array(hashShape).max(LIMITS.bundleLegs).optional(),
  replacementUuid: z.uuid().optional(),
  salt: hashShape.optional(),
})

/** Rules of the sequenced chains by chain id. */
export type ChainRules = ReadonlyMap<number, TransactionRules>

/**
 * Decodes a bundle's transactions and checks all that needs no state.
 *
 * @throws {@link TandemError} of the first rule that is broken.
 */
export function decodeBundle(
  request: z.output<typeof bundleShape>,
  chains: ChainRules,
): DecodedBundle {
  const { txs, revertingTxHashes = [], minSlot, maxSlot, minTimestamp, maxTimestamp } = request
  const bytes = txs.reduce((sum, { rawTx }) => sum + Math.ceil((rawTx.length - 2) / 2), 0)
  if (bytes > LIMITS.bundleBytes) {
    const values = { what: 'bundle', actual: `${bytes} bytes`, limit: LIMITS.bundleBytes }
    throw new TandemError('TOO_LARGE', values)
  }
  checkWindow('Slot', minSlot, maxSlot)
  checkWindow('Timestamp', minTimestamp, maxTimestamp)
  const legs = txs.map(({ chainId, rawTx }, leg) =>
    decodeTransaction(rawTx, rulesOf(chains, chainId), leg),
  )
  const hashes = new Set(legs.map(({ hash }) => hash))
  if (hashes.size < legs.length) {
    throw new TandemError('INVALID_REQUEST', {
      rule: 'a transaction is a leg once',
      path: 'params.0.txs',
    })
  }
  for (const hash of revertingTxHashes) {
    if (!hashes.has(hash)) throw new TandemError('REVERTING_HASH', { hash })
  }
  const reverting = new Set(revertingTxHashes)
  return {
    legs,
    canRevert: legs.map(({ hash }, i) => txs[i]?.canRevert === true || reverting.has(hash)),
    minSlot,
    maxSlot,
    minTimestamp,
    maxTimestamp,
    replacementUuid: request.replacementUuid,
    salt: request.salt,
  }
}

/**
 * Finds the rules of a chain.
 *
 * @throws {@link TandemError} UNKNOWN_CHAIN when it is not sequenced here.
 */
export function rulesOf(chains: ChainRules, chainId: number): TransactionRules {
  const rules = chains.get(chainId)
  if (rules !== undefined) return rules
  throw new TandemError('UNKNOWN_CHAIN', { chainId, known: [...chains.keys()].join(', ') })
}

function checkWindow(
  unit: 'Slot' | 'Timestamp',
  least: bigint | number | undefined,
  most: bigint | number | undefined,
): void {
  if (least === undefined || most === undefined || least <= most) return
  throw new TandemError('INVALID_REQUEST', {
    rule: `min${unit} is at most max${unit}: ${least} and ${most}`,
    path: 'params.0',
  })
}
