import { expiryTerms } from '../expiry.ts'
import { InvalidPortfolioError } from '../invalid-portfolio.ts'
import { EXPIRY, EXPIRY_WORDS } from '../kernel/layout.ts'
import { naturalLogarithm } from '../kernel/scalar.ts'
import type { RiskParameters, SkewParameters } from '../parameters.ts'
import type { ExpiryMarket, UnderlyingMarket } from '../portfolio.ts'
import { CLAMP_DEVIATIONS, sviFault } from '../svi.ts'
import type { ExpiryTerms } from '../expiry.ts'
import type { Columns } from './columns.ts'

/** Largest value of a contract that the kernels round exactly: 2^51 micro-dollars. */
const VALUE_MICRO_MAX = 2_251_799_813_685_248
const MICRO = 1_000_000

/**
 * Writes what the kernels need of one expiry.
 *
 * @param record - `EXPIRY_WORDS` doubles.
 * @param strikeUsdMax - Highest strike of the expiry, USD: it bounds what a put can be worth.
 * @returns The expiry's terms.
 * @throws InvalidPortfolioError when the surface is unusable or a contract may be worth too much.
 */
export function writeExpiryRecord(
  record: Float64Array,
  options: {
    market: ExpiryMarket
    underlying: UnderlyingMarket
    parameters: RiskParameters
    columns: Columns
    strikeUsdMax: number
  },
): ExpiryTerms {
  const { market, underlying, parameters, columns, strikeUsdMax } = options
  const terms = expiryTerms(market, parameters)
  record.fill(0, 0, EXPIRY_WORDS)
  const set = (index: number, value: number): void => {
    record[index] = value
  }
  set(EXPIRY.forward, terms.forwardUsd)
  set(EXPIRY.rootYears, terms.rootYears)
  set(EXPIRY.upFactor, 1 + terms.volatilityUp)
  set(EXPIRY.downFactor, Math.max(0, 1 - terms.volatilityDown))
  set(EXPIRY.volatilityFloor, terms.settled ? 0 : parameters.volatilityShock.floor)
  set(EXPIRY.discountMicro, terms.discount * MICRO)
  writeSkew(record, terms, parameters.skew)
  writeSurface(record, market, terms)
  set(EXPIRY.years, terms.years)
  set(EXPIRY.discount, terms.discount)
  set(EXPIRY.rate, terms.settled ? 0 : Math.max(0, market.ratePerYear))
  set(EXPIRY.discountPositive, terms.discountPositive)
  set(EXPIRY.discountNegative, terms.discountNegative)
  const { add, perYear } = parameters.basis
  set(EXPIRY.basisWeight, terms.settled ? 0 : add + perYear * terms.years)
  set(EXPIRY.live, terms.settled ? 0 : 1)
  writeConfidence(record, { market, underlying, parameters })
  let forwardMax = 0
  for (const [i, { factor }] of columns.list.entries()) {
    const forward = terms.variableUsd * factor + terms.fixedUsd
    set(EXPIRY.forwards + i, forward)
    set(EXPIRY.logRatios + i, naturalLogarithm(forward / terms.forwardUsd))
    forwardMax = Math.max(forwardMax, forward)
  }
  const valueMicroMax = Math.max(forwardMax, strikeUsdMax) * terms.discount * MICRO
  if (!(terms.forwardUsd > 0) || !(valueMicroMax < VALUE_MICRO_MAX)) {
    const values = `forward ${terms.forwardUsd}, highest strike ${strikeUsdMax}`
    throw new InvalidPortfolioError('a contract is worth less than 2^51 micro-dollars', values)
  }
  set(EXPIRY.valueMicroMax, valueMicroMax)
  return terms
}

function writeSkew(record: Float64Array, terms: ExpiryTerms, skew: SkewParameters): void {
  const { rootYears } = terms
  const volatility = skew.volatility + rootYears * skew.volatilityPerRootYear
  const width = Math.max(skew.widthMin, rootYears * skew.widthScale * volatility)
  const tilt = skew.linear.base + skew.linear.perRootYear * rootYears
  const lift = skew.absolute.base + skew.absolute.perRootYear * rootYears
  record[EXPIRY.tiltCap] = tilt
  record[EXPIRY.tiltSlope] = tilt / width
  record[EXPIRY.liftCap] = lift
  record[EXPIRY.liftSlope] = lift / width
}

function writeSurface(record: Float64Array, market: ExpiryMarket, terms: ExpiryTerms): void {
  const { surface } = market
  if (terms.settled || surface === undefined) {
    // No variance: the options of a settled expiry are worth their payoff.
    record[EXPIRY.sviYears] = 1
    if (terms.settled) return
    throw new InvalidPortfolioError('an expiry has a surface', `expiry ${market.expiryS}`)
  }
  const fault = sviFault(surface)
  if (fault !== undefined) throw new InvalidPortfolioError(fault, `expiry ${market.expiryS}`)
  record[EXPIRY.sviA] = surface.a
  record[EXPIRY.sviB] = surface.b
  record[EXPIRY.sviRho] = surface.rho
  record[EXPIRY.sviM] = surface.m
  record[EXPIRY.sviSigma] = surface.s
  record[EXPIRY.sviYears] = surface.years
  record[EXPIRY.sviBound] =
    CLAMP_DEVIATIONS * Math.sqrt(Math.max(surface.a + surface.b * surface.s, 0))
}

function writeConfidence(
  record: Float64Array,
  marks: { market: ExpiryMarket; underlying: UnderlyingMarket; parameters: RiskParameters },
): void {
  const { market, underlying, parameters } = marks
  const { threshold, factor } = parameters.confidence
  const lowest = Math.min(
    underlying.spotConfidence,
    market.forwardConfidence,
    market.rateConfidence,
    market.volatilityConfidence,
  )
  const charge = (confidence: number): number =>
    confidence < threshold ? (1 - confidence) * factor : 0
  record[EXPIRY.confidence] = charge(lowest)
  const withPerpetual = Math.min(lowest, underlying.perpetual?.confidence ?? 1)
  record[EXPIRY.confidenceWithPerpetual] = charge(withPerpetual)
}
