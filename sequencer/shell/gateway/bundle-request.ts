import { z } from 'zod'
import type { LegTerms, MarginPredicate } from '../../../sdk/protocol/entry.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { chainIdOf, decodeTransaction, type TransactionRules } from '../drivers/transaction.ts'
import type { DecodedBundle } from '../port.ts'
import { conditionShape, readCondition } from './condition-shape.ts'
import { countShape, decimalWideShape, hashShape, slotShape } from './shapes.ts'

const legShape = z.strictObject({
  chainId: countShape.optional(),
  rawTx: z.string(),
  canRevert: z.boolean().optional(),
  canSkip: z.boolean().optional(),
  after: z.array(z.int().min(0)).max(LIMITS.bundleLegs).optional(),
  if: conditionShape.optional(),
})

/** A leg, or the signed transaction alone as Flashbots' clients send it. */
const txShape = z.union([
  z.string().transform((rawTx) => ({ rawTx, bare: true })),
  legShape.transform((leg) => ({ ...leg, bare: false })),
])

/** Flashbots' clients write leading zeros too. */
const blockNumberShape = z.union([
  countShape,
  z
    .string()
    .regex(/^0x0[0-9a-fA-F]{1,12}$/)
    .transform(Number),
])

/** Fields of Flashbots' requests that would promise what nobody does here. */
const REFUSED_FIELDS = {
  refundPercent: 'no part of a fee is paid back',
  refundRecipient: 'no part of a fee is paid back',
  refundTxHashes: 'no part of a fee is paid back',
  refundIndex: 'no part of a fee is paid back',
  refundIdentity: 'no part of a fee is paid back',
  delayedRefund: 'no part of a fee is paid back',
  uuid: 'a bundle is named by replacementUuid',
  replacementNonce: 'the last replacement to arrive stands',
  signingAddress: 'the request is signed in its header',
} as const

const hashesShape = z.array(hashShape).max(LIMITS.bundleLegs)

const bundleFields = {
  txs: z.array(txShape).min(1).max(LIMITS.bundleLegs),
  blockNumber: blockNumberShape.optional(),
  minSlot: slotShape.optional(),
  maxSlot: slotShape.optional(),
  minTimestamp: countShape.optional(),
  maxTimestamp: countShape.optional(),
  revertingTxHashes: hashesShape.optional(),
  droppingTxHashes: hashesShape.optional(),
  replacementUuid: z.uuid().optional(),
  /** Who else should get the bundle: nobody builds these blocks but this sequencer. */
  builders: z.array(z.string().max(64)).max(64).optional(),
  salt: hashShape.optional(),
  backrun: z.boolean().optional(),
  conditional: z.record(z.string().regex(/^[1-9][0-9]{0,15}$/), conditionShape).optional(),
  requireDelivery: z.array(z.int().min(0)).max(LIMITS.bundleLegs).optional(),
  marginPredicate: z
    .strictObject({ account: hashShape, initialMin18: decimalWideShape })
    .optional(),
} as const

/** Shape of what `eth_sendBundle` takes. */
export const bundleShape = z.preprocess(plainRequest, z.strictObject(bundleFields))

/** Shape of what `eth_callBundle` takes: state is always that of the block before the one to come. */
export const callBundleShape = z.preprocess(
  plainRequest,
  z.strictObject({
    ...bundleFields,
    stateBlockNumber: z.union([z.enum(['latest', 'pending']), blockNumberShape]).optional(),
    timestamp: countShape.optional(),
  }),
)

/** Drops what is null, as some clients write what they leave out, and refuses what is not done here. */
function plainRequest(request: unknown, context: z.RefinementCtx): unknown {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return request
  const given = Object.entries(request).filter(([, value]) => value !== null)
  for (const [name, reason] of Object.entries(REFUSED_FIELDS)) {
    if (!given.some(([key]) => key === name)) continue
    context.addIssue({ code: 'custom', message: `${name} is not served: ${reason}`, path: [name] })
  }
  const names = new Set(Object.keys(REFUSED_FIELDS))
  return Object.fromEntries(given.filter(([key]) => !names.has(key)))
}

/** Says whether every leg is a bare text, as Flashbots' clients send it. */
export function isFlashbotsShaped({ txs }: Pick<Request, 'txs'>): boolean {
  return txs.every(({ bare }) => bare)
}

/** Rules of the sequenced chains by chain id. */
export type ChainRules = ReadonlyMap<number, TransactionRules>

type Request = z.output<typeof bundleShape>
type LegRequest = z.output<typeof legShape>

/**
 * Decodes a bundle's transactions and checks all that needs no state.
 *
 * @throws {@link TandemError} of the first rule that is broken.
 */
export function decodeBundle(request: Request, chains: ChainRules): DecodedBundle {
  const { revertingTxHashes = [], droppingTxHashes = [], minSlot, maxSlot, minTimestamp } = request
  const txs: readonly LegRequest[] = request.txs
  // Flashbots' clients write 0 where they mean no limit.
  const maxTimestamp = request.maxTimestamp === 0 ? undefined : request.maxTimestamp
  const bytes = txs.reduce((sum, { rawTx }) => sum + Math.ceil((rawTx.length - 2) / 2), 0)
  if (bytes > LIMITS.bundleBytes) {
    const values = { what: 'bundle', actual: `${bytes} bytes`, limit: LIMITS.bundleBytes }
    throw new TandemError('TOO_LARGE', values)
  }
  checkWindow('Slot', minSlot, maxSlot)
  checkWindow('Timestamp', minTimestamp, maxTimestamp)
  const legs = txs.map(({ chainId, rawTx }, leg) =>
    decodeTransaction(rawTx, rulesOf(chains, chainId ?? chainIdOf(rawTx, leg)), leg),
  )
  const hashes = new Set(legs.map(({ hash }) => hash))
  if (hashes.size < legs.length) {
    throw new TandemError('INVALID_REQUEST', {
      rule: 'a transaction is a leg once',
      path: 'params.0.txs',
    })
  }
  for (const hash of [...revertingTxHashes, ...droppingTxHashes]) {
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
    blockNumber: request.blockNumber,
    ...furtherTerms(request, txs, legs),
  }
}

/** Terms that few bundles have. */
function furtherTerms(
  request: Request,
  txs: readonly LegRequest[],
  legs: readonly { hash: Hash }[],
): Partial<DecodedBundle> {
  const dropping = new Set(request.droppingTxHashes)
  const legTerms = txs.map(({ canSkip, after = [], if: condition }, i): LegTerms => ({
    canSkip: canSkip === true || dropping.has(legs[i]?.hash ?? '0x'),
    after,
    ...(condition === undefined ? {} : { if: readCondition(condition, `txs.${i}.if`) }),
  }))
  const plain = legTerms.every((leg) => !leg.canSkip && leg.after.length === 0 && !leg.if)
  const conditional = Object.entries(request.conditional ?? {}).map(([chainId, condition]) => ({
    chainId: Number(chainId),
    ...readCondition(condition, `conditional.${chainId}`),
  }))
  const { backrun, requireDelivery = [], marginPredicate } = request
  return {
    ...(plain ? {} : { legTerms }),
    ...(conditional.length === 0 ? {} : { conditional }),
    ...(backrun === true ? { backrun } : {}),
    ...(requireDelivery.length === 0 ? {} : { requireDelivery }),
    ...(marginPredicate === undefined ? {} : { margin: marginOf(marginPredicate) }),
  }
}

function marginOf(request: NonNullable<Request['marginPredicate']>): MarginPredicate {
  return { account: request.account as Hex, initialMin18: request.initialMin18 }
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
