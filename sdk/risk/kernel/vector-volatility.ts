import { type Code, FunctionBuilder, type Local, TYPE } from './assembler.ts'
import {
  DEVIATION_LEAST,
  INVERSE_PI,
  LAST_STEP_MAX,
  NEWTON_STEPS,
  PRICE_COLUMNS,
  SHARE_MAX,
  SHARE_MIN,
  SQRT_2PI,
} from './batch-volatility.ts'
import { INVERSE_SQRT_2PI } from './coefficients.ts'
import { f64x2, i32, v128 } from './instructions.ts'
import { type ConstantTable, VectorMath } from './vector.ts'

const { abs, add, subtract, multiply, divide, less, pmin, pmax, sqrt } = f64x2

/**
 * Makes the kernel of `batchVolatilities` for two prices at a time:
 * `implied(count, …addresses of prices' columns, address of volatilities)`. Columns have room for an
 * even number.
 */
export function impliedFunction(constants: ConstantTable): FunctionBuilder {
  const columns = PRICE_COLUMNS.length + 1
  const f = new FunctionBuilder(
    'implied',
    Array.from({ length: 1 + columns }, () => TYPE.i32),
  )
  const math = new VectorMath(f, constants)
  const keep = math.keep.bind(math)
  const byte = f.keep(TYPE.i32, i32.constant(0))
  const end = f.keep(TYPE.i32, i32.multiply(f.parameter(0).get, i32.constant(8)))
  const address = (column: number): Code => i32.add(f.parameter(1 + column).get, byte.get)
  const input = (name: (typeof PRICE_COLUMNS)[number]): Local =>
    keep(v128.load(address(PRICE_COLUMNS.indexOf(name))))
  const zero = math.number(0)
  f.loop(byte, end.get, 16, () => {
    const forward = input('forwardUsd')
    const strike = input('strikeUsd')
    const low = keep(math.choose(less(strike.get, forward.get), strike.get, forward.get))
    const high = keep(math.choose(less(forward.get, strike.get), strike.get, forward.get))
    const asCall = subtract(forward.get, strike.get)
    const asPut = subtract(strike.get, forward.get)
    const gain = math.choose(less(zero, input('sign').get), asCall, asPut)
    const timeValue = subtract(input('priceUsd').get, pmax(gain, zero))
    const share = keep(divide(timeValue, low.get))
    const usable = keep(
      v128.and(less(math.number(SHARE_MIN), share.get), less(share.get, math.number(SHARE_MAX))),
    )
    const target = keep(math.choose(usable.get, share.get, math.number(0.1)))
    const distance = keep(abs(math.naturalLogarithm(divide(low.get, high.get)).get))
    const gap = keep(divide(subtract(high.get, low.get), low.get))
    const { deviation, step } = invert(f, math, { target, distance, gap })
    const bound = multiply(math.number(LAST_STEP_MAX), deviation.get)
    const settled = less(abs(step.get), bound)
    const large = less(math.number(DEVIATION_LEAST), deviation.get)
    const good = v128.and(v128.and(usable.get, settled), large)
    const volatility = divide(deviation.get, sqrt(input('years').get))
    const result = math.choose(good, volatility, math.number(NaN))
    f.emit(v128.store(address(PRICE_COLUMNS.length), result))
  })
  return f
}

function invert(
  f: FunctionBuilder,
  math: VectorMath,
  { target, distance, gap }: { target: Local; distance: Local; gap: Local },
): { deviation: Local; step: Local } {
  const keep = math.keep.bind(math)
  const zero = math.number(0)
  const one = math.number(1)
  const half = math.number(0.5)
  const logTarget = math.naturalLogarithm(target.get)
  const measureTarget = keep(divide(one, sqrt(multiply(math.number(-2), logTarget.get))))
  const a = keep(add(target.get, multiply(half, gap.get)))
  const gapPart = multiply(multiply(gap.get, gap.get), math.number(INVERSE_PI))
  const square = subtract(multiply(a.get, a.get), gapPart)
  const root = sqrt(pmax(square, zero))
  const factor = divide(math.number(SQRT_2PI), add(math.number(2), gap.get))
  const deviation = keep(multiply(factor, add(a.get, root)))
  const step = keep(zero)
  const count = f.keep(TYPE.i32, i32.constant(0))
  f.loop(count, i32.constant(NEWTON_STEPS), 1, () => {
    const middle = keep(multiply(half, deviation.get))
    const reach = keep(divide(distance.get, deviation.get))
    const near = keep(subtract(middle.get, reach.get))
    const nearSize = keep(abs(near.get))
    const far = keep(add(middle.get, reach.get))
    const density = math.decay(multiply(math.number(-0.5), multiply(near.get, near.get)))
    const inner = keep(multiply(density.get, math.tailRatio(nearSize).get))
    const outer = multiply(density.get, math.tailRatio(far).get)
    const chance = math.choose(less(zero, near.get), subtract(one, inner.get), inner.get)
    const share = keep(pmax(subtract(chance, outer), math.number(SHARE_MIN)))
    const logShare = math.naturalLogarithm(share.get)
    const weight = multiply(math.number(INVERSE_SQRT_2PI), density.get)
    const flatness = divide(share.get, weight)
    const twice = keep(multiply(math.number(-2), logShare.get))
    const measure = keep(divide(one, sqrt(twice.get)))
    const moved = subtract(measure.get, measureTarget.get)
    const below = multiply(moved, divide(twice.get, measure.get))
    const above = subtract(logShare.get, logTarget.get)
    step.set(multiply(math.choose(less(near.get, zero), below, above), flatness))
    const next = subtract(deviation.get, step.get)
    const least = keep(multiply(math.number(0.25), deviation.get))
    const most = keep(multiply(math.number(4), deviation.get))
    const held = math.choose(less(least.get, next), next, least.get)
    deviation.set(pmin(most.get, held))
  })
  return { deviation, step }
}
