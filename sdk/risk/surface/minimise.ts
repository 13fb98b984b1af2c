/** A point of the search, one number per variable. */
export type SearchPoint = readonly number[]

type Vertex = { at: SearchPoint; value: number }

const SPREAD_MIN = 1e-10

/**
 * Minimises a function of several variables by Nelder and Mead's simplex; no derivative is needed.
 *
 * @param cost - May be `Infinity` where a point is not allowed.
 * @param start - One corner of the first simplex.
 * @param size - How far the other corners lie from it, one per variable.
 * @param evaluationsMax - Points tried, give or take one round.
 * @returns The best point found.
 * @see Nelder and Mead (1965), "A simplex method for function minimization".
 */
export function minimise(
  cost: (point: SearchPoint) => number,
  start: SearchPoint,
  size: SearchPoint,
  evaluationsMax: number,
): SearchPoint {
  let evaluations = 0
  const vertex = (at: SearchPoint): Vertex => {
    evaluations += 1
    return { at, value: cost(at) }
  }
  const between = (a: SearchPoint, b: SearchPoint, t: number): Vertex =>
    vertex(a.map((x, i) => x + t * ((b[i] as number) - x)))

  let simplex = [
    vertex(start),
    ...size.map((step, i) => vertex(start.map((x, k) => (k === i ? x + step : x)))),
  ]
  while (evaluations < evaluationsMax) {
    simplex = simplex.toSorted((a, b) => a.value - b.value)
    const best = simplex[0] as Vertex
    const worst = simplex.at(-1) as Vertex
    const middle = simplex.at(-2) as Vertex
    if (distance(best.at, worst.at) < SPREAD_MIN) break
    const others = simplex.slice(0, -1)
    const centre = best.at.map(
      (_, i) => others.reduce((sum, { at }) => sum + (at[i] as number), 0) / others.length,
    )
    const reflected = between(worst.at, centre, 2)
    let next = reflected
    if (reflected.value < best.value) {
      const expanded = between(worst.at, centre, 3)
      if (expanded.value < reflected.value) next = expanded
    } else if (!(reflected.value < middle.value)) {
      const outside = reflected.value < worst.value
      next = between(worst.at, centre, outside ? 1.5 : 0.5)
      if (!(next.value < Math.min(worst.value, reflected.value))) {
        simplex = [best, ...simplex.slice(1).map(({ at }) => between(best.at, at, 0.5))]
        continue
      }
    }
    simplex = [...others, next]
  }
  return simplex.reduce((a, b) => (b.value < a.value ? b : a)).at
}

function distance(a: SearchPoint, b: SearchPoint): number {
  return a.reduce((sum, x, i) => sum + Math.abs((b[i] as number) - x), 0)
}
