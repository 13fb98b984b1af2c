import { exponential } from '../numeric/exponential.ts'
import { RiskError } from '../risk-error.ts'
import { type SviSlice, surfaceVolatility } from '../svi.ts'
import {
  type ArbitrageFinding,
  butterflyLowest,
  calendarLowest,
  findArbitrage,
} from './arbitrage.ts'
import { minimise } from './minimise.ts'
import { type QuotedExpiry, callDelta, smilePoints } from './quotes.ts'
import { type SsviParameters, ssviFault, ssviShape } from './ssvi.ts'
import { type SmilePoint, type SviShape, fitSvi } from './svi-fit.ts'

/** One expiry of a surface. */
export type SurfaceSlice = { expiryS: number; forwardUsd: number; slice: SviSlice }

/** How far a fitted expiry is from its quotes, in volatility (0.01 is a point). */
export type FitError = {
  expiryS: number
  quotes: number
  rootMeanSquare: number
  median: number
  worst: number
  /** Over quotes between 10 and 90 delta; absent when there is none. */
  medianInside: number | undefined
}

/** A surface with its fit errors and whatever arbitrage it was let to keep. */
export type CalibratedSurface = {
  /** By expiry, ascending. */
  slices: readonly SurfaceSlice[]
  errors: readonly FitError[]
  arbitrage: readonly ArbitrageFinding[]
  /** Of an SSVI surface. */
  ssvi: SsviParameters | undefined
}

/** What is fitted, and whether a surface that allows arbitrage may come out. */
export type CalibrationOptions = {
  /** `svi`: five parameters per expiry; `ssvi`: three for all and one per expiry. */
  model: 'svi' | 'ssvi'
  /** True gives the closest surface in spite of arbitrage, which the result lists; default false. */
  allowArbitrage?: boolean | undefined
}

const EXPIRIES_MAX = 256
const PENALTY = 100
/** Margins that keep rounding from turning a surface at its bound into one beyond it. */
const DENSITY_MARGIN = 0.002
const CALENDAR_MARGIN = 0.001
const EVALUATIONS_MAX = 150
const SSVI_EVALUATIONS_MAX = 600

/**
 * Fits a volatility surface to quotes: weighted least squares by vega and spread. Unless arbitrage is
 * allowed it is paid for in the fit, and a surface that still has some is refused.
 *
 * @param expiries - In any order, no two alike.
 * @throws RiskError `INVALID_QUOTES` when an expiry has too few strikes or a figure is out of range.
 * @throws {@link ArbitrageError} when the best surface allows arbitrage and that was not asked for.
 */
export function calibrateSurface(
  expiries: readonly QuotedExpiry[],
  options: CalibrationOptions,
): CalibratedSurface {
  const sorted = expiries.toSorted((a, b) => a.expiryS - b.expiryS)
  checkExpiries(sorted)
  const smiles = sorted.map(smilePoints)
  const held = options.allowArbitrage !== true
  const fitted = options.model === 'svi' ? fitEach(smiles, held) : fitTogether(smiles, held)
  const slices = sorted.map(({ expiryS, forwardUsd, years }, i) => {
    const slice = { ...(fitted.shapes[i] as SviShape), years }
    return { expiryS, forwardUsd, slice }
  })
  const arbitrage = held ? checkSurface(slices) : findArbitrage(slices)
  const errors = sorted.map((expiry, i) => fitError(expiry, slices[i] as SurfaceSlice))
  return { slices, errors, arbitrage, ssvi: fitted.ssvi }
}

/**
 * Refuses a surface that allows arbitrage within four at-the-money deviations.
 *
 * @param slices - By expiry, ascending.
 * @returns No finding.
 * @throws {@link ArbitrageError} with everything that was found.
 */
export function checkSurface(slices: readonly SurfaceSlice[]): readonly ArbitrageFinding[] {
  const findings = findArbitrage(slices)
  if (findings.length > 0) throw new ArbitrageError(findings)
  return findings
}

/** The best surface allows arbitrage: the first finding is named, all are listed. */
export class ArbitrageError extends RiskError {
  override readonly name = 'ArbitrageError'
  readonly findings: readonly ArbitrageFinding[]

  constructor(findings: readonly ArbitrageFinding[]) {
    const [first] = findings
    super('SURFACE_ARBITRAGE', `no ${first?.kind ?? 'arbitrage'} for nothing`, {
      expiry: first?.expiryS ?? 0,
      lowest: first?.lowest ?? 0,
      findings: findings.length,
    })
    this.findings = findings
  }
}

type Fitted = { shapes: SviShape[]; ssvi: SsviParameters | undefined }

/** Raw SVI per expiry; held: without butterflies, and above the one before. */
function fitEach(smiles: readonly SmilePoint[][], held: boolean): Fitted {
  const shapes: SviShape[] = []
  for (const smile of smiles) shapes.push(fitSmile(smile, shapes.at(-1), held))
  return { shapes, ssvi: undefined }
}

