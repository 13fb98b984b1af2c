/**
 * Numbers of the batch kernels. The same table serves the kernel in TypeScript and the one in
 * WebAssembly, so that both do the same operations on the same doubles.
 */

/** log₂ e. */
export const LOG2_E = 1.4426950408889634
/** ln 2 in two parts; the first has 32 significant bits, so that its products with exponents are exact. */
export const LN2_HIGH = 0.6931471804855391
/** What {@link LN2_HIGH} lacks of ln 2. */
export const LN2_LOW = 7.440617110012397e-11
/** √2. */
export const SQRT_2 = 1.4142135623730951
/** 1/√2π. */
export const INVERSE_SQRT_2PI = 0.3989422804014327
/** 1.5 × 2^52: adding and subtracting it rounds to the nearest integer, ties to even. */
export const ROUND_ANY = 6_755_399_441_055_744
/** 2^52: adding it rounds a number in `[0, 2^52)`, whose integer then stands in the low bits. */
export const ROUND_POSITIVE = 4_503_599_627_370_496
/** Exponents below this give e^−700 ≈ 10^−304, which no price can tell from 0. */
export const EXPONENT_MIN = -700
/** Stands for a deviation of 0, so that its inverse exists and squares of distances do not overflow. */
export const DEVIATION_MIN = 1e-150
/** Beyond it a distance changes no tail ratio that a double can hold beside a density of 0. */
export const DISTANCE_MAX = 1e15

/** 1/n! for n = 13 down to 2: (e^r − 1 − r)/r² for |r| ≤ 0.3466, remainder below 2^-57. */
export const EXPONENTIAL_SERIES = [
  1 / 6_227_020_800,
  1 / 479_001_600,
  1 / 39_916_800,
  1 / 3_628_800,
  1 / 362_880,
  1 / 40_320,
  1 / 5_040,
  1 / 720,
  1 / 120,
  1 / 24,
  1 / 6,
  1 / 2,
] as const

/** 1/(2k + 3), highest power first: (artanh(s)/s − 1)/s² at s² ≤ 0.0295, remainder below 2^-60. */
export const ARTANH_SERIES = [
  1 / 21,
  1 / 19,
  1 / 17,
  1 / 15,
  1 / 13,
  1 / 11,
  1 / 9,
  1 / 7,
  1 / 5,
  1 / 3,
] as const

/**
 * e^(x²/2) N(−x) on x ≥ 0 as a quotient of polynomials, highest power first. Fitted for the least
 * largest relative error (5.5e-17) at 60 digits; every coefficient is positive, so nothing cancels.
 */
export const TAIL_NUMERATOR = [
  1.3960176033078298e-6, 3.748593241170175e-5, 0.0004929700278729587, 0.004106968305391394,
  0.0237055540067326, 0.0979714497983563, 0.28993885419000115, 0.5948949467296932,
  0.7754596417498121, 0.5,
] as const

/** Denominator of {@link TAIL_NUMERATOR}. */
export const TAIL_DENOMINATOR = [
  3.4992971963434393e-6, 9.396329808210005e-5, 0.0012391919077951767, 0.010388606164793587,
  0.06064970636174309, 0.2556847111656072, 0.7837537861925092, 1.717104981377509,
  2.5638642171830877, 2.348803844302479, 1,
] as const
