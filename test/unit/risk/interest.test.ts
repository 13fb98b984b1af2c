import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { usd18 } from '../../../sdk/protocol/units.ts'
import {
  accrueInterest,
  borrowRateUp,
  INTEREST_MODEL,
  utilisationDown,
  type CashPool,
} from '../../../sdk/risk/interest.ts'
import { outsideFile, vectors } from '../../outside.ts'

const E18 = 10n ** 18n
const percent = (share18: bigint) => Number(share18) / 1e16

test('the rate is 2 % for an empty pool, 8.8 % at the kink, and 22.3 % when all is borrowed', () => {
  const at = (utilisation18: bigint) => percent(borrowRateUp(utilisation18, INTEREST_MODEL))
  expect(at(0n)).toBe(2)
  expect(at((E18 * 85n) / 100n)).toBeCloseTo(8.8, 12)
  expect(at(E18)).toBeCloseTo(22.3, 12)
})

test('interest over two parts of a time is that over the whole, and no debt bears none', () => {
  const pool: CashPool = { supplied18: usd18(1_000n * E18), borrowed18: usd18(700n * E18) }
  const terms = { rate18: E18 / 10n, feeShare18: E18 / 5n }
  const whole = accrueInterest(pool, { ...terms, seconds: 31_536_000n })
  const half = accrueInterest(pool, { ...terms, seconds: 15_768_000n })
  const both = accrueInterest(half, { ...terms, seconds: 15_768_000n })
  expect(Number(both.borrowed18 - whole.borrowed18)).toBeLessThanOrEqual(2)
  expect(Number(whole.interest18) / 1e18).toBeCloseTo(700 * Math.expm1(0.1), 11)
  expect(whole.fee18).toBe(whole.interest18 / 5n)
  const idle = accrueInterest({ ...pool, borrowed18: usd18(0n) }, { ...terms, seconds: 1n })
  expect(idle.interest18).toBe(0n)
})

type Sequence = {
  totalSupplys: number[]
  totalBorrows: number[]
  utilizations: number[]
  borrowRates: number[]
  netPrints: number[]
  SMBalances: number[]
  SMFeeShare: number[]
  StartingBalances: number[]
  EventsVec: { key1: string; key2: string; key3: string; key4: number; key5: number }[]
}

const path = outsideFile(vectors, 'derive_cash_interest.json', 1)
const INSURANCE = 'insurance'

describe.skipIf(path === undefined)(
  'a worked sequence of trades, settlements and insolvencies',
  () => {
    test('gives supply, debt, utilisation, rate and insurance at every step', () => {
      const { data } = JSON.parse(readFileSync(path as string, 'utf8')) as { data: Sequence }
      // The source's own curve: 5 % and 30 % of utilisation.
      const model = { ...INTEREST_MODEL, base18: E18 / 20n, slope18: (E18 * 3n) / 10n }
      const names = ['Alice', 'Bob', 'Charlie', 'David', 'Eric', INSURANCE]
      const balances = new Map(
        names.map((name, i) => [name, BigInt(data.StartingBalances[i] ?? 0)]),
      )
      for (const [i, event] of data.EventsVec.entries()) {
        if (i > 0) {
          const burned = burnedOf(data.netPrints[i - 1]!)
          const rate18 = borrowRateUp(utilisationDown(poolOf(balances), burned), model)
          const seconds = (BigInt(event.key5) * 86_400n) / E18
          accrue(balances, { rate18, seconds, feeShare18: BigInt(data.SMFeeShare[i]!) })
          act(balances, event)
        }
        const pool = poolOf(balances)
        const utilisation = utilisationDown(pool, burnedOf(data.netPrints[i]!))
        near(pool.supplied18, data.totalSupplys[i]!, `supply ${i}`)
        near(pool.borrowed18, data.totalBorrows[i]!, `debt ${i}`)
        near(balances.get(INSURANCE)!, data.SMBalances[i]!, `insurance ${i}`)
        near(utilisation, data.utilizations[i]!, `utilisation ${i}`)
        near(borrowRateUp(utilisation, model), data.borrowRates[i]!, `rate ${i}`)
      }
    })
  },
)

const burnedOf = (netPrint: number): bigint => (netPrint < 0 ? BigInt(-netPrint) : 0n)

function near(actual: bigint, expected: number, what: string): void {
  const difference = Math.abs(Number(actual - BigInt(expected)))
  // The source computed in doubles, and its accounts moved a wei more than it says.
  const near = difference <= 1e-12 * Math.abs(expected) + 100
  expect({ what, difference: near ? 0 : difference }).toEqual({ what, difference: 0 })
}

function poolOf(balances: ReadonlyMap<string, bigint>): CashPool {
  const all = [...balances.values()]
  const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n)
  const owed = sum(all.filter((balance) => balance < 0n))
  return { supplied18: usd18(sum(all.filter((b) => b > 0n))), borrowed18: usd18(-owed) }
}

function accrue(balances: Map<string, bigint>, terms: Parameters<typeof accrueInterest>[1]): void {
  const pool = poolOf(balances)
  const { supplied18, interest18, fee18 } = accrueInterest(pool, terms)
  for (const [name, balance] of balances) {
    if (balance < 0n) {
      balances.set(name, balance + (balance * interest18) / pool.borrowed18)
      continue
    }
    // Insurance takes its fee first, and then its part of the rest like every supplier.
    const before = balance + (name === INSURANCE ? fee18 : 0n)
    balances.set(name, (before * supplied18) / (pool.supplied18 + fee18))
  }
}

function act(
  balances: Map<string, bigint>,
  { key1, key2, key3, key4 }: Sequence['EventsVec'][number],
): void {
  const move = (name: string, amount: bigint) =>
    balances.set(name, (balances.get(name) ?? 0n) + amount)
  const amount = BigInt(key4)
  move(key2, amount)
  if (key1 === 'TRADE') move(key3, -amount)
  if (key1 !== 'INSOLVENCY') return
  const had = balances.get(INSURANCE) ?? 0n
  move(INSURANCE, had < amount ? -had : -amount)
}
