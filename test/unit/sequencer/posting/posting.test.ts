import { beforeAll, describe, expect, test } from 'vitest'
import { hexToBytes } from '../../../../sdk/protocol/bytes.ts'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import type { LogStore } from '../../../../sequencer/shell/log/log-store.ts'
import { unpackRecords } from '../../../../sequencer/shell/posting/batch-data.ts'
import {
  createPoster,
  LedgerConflictError,
  type Poster,
  type PosterEvent,
} from '../../../../sequencer/shell/posting/poster.ts'
import { createTags } from '../../../../sequencer/shell/posting/tags.ts'
import { digestSigner } from '../../../../sequencer/shell/signing.ts'
import { bundleOf, counterLeg, startHarness } from '../../../fixtures/sequencer/harness.ts'
import { l1Double, type L1Double } from '../../../fixtures/sequencer/l1-double.ts'
import { randomOf } from '../../../fixtures/sequencer/random.ts'
import { CHAIN_IDS, logId, SEQUENCER, SEQUENCER_KEY } from '../../../fixtures/sequencer/world.ts'

const posterKey = `0x${'22'.repeat(32)}` as const

let log: LogStore

/** A log of a few dozen slots over three rollups. */
beforeAll(async () => {
  const harness = await startHarness('posting')
  for (let nonce = 0; nonce < 12; nonce++) {
    const legs = [counterLeg(902, nonce, []), counterLeg(903, nonce, [])]
    await harness.answer(harness.process().port.sendBundle(bundleOf(legs)))
    if (nonce % 3 === 0) await harness.settle()
  }
  await harness.settle()
  log = harness.process().engine.options.log
})

type Options = Partial<Parameters<typeof createPoster>[0]>

function posterOf(l1: L1Double, change: Options = {}): { poster: Poster; events: PosterEvent[] } {
  const events: PosterEvent[] = []
  const poster = createPoster({
    ...{ logId, log, l1: l1.client, l1ChainId: 900, ledger: l1.ledger, posterKey },
    ledgerAddress: `0x${'9'.repeat(40)}`,
    signDigest: digestSigner(SEQUENCER_KEY),
    publishedSlot: () => log.tip(),
    known: () => undefined,
    elapsedMs: () => 0,
    intervalMs: 0,
    observe: (event) => events.push(event),
    ...change,
  })
  return { poster, events }
}

const head = { baseFeePerGas: 1_000_000_000n }

/** Everything on `l1` in order: what a follower gets. */
async function recordsOn(l1: L1Double): Promise<Uint8Array[]> {
  return (await l1.batches()).flatMap(({ data }) => unpackRecords(hexToBytes(data)))
}

async function records(): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  for await (const { record } of log.read(0)) all.push(record)
  return all
}

const text = (all: readonly Uint8Array[]) => all.map((bytes) => Buffer.from(bytes).toString('hex'))

