import { progress, round, type Report } from '../report.ts'
import { countOption } from '../arguments.ts'
import { parallelMs } from './parallel.ts'
import { measureQuantLib } from './quantlib.ts'
import { engineFigures, fullRepricingMs, impliedVolatilities, priceGreeks } from './single.ts'

/** What this bench measures, in one line. */
export const summary =
  'prices, Greeks, risk arrays, fills and revaluation, beside QuantLib and packages of npm'

/** Runs of which the best counts. */
const RUNS = 20

/** Runs the bench on one core but for the two workers' speed-up. */
export async function run(options: ReadonlyMap<string, string>): Promise<Report> {
  const size = {
    expiries: countOption(options, 'expiries', 10),
    strikes: countOption(options, 'strikes', 50),
    accounts: countOption(options, 'accounts', 1_000),
    positions: countOption(options, 'positions', 50),
  }
  progress('pricing')
  const rates = priceGreeks()
  progress('implied volatilities')
  const ivPerSecond = impliedVolatilities()
  progress('margining')
  const figures = engineFigures(size)
  const fullMs = fullRepricingMs(size)
  progress('margining on one worker and on two')
  const parallel = { ...size, accounts: 4 * size.accounts }
  const oneMs = await parallelMs(1, parallel, RUNS)
  const twoMs = await parallelMs(2, parallel, RUNS)
  const quantLib = measureQuantLib(size)
  return {
    priceGreeksPerSecond: round(rates.vector),
    revaluationMs: round(figures.revaluationMs),
    greeks1000Ms: round(figures.greeks1000Ms),
    fillMarginUs: round(figures.fillMarginUs),
    ivPerSecond: round(ivPerSecond),
    twoWorkerSpeedup: round(oneMs / twoMs),
    bytesPerAccount: round(figures.bytesPerAccount),
    vsQuantLib: quantLib.present
      ? {
          blackCalculator: round(rates.vector / quantLib.calculatorPerSecond),
          portfolio: round(quantLib.portfolioMs / figures.revaluationMs),
          portfolioFullRepricing: round(quantLib.portfolioMs / fullMs),
        }
      : { absent: quantLib.reason },
    vsNpm: {
      blackScholes: round(rates.vector / rates.npm.blackScholesPerSecond),
      greeks: round(rates.vector / rates.npm.greeksPerSecond),
    },
    sizes: {
      ...size,
      instruments: 2 * size.expiries * size.strikes,
      scenarios: 33,
      twoWorkerAccounts: parallel.accounts,
    },
    details: {
      scalarPriceGreeksPerSecond: round(rates.scalar),
      fullRepricingMs: round(fullMs),
      oneWorkerMs: round(oneMs),
      twoWorkersMs: round(twoMs),
      quantLib,
      npm: rates.npm,
    },
  }
}
