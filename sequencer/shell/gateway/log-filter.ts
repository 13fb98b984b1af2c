import { z } from 'zod'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import type { LogFilter } from './blocks.ts'
import { addressShape, blockShape, hashShape } from './shapes.ts'

const alternativesMax = 256

const addressesShape = z.union([addressShape, z.array(addressShape).max(alternativesMax)])
const topicShape = z.union([hashShape, z.array(hashShape).max(alternativesMax), z.null()])

/** Shape of what `eth_getLogs` takes. */
export const filterShape = z
  .strictObject({
    fromBlock: blockShape.optional(),
    toBlock: blockShape.optional(),
    blockHash: hashShape.optional(),
    address: addressesShape.nullish(),
    topics: z.array(topicShape).max(4).nullish(),
  })
  .refine(
    ({ blockHash, fromBlock, toBlock }) =>
      blockHash === undefined || (fromBlock === undefined && toBlock === undefined),
    'blockHash stands without fromBlock and toBlock',
  )

/** Shape of what a subscription to logs takes: it tells of blocks to come, whatever range is named. */
export const logSubscriptionShape = z.strictObject({
  fromBlock: blockShape.nullish(),
  toBlock: blockShape.nullish(),
  address: addressesShape.nullish(),
  topics: z.array(topicShape).max(4).nullish(),
})

/** Gives the filter that a request describes. */
export function filterOf(request: z.output<typeof filterShape>): LogFilter {
  const { fromBlock, toBlock, blockHash } = request
  return { fromBlock, toBlock, blockHash, ...wantedOf(request) }
}

/** Gives addresses and topics that a request asks for. */
export function wantedOf(
  request: Pick<z.output<typeof logSubscriptionShape>, 'address' | 'topics'>,
): {
  addresses: ReadonlySet<Address>
  topics: readonly ReadonlySet<Hash>[]
} {
  return {
    addresses: new Set(listOf(request.address)),
    topics: (request.topics ?? []).map((topic) => new Set(listOf(topic))),
  }
}

function listOf<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === null || value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}
