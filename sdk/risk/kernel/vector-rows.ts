import { type Code, FunctionBuilder, type Local, TYPE } from './assembler.ts'
import { DEVIATION_MIN, DISTANCE_MAX, ROUND_POSITIVE } from './coefficients.ts'
import { f64x2, i32, i64x2, v128 } from './instructions.ts'
import { EXPIRY, ROW_BYTES, SMILE } from './layout.ts'
import { type ConstantTable, VectorMath } from './vector.ts'

const ROUND_POSITIVE_BITS = 0x4330000000000000n
const { add, subtract, multiply, divide, less, abs, pmin, pmax } = f64x2

/** Word of an expiry's record in both lanes. */
const expiryWord = (expiry: Local, index: number): Code => v128.loadSplat(expiry.get, 8 * index)

/**
 * Makes the kernel of `strikeVolatilities`:
 * `volatilities(expiry, strike, strikeEnd, logOffset, volatilityOffset)`, addresses of the expiry's
 * record and of its strikes; the other two columns lie at those offsets from the strikes.
 */
export function volatilitiesFunction(constants: ConstantTable): FunctionBuilder {
  const f = new FunctionBuilder(
    'volatilities',
    Array.from({ length: 5 }, () => TYPE.i32),
  )
  const math = new VectorMath(f, constants)
  const [expiry, at, end, logOffset, volatilityOffset] = parameters(f, 5)
  const word = (index: number): Local => math.keep(expiryWord(expiry, index))
  const forward = word(EXPIRY.forward)
  const a = word(EXPIRY.sviA)
  const b = word(EXPIRY.sviB)
  const rho = word(EXPIRY.sviRho)
  const centre = word(EXPIRY.sviM)
  const sigma = word(EXPIRY.sviSigma)
  const square = math.keep(multiply(sigma.get, sigma.get))
  const bound = word(EXPIRY.sviBound)
  const negative = math.keep(f64x2.negate(bound.get))
  const years = word(EXPIRY.sviYears)
  f.loop(at, end.get, 16, () => {
    const x = math.naturalLogarithm(divide(forward.get, v128.load(at.get)))
    f.emit(v128.store(i32.add(at.get, logOffset.get), x.get))
    const held = pmax(pmin(bound.get, f64x2.negate(x.get)), negative.get)
    const offset = math.keep(subtract(held, centre.get))
    const root = f64x2.sqrt(add(multiply(offset.get, offset.get), square.get))
    const total = add(a.get, multiply(b.get, add(multiply(rho.get, offset.get), root)))
    const bounded = pmin(math.number(20), pmax(total, math.number(0)))
    f.emit(
      v128.store(i32.add(at.get, volatilityOffset.get), f64x2.sqrt(divide(bounded, years.get))),
    )
  })
  return f
}

/**
 * Makes the kernel of `strikeRows` for two strikes at a time: `rows(expiry, strike, strikeEnd,
 * logOffset, volatilityOffset, row, scratch, smiles, columns)`: the address of the first strike's
 * risk arrays, of scratch, of the smile of each column as 48 × its index, and the number of columns.
 */
export function rowsFunction(constants: ConstantTable): FunctionBuilder {
  const f = new FunctionBuilder(
    'rows',
    Array.from({ length: 9 }, () => TYPE.i32),
  )
  const math = new VectorMath(f, constants)
  const [expiry, at, end, logOffset, volatilityOffset, row, scratch, smiles, columns] = parameters(
    f,
    9,
  )
  const scale = math.keep(expiryWord(expiry, EXPIRY.discountMicro))
  const smilesEnd = f.keep(
    TYPE.i32,
    i32.add(smiles.get, i32.multiply(columns.get, i32.constant(4))),
  )
  const smile = f.keep(TYPE.i32, i32.constant(0))
  const forwardAt = f.keep(TYPE.i32, i32.constant(0))
  const target = f.keep(TYPE.i32, i32.constant(0))
  f.loop(at, end.get, 16, () => {
    const strike = math.keep(v128.load(at.get))
    const x = math.keep(v128.load(i32.add(at.get, logOffset.get)))
    const volatility = math.keep(v128.load(i32.add(at.get, volatilityOffset.get)))
    storeDeviations(f, math, { expiry, x, volatility, scratch })
    forwardAt.set(i32.add(expiry.get, i32.constant(8 * EXPIRY.forwards)))
    target.set(row.get)
    smile.set(smiles.get)
    f.loop(smile, smilesEnd.get, 4, () => {
      const deviation = f.keep(TYPE.i32, i32.add(scratch.get, i32.load(smile.get)))
      const forward = math.keep(v128.loadSplat(forwardAt.get))
      const ratio = v128.loadSplat(forwardAt.get, 8 * (EXPIRY.logRatios - EXPIRY.forwards))
      const logRatio = add(x.get, ratio)
      const otm = outOfTheMoney(math, { forward, strike, logRatio, deviation })
      const gain = pmax(subtract(forward.get, strike.get), math.number(0))
      const loss = pmax(subtract(strike.get, forward.get), math.number(0))
      const call = math.keep(micro(math, constants, multiply(add(otm.get, gain), scale.get)))
      const put = math.keep(micro(math, constants, multiply(add(otm.get, loss), scale.get)))
      f.emit(v128.storeLane(target.get, call.get, 0))
      f.emit(v128.storeLane(target.get, put.get, 0, ROW_BYTES))
      f.emit(v128.storeLane(target.get, call.get, 1, 2 * ROW_BYTES))
      f.emit(v128.storeLane(target.get, put.get, 1, 3 * ROW_BYTES))
      target.set(i32.add(target.get, i32.constant(8)))
      forwardAt.set(i32.add(forwardAt.get, i32.constant(8)))
    })
    row.set(i32.add(row.get, i32.constant(4 * ROW_BYTES)))
  })
  return f
}

