import { decodeEventLog, decodeFunctionData, toEventSelector, type AbiEvent } from 'viem'
import { markFeedsAbi } from '../../../sdk/abi/mark-feeds.ts'
import type { FeedUpdate } from '../../../sdk/protocol/feeds.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { partiesOf } from '../drivers/transaction.ts'
import type { PublishedLeg } from '../port.ts'

/** Marks that a chain accepted, with their number in the log. */
export type NumberedUpdate = { marksSeq: bigint; update: FeedUpdate }

const accepted = toEventSelector(
  markFeedsAbi.find((item) => item.type === 'event' && item.name === 'MarksUpdated') as AbiEvent,
)

/** Gives the marks that the transactions of a block brought to `MarkFeeds`, in order. */
export function updatesOf(legs: readonly PublishedLeg[], markFeeds: Address): NumberedUpdate[] {
  return legs.flatMap(({ rawTx, outcome }) => {
    const log = outcome.logs.find(
      ({ address, topics }) => address === markFeeds && topics[0] === accepted,
    )
    if (log === undefined) return []
    const { args } = decodeEventLog({
      abi: markFeedsAbi,
      eventName: 'MarksUpdated',
      topics: log.topics as [`0x${string}`],
      data: log.data,
    })
    const { marksSeq } = args as { marksSeq: bigint }
    const { to, input } = partiesOf(rawTx)
    // Only a direct call says in its input what was accepted.
    if (to !== markFeeds) return []
    const { functionName, args: given } = decodeFunctionData({ abi: markFeedsAbi, data: input })
    if (functionName !== 'update') return []
    const [marks] = given as unknown as [Omit<FeedUpdate, 'timestampMs'> & { timestampMs: bigint }]
    return [{ marksSeq, update: { ...marks, timestampMs: Number(marks.timestampMs) } }]
  })
}