describe('posting to l1', () => {
  test('brings every slot of the log once, in order, in batches that a follower can unpack', async () => {
    const l1 = l1Double(logId, SEQUENCER)
    let until = 4
    const { poster } = posterOf(l1, { publishedSlot: () => until })
    for (; until < log.tip() + 4; until += 4) {
      await poster.turn(head)
      await l1.mine()
    }
    const all = await records()
    expect(text(await recordsOn(l1))).toEqual(text(all.slice(0, log.tip() + 1)))
    expect((await l1.batches()).length).toBeGreaterThan(2)
  })

  test('posts nothing that a reader does not see yet', async () => {
    const l1 = l1Double(logId, SEQUENCER)
    const { poster } = posterOf(l1, { publishedSlot: () => 3 })
    for (let i = 0; i < 3; i++) {
      await poster.turn(head)
      await l1.mine()
    }
    expect(await recordsOn(l1)).toHaveLength(4)
  })

  test('one batch is under way at a time, and a new one waits for its interval', async () => {
    const l1 = l1Double(logId, SEQUENCER)
    let nowMs = 0
    let until = 3
    const { poster, events } = posterOf(l1, {
      elapsedMs: () => nowMs,
      publishedSlot: () => until,
      intervalMs: 5_000,
    })
    await poster.turn(head)
    await poster.turn(head)
    expect(events).toHaveLength(1)
    await l1.mine()
    until = log.tip()
    await poster.turn(head)
    expect(events).toHaveLength(1)
    nowMs = 5_000
    await poster.turn(head)
    expect(events.map(({ firstSlot }) => firstSlot)).toEqual([0, 4])
  })

  test.each([1, 2, 3, 4])(
    'killed anywhere, with l1 losing blocks and transactions: no gap, no second copy (SEED=%s)',
    async (seed) => {
      const random = randomOf(`posting ${seed}`)
      const l1 = l1Double(logId, SEQUENCER)
      let nowMs = 0
      const change: Options = {
        elapsedMs: () => nowMs,
        publishedSlot: () => Math.min(log.tip(), Math.floor(nowMs / 2_000)),
      }
      let { poster } = posterOf(l1, change)
      for (let i = 0; i < 60; i++) {
        nowMs += random.below(3_000)
        if (random.chance(0.3)) poster = posterOf(l1, change).poster
        l1.up = !random.chance(0.2)
        await poster.turn(head).catch(() => undefined)
        if (random.chance(0.1)) l1.dropPending()
        if (random.chance(0.7)) await l1.mine()
        if (random.chance(0.1) && i > 5) l1.loseBlock()
      }
      l1.up = true
      nowMs += 1_000_000
      for (let i = 0; i < 40; i++) {
        await poster.turn(head)
        await l1.mine()
        nowMs += 30_000
      }
      expect(text(await recordsOn(l1))).toEqual(text(await records()))
    },
  )

  test('a ledger that holds other slots is never gone on with', async () => {
    const l1 = l1Double(logId, SEQUENCER)
    await posterOf(l1).poster.turn(head)
    await l1.mine()
    const other: Hash = `0x${'c'.repeat(64)}`
    await expect(posterOf(l1, { logId: other }).poster.turn(head)).rejects.toBeInstanceOf(
      LedgerConflictError,
    )
    const lost = { ...log, tip: () => 3, readOne: async () => undefined }
    await expect(posterOf(l1, { log: lost }).poster.turn(head)).rejects.toBeInstanceOf(
      LedgerConflictError,
    )
  })
})

describe('the tags safe and finalized', () => {
  test('follow what is posted, superblock by superblock, and never go back (I17)', async () => {
    const tags = createTags(log)
    expect(CHAIN_IDS.map(tags.safe)).toEqual([1, 1, 1])
    const seen: number[][] = []
    for (let slot = 0; slot <= log.tip(); slot++) {
      await tags.move({ posted: slot, final: slot - 5 })
      const row = [...CHAIN_IDS.map(tags.finalized), ...CHAIN_IDS.map(tags.safe)]
      expect(row.every((number, i) => number >= (seen.at(-1)?.[i] ?? 1))).toBe(true)
      seen.push(row)
    }
    expect(new Set(seen.map((row) => row.join())).size).toBeGreaterThan(4)
    await tags.move({ posted: 2, final: 1 })
    expect(CHAIN_IDS.map(tags.safe)).toEqual(seen.at(-1)!.slice(3))
    expect(tags.slots()).toEqual({ posted: log.tip(), final: log.tip() - 5 })
  })

  test('are the same whether they moved step by step or at once after a restart', async () => {
    const step = createTags(log)
    for (let slot = 0; slot <= log.tip(); slot++) await step.move({ posted: slot, final: slot - 3 })
    const jump = createTags(log)
    await jump.move({ posted: log.tip(), final: log.tip() - 3 })
    for (const chainId of CHAIN_IDS) {
      expect(jump.safe(chainId)).toBe(step.safe(chainId))
      expect(jump.finalized(chainId)).toBe(step.finalized(chainId))
    }
  })
})
