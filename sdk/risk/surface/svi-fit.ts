import { exponential } from '../numeric/exponential.ts'
import { logarithm } from '../numeric/logarithm.ts'
import type { SviSlice } from '../svi.ts'
import { minimise } from './minimise.ts'

/** One point of a smile: total variance at a log-moneyness, and how much it counts. */
export type SmilePoint = { logMoneyness: number; totalVariance: number; weight: number }

/** A slice without its time. */
export type SviShape = Omit<SviSlice, 'years'>

/** A fitted slice and Σ weight × error² of its total variance. */
export type SviFit = { shape: SviShape; cost: number }

/** How far a slice may be from round: without it a nearly parabolic smile asks for an endless hyperbola. */
export type SviBounds = { mMax: number; sMin: number; sMax: number }

const RHO_MAX = 0.999
const WING_SLOPE_MAX = 2
const EVALUATIONS_MAX = 400

/**
 * Fits raw SVI to a smile by weighted least squares.
 *
 * For given m and s the other three parameters follow from linear equations, so only two are
 * searched for (Nelder and Mead's simplex), from each start in turn.
 *
 * @param points - At least 5, with positive weights.
 * @param options.starts - Where (m, s) is searched from; at least one, s > 0.
 * @param options.penalty - Added to the cost of a slice: for rules beside the points.
 * @returns The best slice found; |ρ| ≤ 0.999, b(1 + |ρ|) ≤ 2, lowest variance ≥ 0.
 * @see De Marco and Martini (2009), "Quasi-explicit calibration of Gatheral's SVI model".
 */
export function fitSvi(
  points: readonly SmilePoint[],
  options: {
    starts: readonly { m: number; s: number }[]
    bounds: SviBounds
    penalty?: ((shape: SviShape) => number) | undefined
    /** Slices tried per start; default 400. */
    evaluationsMax?: number | undefined
  },
): SviFit {
  const { starts, bounds, penalty, evaluationsMax = EVALUATIONS_MAX } = options
  const at = (m: number, s: number): SviFit => {
    const outside = Math.abs(m) > bounds.mMax || s < bounds.sMin || s > bounds.sMax
    if (outside) return { shape: { a: 0, b: 0, rho: 0, m, s }, cost: Infinity }
    const fit = fitLinear(points, m, s)
    return penalty === undefined || fit.cost === Infinity
      ? fit
      : { shape: fit.shape, cost: fit.cost + penalty(fit.shape) }
  }
  let best: SviFit | undefined
  for (const start of starts) {
    const [m = 0, logS = 0] = minimise(
      ([x = 0, y = 0]) => at(x, exponential(y)).cost,
      [start.m, logarithm(start.s)],
      [Math.max(Math.abs(start.m), 0.05) / 2, 0.5],
      evaluationsMax,
    )
    const fit = at(m, exponential(logS))
    if (best === undefined || fit.cost < best.cost) best = fit
  }
  if (best === undefined) throw new RangeError('A fit needs at least one start.')
  return best
}

/** Solves for a, d = ρbs and c = bs in w = a + d·y + c·√(y² + 1), y = (k − m)/s. */
function fitLinear(points: readonly SmilePoint[], m: number, s: number): SviFit {
  const rows = points.map(({ logMoneyness, totalVariance, weight }) => {
    const y = (logMoneyness - m) / s
    return { y, z: Math.sqrt(y * y + 1), w: totalVariance, weight }
  })
  const free = solveThree(rows)
  const candidates =
    free !== undefined && Math.abs(free.d) <= RHO_MAX * free.c
      ? [free]
      : [solveTwo(rows, RHO_MAX), solveTwo(rows, -RHO_MAX), solveTwo(rows, 0)]
  let best: SviFit = { shape: { a: 0, b: 0, rho: 0, m, s }, cost: Infinity }
  for (const { a, d, c } of candidates) {
    const rho = c > 0 ? d / c : 0
    const shape = { a, b: c / s, rho, m, s }
    const lowest = a + c * Math.sqrt(1 - rho * rho)
    if (c < 0 || lowest < 0 || shape.b * (1 + Math.abs(rho)) > WING_SLOPE_MAX) continue
    let cost = 0
    for (const row of rows) {
      const error = a + d * row.y + c * row.z - row.w
      cost += row.weight * error * error
    }
    if (cost < best.cost) best = { shape, cost }
  }
  return best
}

type Row = { y: number; z: number; w: number; weight: number }
type Linear = { a: number; d: number; c: number }

/** Weighted least squares in a, d, c by Cramer's rule; undefined when the points do not tell them apart. */
function solveThree(rows: readonly Row[]): Linear | undefined {
  let [n, y, z, yy, yz, zz, w, wy, wz] = [0, 0, 0, 0, 0, 0, 0, 0, 0]
  for (const row of rows) {
    const { weight } = row
    n += weight
    y += weight * row.y
    z += weight * row.z
    yy += weight * row.y * row.y
    yz += weight * row.y * row.z
    zz += weight * row.z * row.z
    w += weight * row.w
    wy += weight * row.w * row.y
    wz += weight * row.w * row.z
  }
  const minorA = yy * zz - yz * yz
  const minorD = y * zz - yz * z
  const minorC = y * yz - yy * z
  const determinant = n * minorA - y * minorD + z * minorC
  if (!(Math.abs(determinant) > 1e-14 * n * yy * zz)) return undefined
  return {
    a: (w * minorA - y * (wy * zz - yz * wz) + z * (wy * yz - yy * wz)) / determinant,
    d: (n * (wy * zz - wz * yz) - w * minorD + z * (y * wz - wy * z)) / determinant,
    c: (n * (yy * wz - yz * wy) - y * (y * wz - wy * z) + w * minorC) / determinant,
  }
}

/** The same with ρ held, so that d = ρc. */
function solveTwo(rows: readonly Row[], rho: number): Linear {
  let [n, u, uu, w, wu] = [0, 0, 0, 0, 0]
  for (const row of rows) {
    const { weight } = row
    const basis = rho * row.y + row.z
    n += weight
    u += weight * basis
    uu += weight * basis * basis
    w += weight * row.w
    wu += weight * row.w * basis
  }
  const determinant = n * uu - u * u
  const c = determinant > 0 ? Math.max((n * wu - u * w) / determinant, 0) : 0
  return { a: (w - c * u) / n, d: rho * c, c }
}
