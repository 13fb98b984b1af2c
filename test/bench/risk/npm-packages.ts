import packageOfPrices from 'black-scholes'
import greeks from 'greeks'
import type { OptionColumns } from '../../../sdk/risk/kernel/batch-greeks.ts'
import { bestMs, warmUp } from './timing.ts'

const { blackScholes } = packageOfPrices

/** What the packages of npm that a user would pick do a second, on the same options. */
export type NpmRates = {
  /** `black-scholes`: prices a second. */
  blackScholesPerSecond: number
  /** `black-scholes` and `greeks` together: price and five Greeks a second. */
  greeksPerSecond: number
  /** Largest difference of their prices from ours, as a share of the forward. */
  priceDifference: number
}

/** Measures the packages on options of which `priceUsd` are our prices. */
export function measureNpmPackages(given: OptionColumns, priceUsd: Float64Array): NpmRates {
  const count = priceUsd.length
  const at = (column: keyof OptionColumns, i: number): number => given[column][i] as number
  const spot = Float64Array.from(priceUsd, (_, i) => at('forwardUsd', i) * at('discount', i))
  const eachOption = (
    run: (i: number, ...option: Parameters<typeof blackScholes>) => void,
  ): void => {
    for (let i = 0; i < count; i++) {
      const right = at('sign', i) > 0 ? 'call' : 'put'
      const [strike, years] = [at('strikeUsd', i), at('years', i)]
      run(i, spot[i] as number, strike, years, at('volatility', i), at('ratePerYear', i), right)
    }
  }
  let priceDifference = 0
  eachOption((i, ...option) => {
    const difference = Math.abs(blackScholes(...option) - (priceUsd[i] as number))
    priceDifference = Math.max(priceDifference, difference / at('forwardUsd', i))
  })
  // Written down, so that no engine finds that nobody needs it.
  const results = new Float64Array(count)
  const prices = (): void =>
    eachOption((i, ...option) => {
      results[i] = blackScholes(...option)
    })
  const all = (): void =>
    eachOption((i, ...option) => {
      results[i] =
        blackScholes(...option) +
        greeks.getDelta(...option) +
        greeks.getGamma(...option) +
        greeks.getVega(...option) +
        greeks.getTheta(...option) +
        greeks.getRho(...option)
    })
  const perSecond = (run: () => void): number => {
    warmUp(300, run)
    return (1_000 * count) / bestMs(20, run)
  }
  return {
    blackScholesPerSecond: perSecond(prices),
    greeksPerSecond: perSecond(all),
    priceDifference,
  }
}
