import { DEVIATION_MIN, DISTANCE_MAX } from './coefficients.ts'
import { EXPIRY, ROW_WORDS, SMILE, SMILES } from './layout.ts'
import { decay, naturalLogarithm, tailRatio } from './scalar.ts'

const VARIANCE_MAX = 20
const TWO_32 = 4_294_967_296
const TWO_52 = 4_503_599_627_370_496

/** Strikes of one expiry: both rights of a strike share log-moneyness and volatility. */
export type StrikeColumns = {
  /** USD per unit, > 0. */
  strikeUsd: Float64Array
  /** ln(forward/strike). */
  logMoneyness: Float64Array
  /** Per √year. */
  volatility: Float64Array
}

/**
 * Reads an expiry's surface at its strikes: the oracle of the vector kernel.
 *
 * @param expiry - The expiry's record.
 * @param from - First index of its strikes.
 * @param to - Index behind the last.
 */
export function strikeVolatilities(
  expiry: Float64Array,
  strikes: StrikeColumns,
  from: number,
  to: number,
): void {
  const word = (index: number): number => expiry[index] as number
  const forward = word(EXPIRY.forward)
  const a = word(EXPIRY.sviA)
  const b = word(EXPIRY.sviB)
  const rho = word(EXPIRY.sviRho)
  const centre = word(EXPIRY.sviM)
  const sigma = word(EXPIRY.sviSigma)
  const square = sigma * sigma
  const bound = word(EXPIRY.sviBound)
  const years = word(EXPIRY.sviYears)
  for (let i = from; i < to; i++) {
    const x = naturalLogarithm(forward / (strikes.strikeUsd[i] as number))
    strikes.logMoneyness[i] = x
    const above = -x < bound ? -x : bound
    const held = above < -bound ? -bound : above
    const offset = held - centre
    const total = a + b * (rho * offset + Math.sqrt(offset * offset + square))
    const positive = total < 0 ? 0 : total
    strikes.volatility[i] = Math.sqrt((positive < VARIANCE_MAX ? positive : VARIANCE_MAX) / years)
  }
}

/** Writes the risk arrays of an expiry's strikes, call then put: the oracle of the vector kernel. */
export function strikeRows(options: {
  /** The expiry's record. */
  expiry: Float64Array
  strikes: StrikeColumns
  from: number
  to: number
  /** Which of {@link SMILE} each column takes. */
  smiles: readonly number[]
  /** Words of all risk arrays as halves, low half first. */
  rows: Uint32Array
}): void {
  const { expiry, strikes, from, to, smiles, rows } = options
  const deviations = new Float64Array(SMILES)
  const scale = expiry[EXPIRY.discountMicro] as number
  for (let i = from; i < to; i++) {
    const strike = strikes.strikeUsd[i] as number
    const x = strikes.logMoneyness[i] as number
    smileDeviations(expiry, x, strikes.volatility[i] as number, deviations)
    for (const [column, smile] of smiles.entries()) {
      const forward = expiry[EXPIRY.forwards + column] as number
      const logRatio = x + (expiry[EXPIRY.logRatios + column] as number)
      const otm = outOfTheMoney(forward, strike, logRatio, deviations[smile] as number)
      const gain = forward - strike
      const loss = strike - forward
      const row = 2 * (2 * i * ROW_WORDS + column)
      storeMicro(rows, row, (otm + (gain < 0 ? 0 : gain)) * scale)
      storeMicro(rows, row + 2 * ROW_WORDS, (otm + (loss < 0 ? 0 : loss)) * scale)
    }
  }
}

/** Deviations of a strike under the five ways in which smiles move. */
function smileDeviations(
  expiry: Float64Array,
  x: number,
  volatility: number,
  deviations: Float64Array,
): void {
  const word = (index: number): number => expiry[index] as number
  const rootYears = word(EXPIRY.rootYears)
  const raised = volatility * word(EXPIRY.upFactor)
  const floor = word(EXPIRY.volatilityFloor)
  const tiltCap = word(EXPIRY.tiltCap)
  const tilt = -x * word(EXPIRY.tiltSlope)
  const tiltUp = tilt < tiltCap ? tilt : tiltCap
  const tilted = 1 + (tiltUp < -tiltCap ? -tiltCap : tiltUp)
  const lift = Math.abs(x) * word(EXPIRY.liftSlope)
  const liftCap = word(EXPIRY.liftCap)
  const lifted = 1 + (lift < liftCap ? lift : liftCap)
  const set = (smile: number, moved: number): void => {
    const deviation = moved * rootYears
    deviations[smile] = deviation < DEVIATION_MIN ? DEVIATION_MIN : deviation
  }
  set(SMILE.up, raised < floor ? floor : raised)
  set(SMILE.none, volatility)
  set(SMILE.down, volatility * word(EXPIRY.downFactor))
  set(SMILE.tilted, volatility * (tilted < 0 ? 0 : tilted))
  set(SMILE.lifted, volatility * (lifted < 0 ? 0 : lifted))
}

function outOfTheMoney(
  forward: number,
  strike: number,
  logRatio: number,
  deviation: number,
): number {
  const low = strike < forward ? strike : forward
  const half = 0.5 * deviation
  const distance = Math.abs(logRatio) * (1 / deviation)
  const near = half - distance
  const far = half + distance
  const density = decay(-0.5 * (near * near))
  const nearSize = Math.abs(near)
  const inner = density * tailRatio(nearSize < DISTANCE_MAX ? nearSize : DISTANCE_MAX)
  const outer = density * tailRatio(far < DISTANCE_MAX ? far : DISTANCE_MAX)
  const chance = 0 < near ? 1 - inner : inner
  const gap = chance - outer
  return low * (gap < 0 ? 0 : gap)
}

/** Rounds micro-dollars to the nearest integer, ties to even, and stores it as 64 bits. */
function storeMicro(rows: Uint32Array, at: number, micro: number): void {
  const whole = micro + TWO_52 - TWO_52
  const high = Math.floor(whole / TWO_32)
  rows[at] = whole - high * TWO_32
  rows[at + 1] = high
}
