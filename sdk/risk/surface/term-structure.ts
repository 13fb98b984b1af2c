import { exponential } from '../numeric/exponential.ts'
import { logarithm } from '../numeric/logarithm.ts'
import { surfaceVolatility } from '../svi.ts'
import type { SurfaceSlice } from './calibrate.ts'

/**
 * Gives the volatility of a strike at any time to expiry, per √year: total variance at equal
 * log-moneyness is a straight line in time between the expiries beside it; before the first and after
 * the last, volatility stays as it is there.
 *
 * A surface without calendar arbitrage stays without it: a line between rising values rises.
 *
 * @param slices - By expiry, ascending; at least one.
 * @param years - > 0.
 * @param strikeUsd - > 0.
 * @param forwardUsd - Forward of that time; absent: {@link forwardBetween}.
 */
export function volatilityBetween(
  slices: readonly SurfaceSlice[],
  years: number,
  strikeUsd: number,
  forwardUsd: number = forwardBetween(slices, years),
): number {
  const { before, after, weight } = neighbours(slices, years)
  const variance = ({ slice }: SurfaceSlice): number => {
    const volatility = surfaceVolatility(slice, forwardUsd, strikeUsd)
    return volatility * volatility
  }
  if (before === after) return Math.sqrt(variance(before))
  const total =
    (1 - weight) * variance(before) * before.slice.years +
    weight * variance(after) * after.slice.years
  return Math.sqrt(total / years)
}

/** Gives the forward at any time to expiry, USD: its log is a straight line in time between expiries. */
export function forwardBetween(slices: readonly SurfaceSlice[], years: number): number {
  const { before, after, weight } = neighbours(slices, years)
  if (before === after) return before.forwardUsd
  return exponential(
    (1 - weight) * logarithm(before.forwardUsd) + weight * logarithm(after.forwardUsd),
  )
}

function neighbours(
  slices: readonly SurfaceSlice[],
  years: number,
): { before: SurfaceSlice; after: SurfaceSlice; weight: number } {
  const first = slices[0]
  const last = slices.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('A surface has an expiry.')
  const before = slices.findLast(({ slice }) => slice.years <= years) ?? first
  const after = slices.find(({ slice }) => slice.years >= years) ?? last
  const span = after.slice.years - before.slice.years
  if (!(span > 0)) return { before, after: before, weight: 0 }
  return { before, after, weight: (years - before.slice.years) / span }
}