function fitSmile(
  smile: readonly SmilePoint[],
  earlier: SviShape | undefined,
  held: boolean,
): SviShape {
  const centre = varianceAtTheMoney(smile)
  const deviation = Math.sqrt(centre)
  const total = smile.reduce((sum, { weight, totalVariance: w }) => sum + weight * w * w, 0)
  const starts = [-0.5, 0.5].map((m) => ({ m: m * deviation, s: 0.8 * deviation }))
  const penalty = (shape: SviShape): number => {
    const butterfly = Math.min(butterflyLowest(shape) - DENSITY_MARGIN, 0)
    const step = earlier === undefined ? 1 : calendarLowest([earlier, shape])
    const calendar = Math.min(step / centre - CALENDAR_MARGIN, 0)
    return PENALTY * total * (butterfly * butterfly + calendar * calendar)
  }
  const bounds = { mMax: 2 * deviation, sMin: 0.1 * deviation, sMax: 3 * deviation }
  const rule = held ? penalty : undefined
  return fitSvi(smile, { starts, bounds, penalty: rule, evaluationsMax: EVALUATIONS_MAX }).shape
}

/** SSVI: variance at the money is read off each smile, the other three are searched for together. */
function fitTogether(smiles: readonly SmilePoint[][], held: boolean): Fitted {
  const thetas = smiles.map(varianceAtTheMoney)
  const at = ([rho = 0, logEta = 0, gamma = 0]: readonly number[]): SsviParameters => ({
    rho,
    eta: exponential(logEta),
    gamma,
  })
  const cost = (point: readonly number[]): number => {
    const parameters = at(point)
    let sum = 0
    for (const [i, theta] of thetas.entries()) {
      const outside =
        Math.abs(parameters.rho) >= 1 || !(parameters.gamma > 0 && parameters.gamma < 1)
      if (outside || (held && ssviFault(parameters, theta) !== undefined)) return Infinity
      sum += squaredError(ssviShape(parameters, theta), smiles[i] as SmilePoint[])
    }
    return sum
  }
  const starts = [-0.3, 0, 0.3].flatMap((rho) => [0.3, 0.5].map((gamma) => [rho, -0.5, gamma]))
  const best = starts
    .map((start) => minimise(cost, start, [0.2, 0.5, 0.1], SSVI_EVALUATIONS_MAX))
    .reduce((a, b) => (cost(b) < cost(a) ? b : a))
  const ssvi = at(best)
  return { shapes: thetas.map((theta) => ssviShape(ssvi, theta)), ssvi }
}

function squaredError(shape: SviShape, smile: readonly SmilePoint[]): number {
  let sum = 0
  for (const { logMoneyness, totalVariance: w, weight } of smile) {
    const offset = logMoneyness - shape.m
    const root = Math.sqrt(offset * offset + shape.s * shape.s)
    const error = shape.a + shape.b * (shape.rho * offset + root) - w
    sum += weight * error * error
  }
  return sum
}

/** Total variance at the forward, on the line between the two strikes beside it. */
function varianceAtTheMoney(smile: readonly SmilePoint[]): number {
  const sorted = smile.toSorted((a, b) => a.logMoneyness - b.logMoneyness)
  const above = sorted.find(({ logMoneyness }) => logMoneyness >= 0) ?? sorted.at(-1)
  const below = sorted.findLast(({ logMoneyness }) => logMoneyness < 0) ?? sorted[0]
  if (above === undefined || below === undefined) return 0
  const span = above.logMoneyness - below.logMoneyness
  const weight = span > 0 ? Math.min(Math.max(-below.logMoneyness / span, 0), 1) : 0
  return below.totalVariance + weight * (above.totalVariance - below.totalVariance)
}

function fitError(expiry: QuotedExpiry, { slice, forwardUsd }: SurfaceSlice): FitError {
  const errors = expiry.quotes.map((quote) => {
    const fitted = surfaceVolatility(slice, forwardUsd, quote.strikeUsd)
    const delta = callDelta(expiry, quote)
    return { size: Math.abs(fitted - quote.volatility), inside: delta >= 0.1 && delta <= 0.9 }
  })
  const sizes = errors.map(({ size }) => size)
  const inside = errors.filter((error) => error.inside).map(({ size }) => size)
  const squares = sizes.reduce((sum, size) => sum + size * size, 0)
  return {
    expiryS: expiry.expiryS,
    quotes: sizes.length,
    rootMeanSquare: Math.sqrt(squares / sizes.length),
    median: middle(sizes),
    worst: Math.max(...sizes),
    medianInside: inside.length === 0 ? undefined : middle(inside),
  }
}

/** Median: the mean of the middle two when they are even in number. */
function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted.length >> 1
  const lower = (sorted.length - 1) >> 1
  return ((sorted[lower] as number) + (sorted[upper] as number)) / 2
}

function checkExpiries(sorted: readonly QuotedExpiry[]): void {
  const refuse = (rule: string, actual: number): never => {
    throw new RiskError('INVALID_QUOTES', rule, { actual })
  }
  if (sorted.length === 0) refuse('at least one expiry', 0)
  if (sorted.length > EXPIRIES_MAX) refuse(`at most ${EXPIRIES_MAX} expiries`, sorted.length)
  for (const [i, { expiryS, years }] of sorted.entries()) {
    const before = sorted[i - 1]
    if (before === undefined) continue
    if (before.expiryS === expiryS) refuse('an expiry stands once', expiryS)
    if (!(before.years < years)) refuse('a later expiry is further away', years)
  }
}
