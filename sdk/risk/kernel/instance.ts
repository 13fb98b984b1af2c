import { assert } from '../../protocol/assert.ts'
import { assembleModule, type Code } from './assembler.ts'
import { call } from './instructions.ts'
import {
  accountFunction,
  addFunction,
  bookFunction,
  fillFunction,
  loseFunction,
  type MarginCalls,
  markFunction,
  sumFunction,
} from './margin-kernel.ts'
import { greeksFunction } from './vector-greeks.ts'
import { rowsFunction, volatilitiesFunction } from './vector-rows.ts'
import { impliedFunction } from './vector-volatility.ts'
import { ConstantTable } from './vector.ts'

/** Bytes of a page of WebAssembly memory. */
export const PAGE_BYTES = 65_536

/** First address that the kernels leave to their caller. */
export const FREE_ADDRESS = 4_096

const CONSTANTS_ADDRESS = 64

/** The first functions of the module, by their index. */
const MARGIN_CALLS: MarginCalls = {
  sum: (...operands: Code[]) => call(0, ...operands),
  add: (...operands: Code[]) => call(1, ...operands),
  lose: (...operands: Code[]) => call(2, ...operands),
  book: (...operands: Code[]) => call(3, ...operands),
  account: (...operands: Code[]) => call(4, ...operands),
}

/** Memory that kernels work on. */
export type KernelMemory = {
  readonly buffer: ArrayBuffer
}

/** A kernel: takes addresses and counts. */
export type KernelFunction = (...operands: number[]) => void

/** The kernels over one memory. */
export type Kernels = {
  /** See `greeksFunction`. */
  greeks: KernelFunction
  /** See `impliedFunction`. */
  implied: KernelFunction
  /** See `volatilitiesFunction`. */
  volatilities: KernelFunction
  /** See `rowsFunction`. */
  rows: KernelFunction
  /** See `markFunction`. */
  mark: KernelFunction
  /** See `fillFunction`. */
  fill: KernelFunction
}

/** What this module needs of WebAssembly; every engine has it. */
type WebAssemblyApi = {
  Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => KernelMemory
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  Instance: new (module: object, imports: { env: { memory: KernelMemory } }) => { exports: Kernels }
}

declare const WebAssembly: WebAssemblyApi

/**
 * Makes memory for kernels.
 *
 * @param pages - Pages of 64 KiB, 1 to 65,536.
 * @param shared - True for memory that several threads work on.
 */
export function makeKernelMemory(pages: number, shared: boolean): KernelMemory {
  assert(pages >= 1 && pages <= 65_536, 'memory has 1 to 65,536 pages')
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared })
}

/** Gives the kernels' module and its table of constants: the same bytes every time. */
export function kernelModule(options: { pages: number; shared: boolean }): {
  bytes: Uint8Array<ArrayBuffer>
  constants: BigUint64Array
} {
  const constants = new ConstantTable(CONSTANTS_ADDRESS)
  const functions = [
    sumFunction(),
    addFunction(),
    loseFunction(constants),
    bookFunction(constants),
    accountFunction(),
    markFunction(MARGIN_CALLS),
    fillFunction(MARGIN_CALLS),
    greeksFunction(constants),
    impliedFunction(constants),
    volatilitiesFunction(constants),
    rowsFunction(constants),
  ]
  const words = constants.words()
  assert(
    CONSTANTS_ADDRESS + words.byteLength <= FREE_ADDRESS,
    'constants end before the free memory',
  )
  const { pages, shared } = options
  const bytes = assembleModule(functions, { pagesMin: pages, pagesMax: pages, shared })
  return { bytes, constants: words }
}

/**
 * Opens the kernels over a memory; its first {@link FREE_ADDRESS} bytes are theirs.
 *
 * @param pages - Pages that the memory was made with.
 */
export function openKernels(
  memory: KernelMemory,
  options: { pages: number; shared: boolean },
): Kernels {
  const { bytes, constants } = kernelModule(options)
  new BigUint64Array(memory.buffer, CONSTANTS_ADDRESS, constants.length).set(constants)
  const module = new WebAssembly.Module(bytes)
  return new WebAssembly.Instance(module, { env: { memory } }).exports
}
