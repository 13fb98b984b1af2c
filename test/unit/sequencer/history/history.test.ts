import {
  appendFileSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import type { History, LogQuery } from '../../../../sequencer/shell/history/history.ts'
import { historyIn, testDirectory, testHistory } from '../../../fixtures/sequencer/history.ts'
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
function filled(): History {
  const history = testHistory([1, 2])
  fill(history)
  return history
}

function fill(history: History): void {
  history.apply({ superblock: 0, slot: 0n, blocks: [block(1, 1), block(2, 1)] })
  history.apply({
    superblock: 1,
    slot: 2n,
    blocks: [block(1, 2, [leg(1, [[hash(7)], []]), leg(2, [[hash(7), hash(8)]])])],
  })
  history.apply({ superblock: 3, slot: 5n, blocks: [block(1, 3), block(2, 2)] })
  history.apply({ superblock: 4, slot: 6n, blocks: [block(1, 4, [leg(3, [[hash(9), hash(8)]])])] })
}

describe('history', () => {
  test('has no head before the first superblock', () => {
    const history = testHistory([1])
    expect(history.superblock()).toBeUndefined()
    expect(history.chain(1)?.head()).toBeUndefined()
    expect(history.chain(9)).toBeUndefined()
  })

  test('moves the heads of all rollups together', () => {
    const history = testHistory([1, 2])
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

/** What is shown by a history as it is, as it was closed, and out of files of one block each. */
const ways = [
  ['just published', filled],
  [
    'opened again',
    () => {
      const directory = testDirectory()
      const { history } = historyIn(directory, [1, 2])
      fill(history)
      history.close()
      return historyIn(directory, [1, 2]).history
    },
  ],
  [
    'in many files',
    () => {
      const directory = testDirectory()
      const limits = { keys: 1, bytes: 1 }
      let history = historyIn(directory, [1, 2], { limits }).history
      const only: History = {
        ...history,
        apply: (superblock) => {
          history.apply(superblock)
          history.close()
          history = historyIn(directory, [1, 2], { limits }).history
        },
      }
      fill(only)
      return history
    },
  ],
] as const

describe.each(ways)('logs %s', (_name, make) => {
  const found = async (change: Partial<LogQuery>, limit = 100) => {
    const logs = await make()
      .chain(1)
      ?.logs({ ...everything, ...change }, limit)
    return logs?.map(({ entry, transactionIndex, logIndex }) => [
      entry.block.number,
      transactionIndex,
      logIndex,
    ])
  }

  test('come in order with their places', async () => {
    expect(await found({})).toEqual([
      [2, 0, 0],
      [2, 0, 1],
      [2, 1, 2],
      [4, 0, 0],
    ])
  })

  test('are picked by blocks, both ends included', async () => {
    expect(await found({ fromBlock: 3 })).toEqual([[4, 0, 0]])
    expect((await found({ fromBlock: 2, toBlock: 3 }))?.length).toBe(3)
    expect(await found({ fromBlock: 3, toBlock: 3 })).toEqual([])
  })

  test('are picked by address and by topic at its place', async () => {
    expect((await found({ addresses: new Set([address(2), address(3)]) }))?.length).toBe(2)
    expect((await found({ topics: [new Set([hash(7)])] }))?.length).toBe(2)
    expect((await found({ topics: [new Set(), new Set([hash(8)])] }))?.length).toBe(2)
    const both = [new Set([hash(7), hash(9)]), new Set([hash(8)])]
    expect((await found({ topics: both }))?.length).toBe(2)
    expect(await found({ topics: [new Set([hash(8)])] })).toEqual([])
    // A place that is asked for must exist, even when any topic will do there.
    expect((await found({ topics: [new Set(), new Set()] }))?.length).toBe(2)
  })

  test('beyond the limit one more is given, so that a caller sees it', async () => {
    expect((await found({}, 2))?.length).toBe(3)
  })
})

describe.each(ways)('blocks and transactions %s', (_name, make) => {
  test('are found', () => {
    const history = make()
    const chain = history.chain(1)
    expect(history.place()).toEqual({ superblock: 4, slot: 6 })
    expect(chain?.head()).toEqual({ number: 4, hash: hash(1_000_004), timestampS: 4 })
    expect(chain?.byNumber(2)).toEqual(filled().chain(1)?.byNumber(2))
    expect(chain?.byHash(hash(1_000_002))?.legs.length).toBe(2)
    expect(chain?.transaction(hash(1_002))).toMatchObject({ index: 1 })
    expect(chain?.transaction(hash(1))).toBeUndefined()
    expect(chain?.byNumber(5)).toBeUndefined()
  })
})

describe('a history on disk', () => {
  const closed = () => {
    const directory = testDirectory()
    const { history } = historyIn(directory, [1, 2])
    fill(history)
    history.close()
    return directory
  }

  test.each([
    ['cut short', (path: string) => truncateSync(path, statSync(path).size - 1), 'it has'],
    [
      'changed',
      (path: string) => writeFileSync(path, flipped(readFileSync(path))),
      'a sound block',
    ],
    ['gone', (path: string) => rmSync(path), 'it has'],
  ])('that is %s is made again from the log', (_how, damage, reason) => {
    const directory = closed()
    damage(join(directory, '1', '0000000000000001.blocks'))
    const { history, remade } = historyIn(directory, [1, 2])
    expect(remade).toContain(reason)
    expect(history.place()).toBeUndefined()
    fill(history)
    expect(history.chain(1)?.byNumber(4)?.legs.length).toBe(1)
  })

  test('of more than the log holds, or of other chains, is made again', () => {
    expect(historyIn(closed(), [1, 2], { tip: 5 }).remade).toContain('it ends with slot 5')
    expect(historyIn(closed(), [1]).remade).toContain('it has chains 1')
    expect(historyIn(closed(), [1, 2]).remade).toBeUndefined()
  })

  test('goes on after the last superblock that was written, whatever came behind it', () => {
    const directory = closed()
    appendFileSync(join(directory, '1', '0000000000000001.blocks'), 'torn')
    const { history, remade } = historyIn(directory, [1, 2])
    expect(remade).toBeUndefined()
    history.apply({ superblock: 5, slot: 8n, blocks: [block(1, 5, [leg(4, [])])] })
    history.close()
    const again = historyIn(directory, [1, 2]).history
    expect(again.chain(1)?.transaction(hash(1_004))).toMatchObject({ index: 0 })
  })

  test('damage that is met while it is read is told, and repaired by the next start', () => {
    const directory = testDirectory()
    const limits = { keys: 1, bytes: 1 }
    const { history } = historyIn(directory, [1, 2], { limits })
    fill(history)
    history.close()
    const path = join(directory, '1', '0000000000000001.blocks')
    writeFileSync(path, flipped(readFileSync(path)))
    const opened = historyIn(directory, [1, 2], { limits })
    expect(opened.remade).toBeUndefined()
    const chain = opened.history.chain(1)
    expect(() => [1, 2, 3, 4].map((number) => chain?.byNumber(number))).toThrow('damaged')
    opened.history.close()
    expect(historyIn(directory, [1, 2], { limits }).history.place()).toBeUndefined()
  })
})

function flipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes)
  changed[changed.length >> 1]! ^= 4
  return changed
}