function storeDeviations(
  f: FunctionBuilder,
  math: VectorMath,
  at: { expiry: Local; x: Local; volatility: Local; scratch: Local },
): void {
  const { expiry, x, volatility, scratch } = at
  const word = (index: number): Code => expiryWord(expiry, index)
  const rootYears = math.keep(word(EXPIRY.rootYears))
  const set = (smile: number, moved: Code): void => {
    const deviation = math.keep(pmax(multiply(moved, rootYears.get), math.number(DEVIATION_MIN)))
    const offset = 48 * smile
    f.emit(v128.store(scratch.get, divide(math.number(1), deviation.get), offset))
    f.emit(v128.store(scratch.get, multiply(math.number(0.5), deviation.get), offset + 16))
  }
  const raised = multiply(volatility.get, word(EXPIRY.upFactor))
  const tiltCap = math.keep(word(EXPIRY.tiltCap))
  const tilt = multiply(f64x2.negate(x.get), word(EXPIRY.tiltSlope))
  const capped = pmax(pmin(tiltCap.get, tilt), f64x2.negate(tiltCap.get))
  const tilted = add(math.number(1), capped)
  const lift = pmin(word(EXPIRY.liftCap), multiply(abs(x.get), word(EXPIRY.liftSlope)))
  const lifted = add(math.number(1), lift)
  set(SMILE.up, pmax(raised, word(EXPIRY.volatilityFloor)))
  set(SMILE.none, volatility.get)
  set(SMILE.down, multiply(volatility.get, word(EXPIRY.downFactor)))
  set(SMILE.tilted, multiply(volatility.get, pmax(tilted, math.number(0))))
  set(SMILE.lifted, multiply(volatility.get, pmax(lifted, math.number(0))))
}

function outOfTheMoney(
  math: VectorMath,
  at: { forward: Local; strike: Local; logRatio: Code; deviation: Local },
): Local {
  const { forward, strike, logRatio, deviation } = at
  const above = less(strike.get, forward.get)
  const low = math.choose(above, strike.get, forward.get)
  const half = math.keep(v128.load(deviation.get, 16))
  const distance = math.keep(multiply(abs(logRatio), v128.load(deviation.get)))
  const near = math.keep(subtract(half.get, distance.get))
  const far = add(half.get, distance.get)
  const square = multiply(near.get, near.get)
  const density = math.decay(multiply(math.number(-0.5), square))
  const nearSize = math.keep(pmin(math.number(DISTANCE_MAX), abs(near.get)))
  const farSize = math.keep(pmin(math.number(DISTANCE_MAX), far))
  const inner = math.keep(multiply(density.get, math.tailRatio(nearSize).get))
  const outer = math.keep(multiply(density.get, math.tailRatio(farSize).get))
  const positive = less(math.number(0), near.get)
  const chance = math.choose(positive, subtract(math.number(1), inner.get), inner.get)
  const gap = subtract(chance, outer.get)
  return math.keep(multiply(low, pmax(gap, math.number(0))))
}

/** Micro-dollars as 64-bit integers, rounded to nearest, ties to even. */
function micro(math: VectorMath, constants: ConstantTable, value: Code): Code {
  const rounded = add(value, math.number(ROUND_POSITIVE))
  return i64x2.subtract(rounded, constants.bits(ROUND_POSITIVE_BITS))
}

function parameters(
  f: FunctionBuilder,
  count: number,
): [Local, Local, Local, Local, Local, Local, Local, Local, Local] {
  return Array.from({ length: count }, (_, i) => f.parameter(i)) as ReturnType<typeof parameters>
}
