import { describe, expect, test } from 'vitest'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import { createHistory, type LogQuery } from '../../../../sequencer/shell/history/history.ts'
import type { PublishedBlock, PublishedLeg } from '../../../../sequencer/shell/port.ts'

const hash = (n: number): Hash => `0x${n.toString(16).padStart(64, '0')}`
const address = (n: number) => `0x${n.toString(16).padStart(40, '0')}` as const

function leg(n: number, topics: readonly (readonly Hash[])[]): PublishedLeg {
  return {
    hash: hash(1_000 + n),
    rawTx: '0x',
    outcome: {
      status: 1,
      gasUsed: 21_000n,
      logs: topics.map((each) => ({ address: address(n), topics: each, data: '0x' })),
    },
  }
}

function block(
  chainId: number,
  number: number,
  legs: readonly PublishedLeg[] = [],
): PublishedBlock {
  return {
    chainId,
    block: { number, hash: hash(chainId * 1_000_000 + number), timestampS: number, header: '0x' },
    legs,
  }
}

const everything: LogQuery = {
  fromBlock: 0,
  toBlock: 100,
  addresses: new Set(),
  topics: [],
}

/** Chain 1 with logs in blocks 2 and 4, chain 2 with a heartbeat alone. */
function filled() {
  const history = createHistory([1, 2])
  history.apply({ superblock: 0, slot: 0n, blocks: [block(1, 1), block(2, 1)] })
  history.apply({
    superblock: 1,
    slot: 2n,
    blocks: [block(1, 2, [leg(1, [[hash(7)], []]), leg(2, [[hash(7), hash(8)]])])],
  })
  history.apply({ superblock: 3, slot: 5n, blocks: [block(1, 3), block(2, 2)] })
  history.apply({ superblock: 4, slot: 6n, blocks: [block(1, 4, [leg(3, [[hash(9), hash(8)]])])] })
  return history
}

describe('history', () => {
  test('has no head before the first superblock', () => {
    const history = createHistory([1])
    expect(history.superblock()).toBeUndefined()
    expect(history.chain(1)?.head()).toBeUndefined()
    expect(history.chain(9)).toBeUndefined()
  })

  test('moves the heads of all rollups together', () => {
    const history = createHistory([1, 2])
    const seen: (number | undefined)[][] = []
    history.onSuperblock(() => {
      seen.push([1, 2].map((chainId) => history.chain(chainId)?.head()?.number))
    })
    history.apply({ superblock: 0, slot: 0n, blocks: [block(1, 1), block(2, 1)] })
    history.apply({ superblock: 1, slot: 1n, blocks: [block(1, 2), block(2, 2)] })
    expect(seen).toEqual([
      [1, 1],
      [2, 2],
    ])
  })

  test('finds blocks and transactions', () => {
    const chain = filled().chain(1)
    expect(chain?.head()).toEqual({ number: 4, hash: hash(1_000_004), timestampS: 4 })
    expect(chain?.byNumber(3)?.block.hash).toBe(hash(1_000_003))
    expect(chain?.byHash(hash(1_000_002))?.legs.length).toBe(2)
    expect(chain?.byNumber(0)).toBeUndefined()
    expect(chain?.byNumber(5)).toBeUndefined()
    expect(chain?.byHash(hash(5))).toBeUndefined()
    expect(chain?.transaction(hash(1_002))).toMatchObject({ index: 1 })
    expect(chain?.transaction(hash(1))).toBeUndefined()
    expect(filled().chain(2)?.transaction(hash(1_002))).toBeUndefined()
  })

  test('refuses a superblock, or a block, that does not follow', () => {
    const history = filled()
    expect(() => history.apply({ superblock: 4, slot: 9n, blocks: [] })).toThrow('in order')
    const jump = { superblock: 5, slot: 9n, blocks: [block(1, 6)] }
    expect(() => history.apply(jump)).toThrow('follow one another')
  })
})

describe('logs', () => {
  const found = (change: Partial<LogQuery>, limit = 100) =>
    filled()
      .chain(1)
      ?.logs({ ...everything, ...change }, limit)
      .map(({ entry, transactionIndex, logIndex }) => [
        entry.block.number,
        transactionIndex,
        logIndex,
      ])

  test('come in order with their places', () => {
    expect(found({})).toEqual([
      [2, 0, 0],
      [2, 0, 1],
      [2, 1, 2],
      [4, 0, 0],
    ])
  })

  test('are picked by blocks, both ends included', () => {
    expect(found({ fromBlock: 3 })).toEqual([[4, 0, 0]])
    expect(found({ fromBlock: 2, toBlock: 3 })?.length).toBe(3)
    expect(found({ fromBlock: 3, toBlock: 3 })).toEqual([])
  })

  test('are picked by address and by topic at its place', () => {
    expect(found({ addresses: new Set([address(2), address(3)]) })?.length).toBe(2)
    expect(found({ topics: [new Set([hash(7)])] })?.length).toBe(2)
    expect(found({ topics: [new Set(), new Set([hash(8)])] })?.length).toBe(2)
    expect(found({ topics: [new Set([hash(7), hash(9)]), new Set([hash(8)])] })?.length).toBe(2)
    expect(found({ topics: [new Set([hash(8)])] })).toEqual([])
    // A place that is asked for must exist, even when any topic will do there.
    expect(found({ topics: [new Set(), new Set()] })?.length).toBe(2)
  })

  test('beyond the limit one more is given, so that a caller sees it', () => {
    expect(found({}, 2)?.length).toBe(3)
  })
})
