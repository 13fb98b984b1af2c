import type { AssetId, UnderlyingId } from '../protocol/ids.ts'
import { type Extensions, extensionsFault } from './extension-parameters.ts'
import { SCENARIO_GRID, type Scenario } from './scenarios.ts'

/** How a move of volatility grows as expiry comes near: (30 days / time left)^power. */
export type VolatilityShockParameters = {
  /** Relative rise at 30 days. */
  up: number
  /** Relative fall at 30 days. */
  down: number
  /** A raised volatility is at least this, per √year. */
  floor: number
  /** Power at 30 days or less. */
  shortPower: number
  /** Power beyond 30 days. */
  longPower: number
  /** Time left counts as at least this many days. */
  daysMin: number
}

/** How far smiles tilt (linear) and bend (absolute). */
export type SkewParameters = {
  linear: { base: number; perRootYear: number }
  absolute: { base: number; perRootYear: number }
  widthMin: number
  widthScale: number
  volatility: number
  volatilityPerRootYear: number
}

/** The discount on an expiry's shocked value: less for what is owned, more for what is owed. */
export type StaticDiscountParameters = {
  positiveBase: number
  positiveRateScale: number
  positiveRateAdd: number
  negativeBase: number
  negativeRateScale: number
  negativeRateAdd: number
}

/** Loss if forwards move against spot. */
export type BasisParameters = { factorUp: number; factorDown: number; add: number; perYear: number }

/** A pair of charges: what maintenance asks, and what initial margin asks on top. */
export type ChargePair = { maintenance: number; initialExtra: number }

/** How one asset counts as collateral. */
export type CollateralParameters = ChargePair & {
  asset: AssetId
  /** The book it stands in: its spot confidence counts. Absent: a book of its own. */
  underlying?: UnderlyingId | undefined
  /** True when its value moves with the book's scenarios. */
  cancelsRisk: boolean
}

/** Everything of the margin model that governance decides. */
export type RiskParameters = {
  version: number
  scenarios: readonly Scenario[]
  volatilityShock: VolatilityShockParameters
  skew: SkewParameters
  staticDiscount: StaticDiscountParameters
  basis: BasisParameters
  lossFactor: { maintenance: number; initial: number }
  /** Below `threshold` USD the stable coin's gap times `factor` is added to the initial loss factor. */
  peg: { threshold: number; factor: number }
  /** Below `threshold` confidence `(1 − c) × factor` of notional is charged. */
  confidence: { threshold: number; factor: number }
  /** Of notional at spot. */
  perpetual: ChargePair
  /** Of spot, per naked short contract. */
  nakedShort: ChargePair
  collaterals: readonly CollateralParameters[]
  /** What is charged or offset beside PM2; absent: nothing. */
  extensions?: Extensions | undefined
}

/** Parameters of version 1, collaterals apart: they depend on the network's assets. */
export const BASE_PARAMETERS: Omit<RiskParameters, 'collaterals' | 'version' | 'extensions'> = {
  scenarios: SCENARIO_GRID,
  volatilityShock: {
    up: 0.5,
    down: 0.275,
    floor: 0.45,
    shortPower: 0.3,
    longPower: 0.13,
    daysMin: 1,
  },
  skew: {
    linear: { base: 0.15, perRootYear: -0.05 },
    absolute: { base: 0.15, perRootYear: -0.05 },
    widthMin: 0.01,
    widthScale: 4,
    volatility: 0.6,
    volatilityPerRootYear: -0.1,
  },
  staticDiscount: {
    positiveBase: 0.95,
    positiveRateScale: 1,
    positiveRateAdd: 0.08,
    negativeBase: 1.04,
    negativeRateScale: 0.5,
    negativeRateAdd: 0.08,
  },
  basis: { factorUp: 1.045, factorDown: 0.955, add: 0.5, perYear: 2 },
  lossFactor: { maintenance: 0.8, initial: 1 },
  peg: { threshold: 0.98, factor: 2 },
  confidence: { threshold: 0.55, factor: 1 },
  perpetual: { maintenance: 0.015, initialExtra: 0.005 },
  nakedShort: { maintenance: 0.003, initialExtra: 0.002 },
}

/** Haircuts of an asset in the book of its own underlying, whose moves it cancels: 1.5 and 0.5 %. */
export const OWN_ASSET_HAIRCUT: ChargePair = { maintenance: 0.015, initialExtra: 0.005 }

/** 255 stands for the basis contingency. */
const SCENARIOS_MAX = 254
/** Expiries are at most four years away. */
const ROOT_YEARS_MAX = 2

/**
 * Names the rule that a set of parameters breaks, if any.
 *
 * The skew caps must not be negative, and what is owed must never be discounted more than what is
 * owned (d⁻ ≥ d⁺): the stand-alone requirement of a spoke rests on it.
 *
 * @returns `undefined` for usable parameters.
 */
export function parametersFault(parameters: RiskParameters): string | undefined {
  const { skew, staticDiscount, lossFactor, scenarios } = parameters
  for (const cap of [skew.linear, skew.absolute]) {
    if (Math.min(cap.base, cap.base + cap.perRootYear * ROOT_YEARS_MAX) < 0) return 'skew cap ≥ 0'
  }
  if (staticDiscount.positiveBase > 1) return 'discount of what is owned ≤ 1'
  if (staticDiscount.negativeBase < 1) return 'discount of what is owed ≥ 1'
  if (staticDiscount.positiveRateAdd < 0 || staticDiscount.positiveRateScale < 0) {
    return 'rate terms of what is owned ≥ 0'
  }
  if (staticDiscount.negativeRateAdd < 0 || staticDiscount.negativeRateScale < 0) {
    return 'rate terms of what is owed ≥ 0'
  }
  if (lossFactor.initial < lossFactor.maintenance) return 'initial loss factor ≥ maintenance'
  if (parameters.extensions !== undefined) {
    const fault = extensionsFault(parameters.extensions)
    if (fault !== undefined) return fault
  }
  if (scenarios.length === 0 || scenarios.length > SCENARIOS_MAX) return 'scenarios number 1 to 254'
  return undefined
}
