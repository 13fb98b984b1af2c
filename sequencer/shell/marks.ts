import type { Abi, AbiFunction } from 'viem'
import {
  decodeFunctionData,
  encodeFunctionData,
  hashTypedData,
  toFunctionSelector,
} from 'viem/utils'
import { TandemError } from '../../sdk/protocol/errors.ts'
import { feedUpdateTypes, tandemDomain, type SignedFeedUpdate } from '../../sdk/protocol/feeds.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { MarksInput } from '../core/bundles/admission.ts'
import { recoverSigner } from './signing.ts'

/** Who signs marks, and how many must. */
export type FeedSet = { logId: Hash; feeds: readonly Address[]; threshold: number }

const updateAbi = [
  {
    type: 'function',
    name: 'update',
    stateMutability: 'nonpayable',
    inputs: [
      {
        name: 'marks',
        type: 'tuple',
        components: feedUpdateTypes.FeedUpdate.map((field) =>
          field.type === 'ExpiryMark[]'
            ? { name: field.name, type: 'tuple[]', components: feedUpdateTypes.ExpiryMark }
            : field,
        ),
      },
      { name: 'signatures', type: 'bytes[]' },
    ],
    outputs: [],
  },
] as const

const updateSelector = toFunctionSelector(updateAbi[0] as AbiFunction)

/**
 * Checks that m of n feeds signed an update, in ascending order of their addresses, and makes the call
 * that brings it to `MarkFeeds`.
 *
 * @throws {@link TandemError} INVALID_REQUEST, TOO_LARGE or BAD_SIGNATURE.
 */
export function checkMarks(signed: SignedFeedUpdate, set: FeedSet): MarksInput {
  const { update, signatures } = signed
  checkCounts(signed, set)
  const digest = digestOf(signed, set.logId)
  const known = new Set(set.feeds.map((feed) => feed.toLowerCase()))
  let previous = ''
  for (const [i, signature] of signatures.entries()) {
    const signer = recoverSigner(digest, signature)
    if (signer === undefined || !known.has(signer)) {
      const expected = 'one of the feeds'
      throw new TandemError('BAD_SIGNATURE', {
        what: `the feed update (signature ${i})`,
        actual: signer ?? 'nobody',
        expected,
      })
    }
    if (signer <= previous) {
      const rule = 'signatures stand in ascending order of their signers'
      throw new TandemError('INVALID_REQUEST', { rule, path: `signatures.${i}` })
    }
    previous = signer
  }
  const { underlying, sequence } = update
  return { underlying, sequence, calldata: calldataOf(signed) }
}

/** Reads what a call of `MarkFeeds.update` brings; undefined when it is another call. */
export function readMarks(calldata: Hex): { underlying: number; sequence: bigint } | undefined {
  if (!calldata.startsWith(updateSelector)) return undefined
  try {
    const { args } = decodeFunctionData({ abi: updateAbi as Abi, data: calldata })
    const [marks] = args as [{ underlying: number; sequence: bigint }]
    return { underlying: Number(marks.underlying), sequence: BigInt(marks.sequence) }
  } catch {
    // It comes from a log that somebody else wrote: what does not decode brings nothing.
    return undefined
  }
}

function checkCounts({ update, signatures }: SignedFeedUpdate, set: FeedSet): void {
  if (update.expiries.length > LIMITS.feedExpiries) {
    const values = { actual: update.expiries.length, limit: LIMITS.feedExpiries }
    throw new TandemError('TOO_LARGE', { what: 'number of expiries', ...values })
  }
  if (signatures.length > LIMITS.feedSignatures) {
    const values = { actual: signatures.length, limit: LIMITS.feedSignatures }
    throw new TandemError('TOO_LARGE', { what: 'number of signatures', ...values })
  }
  if (signatures.length >= set.threshold) return
  const rule = `at least ${set.threshold} signatures; found ${signatures.length}`
  throw new TandemError('INVALID_REQUEST', { rule, path: 'signatures' })
}

function digestOf({ update }: SignedFeedUpdate, logId: Hash): Hash {
  try {
    return hashTypedData({
      domain: tandemDomain(logId),
      types: feedUpdateTypes,
      primaryType: 'FeedUpdate',
      message: { ...update, timestampMs: BigInt(update.timestampMs) },
    })
  } catch (cause) {
    throw outOfRange(cause)
  }
}

function calldataOf({ update, signatures }: SignedFeedUpdate): Hex {
  const marks = { ...update, timestampMs: BigInt(update.timestampMs) }
  try {
    return encodeFunctionData({
      abi: updateAbi,
      functionName: 'update',
      args: [marks, signatures],
    } as never)
  } catch (cause) {
    throw outOfRange(cause)
  }
}

function outOfRange(cause: unknown): TandemError {
  const rule = `every field fits its type: ${(cause as Error).message.split('\n')[0]}`
  return new TandemError('INVALID_REQUEST', { rule, path: 'update' }, cause)
}
