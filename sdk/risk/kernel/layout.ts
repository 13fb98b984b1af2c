/** Words of eight bytes that a risk array has: 33 shocked values, the mark, and two spare. */
export const ROW_WORDS = 36
/** Bytes of a risk array. */
export const ROW_BYTES = 8 * ROW_WORDS

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

/** Bytes of a position: address of its risk array (4), 4 unused, lots as a double. */
export const POSITION_BYTES = 16

/** Words of a group, which is what an account holds in one expiry. */
export const GROUP = {
  /** Two addresses of 4 bytes: the expiry's record, the first position. */
  expiry: 0,
  /** Two of 4 bytes: number of positions, room for positions. */
  positions: 1,
  /** Σ |lots|. */
  grossLots: 2,
  /** Lots that no long position of their strike offsets. */
  nakedLots: 3,
  /** Integers: Σ lots × word of the risk array, in 10^-10 dollars. */
  sums: 4,
  /** Of each scenario, whole micro-dollars. */
  profits: 4 + ROW_WORDS,
  /** Micro-dollars, whole: basis contingency, value at the mark. */
  basis: 4 + 2 * ROW_WORDS,
  mark: 5 + 2 * ROW_WORDS,
} as const
/** Bytes of a group. */
export const GROUP_BYTES = 8 * (6 + 2 * ROW_WORDS)

/** Words of a book, which is what an account holds on one underlying. */
export const BOOK = {
  /** Two of 4 bytes: address of the first group, number of groups. */
  groups: 0,
  /** Two addresses of 4 bytes: the underlying's record, the first collateral. */
  underlying: 1,
  /** Number of collaterals, 4 bytes. */
  collaterals: 2,
  perpetualLots: 3,
  /** Micro-dollars, signed. */
  unsettled: 4,
  /** Results, micro-dollars: worst loss, charges of maintenance, charges on top, value. */
  worst: 5,
  maintenance: 6,
  initial: 7,
  value: 8,
  /** Profit of each scenario, micro-dollars. */
  profits: 10,
} as const
/** Bytes of a book. */
export const BOOK_BYTES = 8 * (10 + ROW_WORDS)

/** Bytes of a collateral: address of its asset's record (4), 4 unused, whole tokens as a double. */
export const COLLATERAL_BYTES = 16

/** Words of an account. */
export const ACCOUNT = {
  /** Two of 4 bytes: address of the first book, number of books. */
  books: 0,
  /** Micro-dollars, whole, signed. */
  cash: 1,
  /** Results, whole micro-dollars: equity, what is left above both requirements, Σ worst losses. */
  equity: 2,
  initial: 3,
  maintenance: 4,
  worst: 5,
} as const
/** Bytes of an account. */
export const ACCOUNT_BYTES = 8 * 6

/** Words of an underlying's record; rates are of notional. */
export const UNDERLYING = {
  /** Micro-dollars per lot. */
  spot: 0,
  perpetualPrice: 1,
  perpetualMaintenance: 2,
  perpetualInitial: 3,
  nakedMaintenance: 4,
  nakedInitial: 5,
  perpetualConfidence: 6,
} as const
/** Bytes of an underlying's record. */
export const UNDERLYING_BYTES = 8 * 8

/** Words of an asset's record. */
export const ASSET = {
  /** Micro-dollars per token. */
  price: 0,
  /** 1 if its value moves with the scenarios of its book, else 0. */
  cancels: 1,
  maintenance: 2,
  initial: 3,
  confidence: 4,
} as const
/** Bytes of an asset's record. */
export const ASSET_BYTES = 8 * 6

/** Words of the record of a grid of scenarios. */
export const GRID = {
  lossFactorMaintenance: 0,
  lossFactorInitial: 1,
  /** Columns of mark and basis moves as byte offsets in a group's sums, 4 bytes each. */
  mark: 2,
  basisUp: 3,
  basisDown: 4,
  /** Bytes from the grid's first copy to this one, 4 bytes. */
  shift: 5,
  /** Per column: weight × 10^-4, all bits set for a skew scenario, (factor − 1) × weight. */
  weights: 6,
  skews: 6 + ROW_WORDS,
  moves: 6 + 2 * ROW_WORDS,
  /** Per column 4 bytes: 48 × its smile. */
  smiles: 6 + 3 * ROW_WORDS,
} as const
/** Bytes of the record of a grid. */
export const GRID_BYTES = 8 * (6 + 4 * ROW_WORDS)
