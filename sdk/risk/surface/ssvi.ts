import { power } from '../numeric/power.ts'
import type { SviShape } from './svi-fit.ts'

/**
 * A whole surface in three parameters and the total variance at the money of each expiry (SSVI):
 * w(k) = θ/2 · (1 + ρφk + √((φk + ρ)² + 1 − ρ²)) with φ(θ) = η / (θ^γ (1 + θ)^(1−γ)).
 */
export type SsviParameters = {
  /** In `(−1, 1)`: the tilt of every smile. */
  rho: number
  /** > 0: how curved smiles are. */
  eta: number
  /** In `(0, 1)`: how curvature falls with variance. */
  gamma: number
}

/** Gives φ(θ), the curvature of a smile with total variance θ > 0 at the money. */
export function ssviCurvature({ eta, gamma }: SsviParameters, theta: number): number {
  return eta / (power(theta, gamma) * power(1 + theta, 1 - gamma))
}

/**
 * Writes one smile of the surface as a raw SVI slice, which it is.
 *
 * @param theta - Total variance at the money, > 0.
 * @see Gatheral and Jacquier (2014), "Arbitrage-free SVI volatility surfaces", section 4.
 */
export function ssviShape(parameters: SsviParameters, theta: number): SviShape {
  const { rho } = parameters
  const phi = ssviCurvature(parameters, theta)
  const across = 1 - rho * rho
  return {
    a: (theta * across) / 2,
    b: (theta * phi) / 2,
    rho,
    m: -rho / phi,
    s: Math.sqrt(across) / phi,
  }
}

/**
 * Names the rule against butterflies that a smile of the surface breaks, if any: θφ(1 + |ρ|) < 4 and
 * θφ²(1 + |ρ|) ≤ 4 together are enough.
 */
export function ssviFault(parameters: SsviParameters, theta: number): string | undefined {
  const { rho, eta, gamma } = parameters
  if (!(Math.abs(rho) < 1)) return 'SSVI |ρ| < 1'
  if (!(eta > 0 && eta < Infinity)) return 'SSVI η > 0'
  if (!(gamma > 0 && gamma < 1)) return 'SSVI 0 < γ < 1'
  if (!(theta > 0 && theta < Infinity)) return 'SSVI θ > 0'
  const phi = ssviCurvature(parameters, theta)
  const tilt = 1 + Math.abs(rho)
  if (!(theta * phi * tilt < 4)) return 'SSVI θφ(1 + |ρ|) < 4'
  if (!(theta * phi * phi * tilt <= 4)) return 'SSVI θφ²(1 + |ρ|) ≤ 4'
  return undefined
}
