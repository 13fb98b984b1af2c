/** Direction in which a scenario moves every volatility. */
export type VolatilityShock = 'up' | 'none' | 'down'

/** A scenario that moves spot and volatility together. */
export type SpotScenario = {
  kind: 'regular' | 'tail'
  /** Factor on spot and on the variable part of each forward: 1.18 is +18 %. */
  spotFactor: number
  volatility: VolatilityShock
  /** Share of the profit or loss that counts, in `(0, 1]`. */
  dampening: number
}

/** A scenario that tilts or bends every smile and leaves spot alone. */
export type SkewScenario = {
  kind: 'skew'
  shape: 'linear' | 'absolute'
  /** Share of the loss that counts, > 0. */
  dampening: number
}

/** One cell of the grid. */
export type Scenario = SpotScenario | SkewScenario

/** Index that stands for the basis contingency where a scenario's index is expected. */
export const BASIS_INDEX = 255

/** Largest regular move of spot: beyond it a scenario is a tail. */
const REGULAR_MOVE_MAX = 0.18
const TAIL_DAMPENING = 0.77

/**
 * The grid of 33 scenarios: 23 regular, 8 tails, 2 of skew, in the order of their indices.
 *
 * Regular moves are ±18 % with volatility up, and ±13.5, ±9, ±4.5 and 0 % with volatility up, unmoved
 * and down. A tail counts with 0.77 × 0.18 / |move|, so that its weight falls as it gets unlikely.
 */
export const SCENARIO_GRID: readonly Scenario[] = [
  regular(1.18, 'up'),
  ...[1.135, 1.09, 1.045, 1, 0.955, 0.91, 0.865].flatMap((factor) => [
    regular(factor, 'up'),
    regular(factor, 'none'),
    regular(factor, 'down'),
  ]),
  regular(0.82, 'up'),
  tail(0.34, 0.66),
  tail(0.67, 0.33),
  tail(1.5, 0.5),
  tail(2, 1),
  tail(3, 2),
  tail(4, 3),
  tail(5, 4),
  tail(6, 5),
  { kind: 'skew', shape: 'linear', dampening: 1 },
  { kind: 'skew', shape: 'absolute', dampening: 1 },
]

/** Names a scenario for people: "spot −13.5 %, volatility up". */
export function scenarioName(scenario: Scenario): string {
  if (scenario.kind === 'skew') {
    return scenario.shape === 'linear' ? 'smile tilted' : 'wings lifted'
  }
  const percent = Math.round((scenario.spotFactor - 1) * 10_000) / 100
  const sign = percent < 0 ? '−' : '+'
  const spot = percent === 0 ? 'spot unmoved' : `spot ${sign}${Math.abs(percent)} %`
  const volatility =
    scenario.volatility === 'none' ? 'volatility unmoved' : `volatility ${scenario.volatility}`
  const weight =
    scenario.dampening === 1
      ? ''
      : `, counted at ${Math.round(scenario.dampening * 10_000) / 100} %`
  return `${spot}, ${volatility}${weight}`
}

function regular(spotFactor: number, volatility: VolatilityShock): SpotScenario {
  return { kind: 'regular', spotFactor, volatility, dampening: 1 }
}

function tail(spotFactor: number, move: number): SpotScenario {
  const dampening = (TAIL_DAMPENING * REGULAR_MOVE_MAX) / move
  return { kind: 'tail', spotFactor, volatility: 'up', dampening }
}
