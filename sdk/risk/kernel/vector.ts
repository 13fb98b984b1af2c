import { type Code, type FunctionBuilder, type Local, TYPE } from './assembler.ts'
import {
  ARTANH_SERIES,
  EXPONENTIAL_SERIES,
  EXPONENT_MIN,
  LN2_HIGH,
  LN2_LOW,
  LOG2_E,
  ROUND_ANY,
  SQRT_2,
  TAIL_DENOMINATOR,
  TAIL_NUMERATOR,
} from './coefficients.ts'
import { f64x2, i32, i64x2, v128 } from './instructions.ts'

const BIAS = 1023
const MANTISSA = 0xfffffffffffffn
const ONE_BITS = 0x3ff0000000000000n
const TWO_52_BITS = 0x4330000000000000n
const TWO_52 = 4_503_599_627_370_496

/**
 * Constants of a module: each stands twice in memory, because engines load sixteen bytes faster than
 * they make them.
 */
export class ConstantTable {
  readonly #at: number
  readonly #words: bigint[] = []

  /** @param at - Address of the table, a multiple of 16. */
  constructor(at: number) {
    this.#at = at
  }

  /** Gives a double in both lanes. */
  number(value: number): Code {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, value, true)
    return this.bits(view.getBigInt64(0, true))
  }

  /** Gives a 64-bit pattern in both lanes. */
  bits(value: bigint): Code {
    const pattern = BigInt.asUintN(64, value)
    let index = this.#words.indexOf(pattern)
    if (index < 0) index = this.#words.push(pattern) - 1
    return v128.load(i32.constant(0), this.#at + 16 * index)
  }

  /** The table's content in the order of memory, two words for each constant. */
  words(): BigUint64Array {
    return BigUint64Array.from(this.#words.flatMap((word) => [word, word]))
  }
}

/** Makes code on two doubles side by side, equal to the functions of the scalar kernel bit for bit. */
export class VectorMath {
  readonly #f: FunctionBuilder
  readonly #constants: ConstantTable

  constructor(f: FunctionBuilder, constants: ConstantTable) {
    this.#f = f
    this.#constants = constants
  }

  /** Gives a double in both lanes. */
  number(value: number): Code {
    return this.#constants.number(value)
  }

  /** Keeps sixteen bytes in a local. */
  keep(value: Code): Local {
    return this.#f.keep(TYPE.v128, value)
  }

  /** First value in the lanes where the mask is set, else the second. */
  choose(mask: Code, whenSet: Code, whenClear: Code): Code {
    return v128.bitselect(whenSet, whenClear, mask)
  }

  /** Evaluates a polynomial, highest power first. */
  polynomial(coefficients: readonly number[], x: Local): Local {
    let sum = this.number(coefficients[0] as number)
    for (const coefficient of coefficients.slice(1)) {
      sum = f64x2.add(f64x2.multiply(sum, x.get), this.number(coefficient))
    }
    return this.keep(sum)
  }

  /** The code of `decay`. */
  decay(x: Code): Local {
    const { add, subtract, multiply } = f64x2
    const held = this.keep(f64x2.pmax(x, this.number(EXPONENT_MIN)))
    const rounded = this.keep(add(multiply(held.get, this.number(LOG2_E)), this.number(ROUND_ANY)))
    const k = this.keep(subtract(rounded.get, this.number(ROUND_ANY)))
    const high = subtract(held.get, multiply(k.get, this.number(LN2_HIGH)))
    const r = this.keep(subtract(high, multiply(k.get, this.number(LN2_LOW))))
    const p = this.polynomial(EXPONENTIAL_SERIES, r)
    const tail = add(r.get, multiply(multiply(r.get, r.get), p.get))
    // The low bits of `rounded` hold k: they become the exponent of 2^k.
    const bits = this.#constants.bits(BigInt(BIAS) << 52n)
    const scale = i64x2.add(i64x2.shiftLeft(rounded.get, 52), bits)
    return this.keep(multiply(add(this.number(1), tail), scale))
  }

  /** The code of `naturalLogarithm`. */
  naturalLogarithm(y: Code): Local {
    const { add, subtract, multiply, divide } = f64x2
    const value = this.keep(y)
    const bits = v128.or(i64x2.shiftRightUnsigned(value.get, 52), this.#constants.bits(TWO_52_BITS))
    const exponent = this.keep(subtract(bits, this.number(TWO_52 + BIAS)))
    const mantissa = v128.and(value.get, this.#constants.bits(MANTISSA))
    const fraction = this.keep(v128.or(mantissa, this.#constants.bits(ONE_BITS)))
    const large = this.keep(f64x2.less(this.number(SQRT_2), fraction.get))
    const half = multiply(fraction.get, this.number(0.5))
    const m = this.keep(this.choose(large.get, half, fraction.get))
    const one = v128.and(large.get, this.number(1))
    const e = this.keep(add(exponent.get, one))
    const s = this.keep(divide(subtract(m.get, this.number(1)), add(m.get, this.number(1))))
    const z = this.keep(multiply(s.get, s.get))
    const p = this.polynomial(ARTANH_SERIES, z)
    const twice = this.keep(add(s.get, s.get))
    const correction = add(
      multiply(twice.get, multiply(z.get, p.get)),
      multiply(e.get, this.number(LN2_LOW)),
    )
    return this.keep(add(multiply(e.get, this.number(LN2_HIGH)), add(twice.get, correction)))
  }

  /** The code of `tailRatio`. */
  tailRatio(x: Local): Local {
    const p = this.polynomial(TAIL_NUMERATOR, x)
    const q = this.polynomial(TAIL_DENOMINATOR, x)
    return this.keep(f64x2.divide(p.get, q.get))
  }
}
