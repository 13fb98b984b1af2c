import { assert } from '../../protocol/assert.ts'
import { impliedVolatility } from '../implied-volatility.ts'
import { PRICE_COLUMNS, type PriceColumns } from './batch-volatility.ts'
import { FREE_ADDRESS, makeKernelMemory, openKernels, PAGE_BYTES } from './instance.ts'

/** Room for prices with a way to invert all of them at once. */
export type ImpliedBatch = {
  /** Prices to be inverted: write them here. */
  prices: PriceColumns
  /** Volatilities per √year of the last {@link ImpliedBatch.solve}; `NaN` outside the bounds. */
  volatility: Float64Array
  /** Inverts the first prices: the same figures as `impliedVolatility` within 1e-13. */
  solve: (count: number) => void
}

/**
 * Makes room for so many prices.
 *
 * @param capacity - Even, 2 to 2^20.
 */
export function makeImpliedBatch(capacity: number): ImpliedBatch {
  assert(
    capacity >= 2 && capacity <= 1 << 20 && capacity % 2 === 0,
    'a batch has room for an even number of prices',
  )
  const columns = PRICE_COLUMNS.length + 1
  const pages = Math.ceil((FREE_ADDRESS + 8 * columns * capacity) / PAGE_BYTES)
  const memory = makeKernelMemory(pages, false)
  const kernels = openKernels(memory, { pages, shared: false })
  const addresses = Array.from({ length: columns }, (_, i) => FREE_ADDRESS + 8 * capacity * i)
  const at = (i: number): Float64Array => new Float64Array(memory.buffer, addresses[i], capacity)
  // What nobody wrote is inverted with its neighbour: any numbers do.
  const [sign, priceUsd, forwardUsd, strikeUsd, years] = [0, 1, 2, 3, 4].map((i) =>
    at(i).fill(1),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
  const prices: PriceColumns = { sign, priceUsd, forwardUsd, strikeUsd, years }
  const volatility = at(PRICE_COLUMNS.length)
  const solve = (count: number): void => {
    assert(count >= 0 && count <= capacity, 'a batch has room for its prices')
    kernels.implied(count + (count % 2), ...addresses)
    for (let i = 0; i < count; i++) {
      if (!Number.isNaN(volatility[i])) continue
      const found = impliedVolatility({
        right: (sign[i] as number) > 0 ? 'call' : 'put',
        priceUsd: priceUsd[i] as number,
        forwardUsd: forwardUsd[i] as number,
        strikeUsd: strikeUsd[i] as number,
        years: years[i] as number,
      })
      volatility[i] = found ?? NaN
    }
  }
  return { prices, volatility, solve }
}
