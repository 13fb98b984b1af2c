import { type Code, doubleBytes, signed, unsigned } from './assembler.ts'

/** An instruction of one operand. */
export type Unary = (a: Code) => Code
/** An instruction of two operands. */
export type Binary = (a: Code, b: Code) => Code

const plain =
  (opcode: number): Binary =>
  (a, b) => [...a, ...b, opcode]
const plainUnary =
  (opcode: number): Unary =>
  (a) => [...a, opcode]
const wide =
  (opcode: number): Binary =>
  (a, b) => [...a, ...b, 0xfd, ...unsigned(opcode)]
const wideUnary =
  (opcode: number): Unary =>
  (a) => [...a, 0xfd, ...unsigned(opcode)]

/** Calls a function of the same module by its index. */
export function call(index: number, ...operands: readonly Code[]): Code {
  return [...operands.flat(), 0x10, ...unsigned(index)]
}

/** 32-bit integers: addresses and counters. */
export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(BigInt(value))],
  add: plain(0x6a),
  subtract: plain(0x6b),
  multiply: plain(0x6c),
  lessUnsigned: plain(0x49),
  load: (at: Code, offset = 0): Code => [...at, 0x28, 2, ...unsigned(offset)],
  store: (at: Code, value: Code, offset = 0): Code => [
    ...at,
    ...value,
    0x36,
    2,
    ...unsigned(offset),
  ],
} as const

/** 64-bit integers: sums of lots × micro-dollars. */
export const i64 = {
  constant: (value: bigint): Code => [0x42, ...signed(value)],
  add: plain(0x7c),
  multiply: plain(0x7e),
  /** A double without its fraction. */
  truncate: plainUnary(0xb0),
  load: (at: Code, offset = 0): Code => [...at, 0x29, 3, ...unsigned(offset)],
  store: (at: Code, value: Code, offset = 0): Code => [
    ...at,
    ...value,
    0x37,
    3,
    ...unsigned(offset),
  ],
} as const

/** Doubles. */
export const f64 = {
  constant: (value: number): Code => [0x44, ...doubleBytes(value)],
  add: plain(0xa0),
  subtract: plain(0xa1),
  multiply: plain(0xa2),
  divide: plain(0xa3),
  min: plain(0xa4),
  max: plain(0xa5),
  abs: plainUnary(0x99),
  negate: plainUnary(0x9a),
  floor: plainUnary(0x9c),
  less: plain(0x63),
  fromSigned: plainUnary(0xb9),
  load: (at: Code, offset = 0): Code => [...at, 0x2b, 3, ...unsigned(offset)],
  store: (at: Code, value: Code, offset = 0): Code => [
    ...at,
    ...value,
    0x39,
    3,
    ...unsigned(offset),
  ],
  /** First value where the condition is not 0, else the second. */
  select: (whenTrue: Code, whenFalse: Code, condition: Code): Code => [
    ...whenTrue,
    ...whenFalse,
    ...condition,
    0x1b,
  ],
} as const

/** Two doubles side by side; `pmin` and `pmax` are `b < a ? b : a` and `a < b ? b : a`. */
export const f64x2 = {
  splat: wideUnary(0x14),
  /** The same double in both lanes. */
  constant: (value: number): Code => [0xfd, 12, ...doubleBytes(value), ...doubleBytes(value)],
  add: wide(0xf0),
  subtract: wide(0xf1),
  multiply: wide(0xf2),
  divide: wide(0xf3),
  pmin: wide(0xf6),
  pmax: wide(0xf7),
  sqrt: wideUnary(0xef),
  abs: wideUnary(0xec),
  negate: wideUnary(0xed),
  floor: wideUnary(0x75),
  less: wide(0x49),
  extract: (a: Code, lane: number): Code => [...a, 0xfd, 0x21, lane],
} as const

/** Two 64-bit integers side by side. */
export const i64x2 = {
  constant: (value: bigint): Code => [0xfd, 12, ...lanes(value), ...lanes(value)],
  add: wide(0xce),
  subtract: wide(0xd1),
  shiftLeft: (a: Code, bits: number): Code => [
    ...a,
    0x41,
    ...signed(BigInt(bits)),
    0xfd,
    ...unsigned(0xcb),
  ],
  shiftRightUnsigned: (a: Code, bits: number): Code => [
    ...a,
    0x41,
    ...signed(BigInt(bits)),
    0xfd,
    ...unsigned(0xcd),
  ],
} as const

/** Sixteen bytes. */
export const v128 = {
  load: (at: Code, offset = 0): Code => [...at, 0xfd, 0, 3, ...unsigned(offset)],
  /** Loads eight bytes into both lanes. */
  loadSplat: (at: Code, offset = 0): Code => [...at, 0xfd, 0x0a, 3, ...unsigned(offset)],
  store: (at: Code, value: Code, offset = 0): Code => [
    ...at,
    ...value,
    0xfd,
    0x0b,
    3,
    ...unsigned(offset),
  ],
  /** Stores one lane of eight bytes. */
  storeLane: (at: Code, value: Code, lane: number, offset = 0): Code => [
    ...at,
    ...value,
    0xfd,
    0x5b,
    3,
    ...unsigned(offset),
    lane,
  ],
  and: wide(0x4e),
  or: wide(0x50),
  xor: wide(0x51),
  /** Bits of the first where the mask is set, of the second elsewhere. */
  bitselect: (whenSet: Code, whenClear: Code, mask: Code): Code => [
    ...whenSet,
    ...whenClear,
    ...mask,
    0xfd,
    0x52,
  ],
} as const

function lanes(value: bigint): number[] {
  return Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
}
