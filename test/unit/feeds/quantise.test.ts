import { recoverTypedDataAddress } from 'viem'
import { expect, test } from 'vitest'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { feedUpdateTypes, tandemDomain } from '../../../sdk/protocol/feeds.ts'
import { feedUpdateOf } from '../../../sequencer/feeds/quantise.ts'
import { feedSigner } from '../../../sequencer/feeds/sign.ts'
import type { SourceMarks } from '../../../sequencer/feeds/mark-source.ts'

const NOW_MS = 1_790_000_000_000
const LOG_ID = `0x${'b'.repeat(64)}` as const

function marks(expiriesS: readonly number[]): SourceMarks {
  return {
    symbol: 'ETH',
    spotUsd: 2_345.678_901_234,
    spotConfidence: 1,
    expiries: expiriesS.map((expiryS) => ({
      expiryS,
      forwardUsd: 2_350.5,
      ratePerYear: -0.012_345_6,
      surface: { a: -0.001, b: 0.05, rho: -0.3, m: 0.01, s: 0.1, years: 30 / 365 },
      confidence: 0.95,
    })),
  }
}

const header = { underlying: 2, sequence: 7n, timestampMs: NOW_MS, stableUsd: 1 }
const update = feedUpdateOf(marks([NOW_MS / 1_000 + 3_600]), header)

test('marks become the integers of the feed, to the nearest', () => {
  expect(update).toMatchObject({ spot8: 234_567_890_123n, spotConfidence4: 10_000, sequence: 7n })
  expect(update.expiries[0]).toEqual({
    expiryS: NOW_MS / 1_000 + 3_600,
    forward8: 235_050_000_000n,
    rate6: -12_346,
    a9: -1_000_000n,
    b9: 50_000_000n,
    rho9: -300_000_000n,
    m9: 10_000_000n,
    s9: 100_000_000n,
    tauS: 2_592_000,
    confidence4: 9_500,
  })
})

test('an expiry that has passed is left out, and a wild rate is held', () => {
  const past = feedUpdateOf(marks([NOW_MS / 1_000, NOW_MS / 1_000 + 1]), header)
  expect(past.expiries.map(({ expiryS }) => expiryS)).toEqual([NOW_MS / 1_000 + 1])
  const wild = marks([NOW_MS / 1_000 + 60])
  const [expiry] = wild.expiries
  if (expiry === undefined) throw new Error('the marks have an expiry')
  const held = feedUpdateOf({ ...wild, expiries: [{ ...expiry, ratePerYear: 50 }] }, header)
  expect(held.expiries[0]?.rate6).toBe(10_000_000)
})

test('a mark that is no number is never signed', () => {
  expect(() => feedUpdateOf({ ...marks([]), spotUsd: NaN }, header)).toThrow('finite')
})

test('as many feeds sign as the network asks for, in ascending order of their addresses', async () => {
  const keys = (['feed-0', 'feed-1', 'feed-2'] as const).map((role) => developmentKey(role))
  const privateKeys = keys.map(({ privateKey }) => privateKey)
  const sign = feedSigner({ logId: LOG_ID, privateKeys, threshold: 2 })
  const signed = await sign(update)
  const signers = await Promise.all(
    signed.signatures.map((signature) =>
      recoverTypedDataAddress({
        domain: tandemDomain(LOG_ID),
        types: feedUpdateTypes,
        primaryType: 'FeedUpdate',
        message: { ...update, timestampMs: BigInt(NOW_MS), expiries: [...update.expiries] },
        signature,
      }),
    ),
  )
  const lower = signers.map((address) => address.toLowerCase())
  expect(lower).toEqual(lower.toSorted())
  expect(new Set(lower).size).toBe(2)
  const known = keys.map(({ address }) => address.toLowerCase())
  for (const address of lower) expect(known).toContain(address)
  const twice = [privateKeys[0] ?? '0x', privateKeys[0] ?? '0x'] as const
  expect(() => feedSigner({ logId: LOG_ID, privateKeys: twice, threshold: 2 })).toThrow('fewer')
})
