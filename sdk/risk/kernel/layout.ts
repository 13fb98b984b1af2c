/** Words of eight bytes that a risk array has: 33 shocked values, the mark, and two spare. */
export const ROW_WORDS = 36
/** Bytes of a risk array. */
export const ROW_BYTES = 8 * ROW_WORDS
/** Most scenarios of a grid: the mark stands behind them. */
export const SCENARIOS_MAX = ROW_WORDS - 1

/** How a scenario moves volatilities: which of a strike's five deviations it takes. */
export const SMILE = { up: 0, none: 1, down: 2, tilted: 3, lifted: 4 } as const
/** Number of {@link SMILE}. */
export const SMILES = 5

/** Words of an expiry's record, by index of eight bytes. */
export const EXPIRY = {
  forward: 0,
  rootYears: 1,
  /** 1 + the rise of an "up" scenario. */
  upFactor: 2,
  /** 1 − the fall of a "down" scenario, ≥ 0. */
  downFactor: 3,
  volatilityFloor: 4,
  /** Discount × 10^6: dollars to micro-dollars. */
  discountMicro: 5,
  tiltCap: 6,
  /** Cap over width: change of volatility per unit of log-moneyness. */
  tiltSlope: 7,
  liftCap: 8,
  liftSlope: 9,
  sviA: 10,
  sviB: 11,
  sviRho: 12,
  sviM: 13,
  sviSigma: 14,
  sviYears: 15,
  /** Largest |log-moneyness| at which the surface is read. */
  sviBound: 16,
  years: 17,
  discount: 18,
  rate: 19,
  discountPositive: 20,
  discountNegative: 21,
  /** Weight of the basis contingency; 0 once settled. */
  basisWeight: 22,
  /** 1 while the expiry lives, 0 once settled. */
  live: 23,
  /** Charge of confidence on notional, without and with a perpetual held. */
  confidence: 24,
  confidenceWithPerpetual: 25,
  /** Most that one contract can be worth in a scenario, micro-dollars. */
  valueMicroMax: 26,
  /** Per scenario: forward, then its logarithm over the unmoved forward. */
  forwards: 32,
  logRatios: 32 + ROW_WORDS,
} as const

/** Words of an expiry's record. */
export const EXPIRY_WORDS = 32 + 2 * ROW_WORDS
/** Bytes of an expiry's record. */
export const EXPIRY_BYTES = 8 * EXPIRY_WORDS

/** Bytes of scratch that a run of the row kernel needs: per smile 1/deviation, its half, itself. */
export const SCRATCH_BYTES = SMILES * 48
