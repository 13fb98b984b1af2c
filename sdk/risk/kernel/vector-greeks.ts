import { type Code, FunctionBuilder, type Local, TYPE } from './assembler.ts'
import { DEVIATION_MIN, DISTANCE_MAX, INVERSE_SQRT_2PI } from './coefficients.ts'
import { f64x2, i32, v128 } from './instructions.ts'
import { GREEK_COLUMNS, OPTION_COLUMNS } from './batch-greeks.ts'
import { type ConstantTable, VectorMath } from './vector.ts'

const { add, subtract, multiply, divide, less } = f64x2

/**
 * Makes the kernel of `batchGreeks` for two options at a time:
 * `greeks(count, …addresses of options' columns, …addresses of results' columns)`.
 * Columns have room for an even number.
 */
export function greeksFunction(constants: ConstantTable): FunctionBuilder {
  const columns = OPTION_COLUMNS.length + GREEK_COLUMNS.length
  const f = new FunctionBuilder(
    'greeks',
    Array.from({ length: 1 + columns }, () => TYPE.i32),
  )
  const math = new VectorMath(f, constants)
  const keep = math.keep.bind(math)
  const byte = f.keep(TYPE.i32, i32.constant(0))
  const end = f.keep(TYPE.i32, i32.multiply(f.parameter(0).get, i32.constant(8)))
  const address = (column: number) => i32.add(f.parameter(1 + column).get, byte.get)
  const input = (name: (typeof OPTION_COLUMNS)[number]) =>
    keep(v128.load(address(OPTION_COLUMNS.indexOf(name))))
  const output = (name: (typeof GREEK_COLUMNS)[number], value: readonly number[]) =>
    f.emit(v128.store(address(OPTION_COLUMNS.length + GREEK_COLUMNS.indexOf(name)), value))
  f.loop(byte, end.get, 16, () => {
    const given: Given = {
      forward: input('forwardUsd'),
      strike: input('strikeUsd'),
      call: keep(less(math.number(0), input('sign').get)),
      years: input('years'),
      volatility: input('volatility'),
      discount: input('discount'),
      rate: input('ratePerYear'),
    }
    for (const [name, value] of results(math, given, chances(math, given))) output(name, value)
  })
  return f
}

/** Columns of two options in locals. */
type Given = Record<
  'forward' | 'strike' | 'call' | 'years' | 'volatility' | 'discount' | 'rate',
  Local
>

/** What prices and Greeks are made of; masks are `above`, `below` and `live`. */
type Chances = Record<
  | 'rootYears'
  | 'live'
  | 'spread'
  | 'above'
  | 'below'
  | 'low'
  | 'ratio'
  | 'density'
  | 'outer'
  | 'chance',
  Local
>

function chances(math: VectorMath, { forward, strike, years, volatility }: Given): Chances {
  const keep = math.keep.bind(math)
  const one = math.number(1)
  const rootYears = keep(f64x2.sqrt(years.get))
  const deviation = keep(multiply(volatility.get, rootYears.get))
  const live = keep(less(math.number(DEVIATION_MIN), deviation.get))
  const spread = keep(math.choose(live.get, deviation.get, math.number(DEVIATION_MIN)))
  const above = keep(less(strike.get, forward.get))
  const below = keep(less(forward.get, strike.get))
  const low = keep(math.choose(above.get, strike.get, forward.get))
  const high = math.choose(below.get, strike.get, forward.get)
  const ratio = keep(divide(low.get, high))
  const inverse = divide(one, spread.get)
  const half = keep(multiply(math.number(0.5), spread.get))
  const logRatio = math.naturalLogarithm(ratio.get)
  const distance = keep(multiply(f64x2.abs(logRatio.get), inverse))
  const near = keep(subtract(half.get, distance.get))
  const far = keep(add(half.get, distance.get))

  const square = multiply(near.get, near.get)
  const decayed = math.decay(multiply(math.number(-0.5), square))
  const density = keep(v128.and(live.get, decayed.get))
  const nearSize = keep(f64x2.pmin(math.number(DISTANCE_MAX), f64x2.abs(near.get)))
  const farSize = keep(f64x2.pmin(math.number(DISTANCE_MAX), far.get))
  const inner = keep(multiply(density.get, math.tailRatio(nearSize).get))
  const outer = keep(multiply(density.get, math.tailRatio(farSize).get))
  const positive = less(math.number(0), near.get)
  const chance = keep(math.choose(positive, subtract(one, inner.get), inner.get))
  return { rootYears, live, spread, above, below, low, ratio, density, outer, chance }
}

function results(
  math: VectorMath,
  given: Given,
  parts: Chances,
): [(typeof GREEK_COLUMNS)[number], Code][] {
  const { forward, strike, call, years, volatility, discount, rate } = given
  const { rootYears, live, spread, above, below, low, ratio, density, outer, chance } = parts
  const keep = math.keep.bind(math)
  const zero = math.number(0)
  const one = math.number(1)
  const gap = v128.and(live.get, subtract(chance.get, outer.get))
  const otm = multiply(low.get, f64x2.pmax(gap, zero))
  const asCall = subtract(forward.get, strike.get)
  const asPut = subtract(strike.get, forward.get)
  const gain = math.choose(call.get, asCall, asPut)
  const price = keep(multiply(discount.get, add(otm, f64x2.pmax(gain, zero))))

  const reached = math.choose(above.get, multiply(outer.get, ratio.get), chance.get)
  const reach = keep(v128.and(live.get, reached))
  const moved = math.choose(above.get, f64x2.negate(reach.get), reach.get)
  const sure = v128.and(v128.or(live.get, below.get), math.number(-1))
  const whenPut = math.choose(above.get, zero, sure)
  const certain = math.choose(call.get, v128.and(above.get, one), whenPut)

  const bell = multiply(math.number(INVERSE_SQRT_2PI), multiply(low.get, density.get))
  const weight = keep(multiply(discount.get, bell))
  const spreadValue = multiply(forward.get, multiply(forward.get, spread.get))
  const time = math.choose(less(zero, rootYears.get), rootYears.get, one)
  const decline = multiply(math.number(0.5), multiply(weight.get, volatility.get))
  return [
    ['priceUsd', price.get],
    ['delta', multiply(discount.get, add(moved, certain))],
    ['gamma', divide(weight.get, spreadValue)],
    ['vega', multiply(weight.get, rootYears.get)],
    ['theta', subtract(multiply(rate.get, price.get), divide(decline, time))],
    ['rho', multiply(f64x2.negate(years.get), price.get)],
  ]
}
