import { expect, test } from 'vitest'
import type { BlockHead } from '../../../relayer/shell/chains/chains.ts'
import type { IndexerContext } from '../../../relayer/shell/indexing/indexer.ts'
import { createScout } from '../../../relayer/shell/indexing/scout.ts'

const head = (number: number) => ({ number }) as BlockHead
const busy = { key: 'lease', token: '1:me' }

/** A scout over a chain that notes the ranges it is asked for, and a message in each of them. */
function scoutOver(reorgPeriod: number) {
  const ranges: (readonly [number, number])[] = []
  let taken = 0
  const call = async (_method: string, [filter]: readonly unknown[]) => {
    const { fromBlock, toBlock } = filter as { fromBlock: string; toBlock: string }
    ranges.push([Number(fromBlock), Number(toBlock)])
    return []
  }
  const context = {
    chain: { reorgPeriod, rpc: { call } },
    intake: {
      urgent: () => ({ dispatches: [{}], leaves: [], payments: [] }),
      take: async () => void (taken += 1),
    },
  } as unknown as IndexerContext
  return { look: createScout(context), ranges, taken: () => taken }
}

test('what comes while a search is busy is looked at once, from the block after the last idle one', async () => {
  const { look, ranges, taken } = scoutOver(0)
  await look(head(5), undefined)
  expect(ranges).toEqual([])
  await look(head(8), busy)
  await look(head(9), busy)
  expect(ranges).toEqual([
    [6, 8],
    [9, 9],
  ])
  expect(taken()).toBe(2)
})

test('a chain that may go back is left to the search, which marks its blocks', async () => {
  const { look, ranges } = scoutOver(2)
  await look(head(5), busy)
  expect(ranges).toEqual([])
})
