import { assert } from '../../protocol/assert.ts'

/** Instructions as bytes; an expression leaves one value on the stack. */
export type Code = readonly number[]

/** A value that can be read and set again. */
export type Local = { get: Code; set: (value: Code) => void }

/** Types of values: 32-bit integer, 64-bit integer, double, two doubles or integers side by side. */
export const TYPE = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const

/** One of {@link TYPE}. */
export type ValueType = (typeof TYPE)[keyof typeof TYPE]

const END = 0x0b
const EMPTY_BLOCK = 0x40

/** A number as unsigned LEB128. */
export function unsigned(value: number): number[] {
  assert(Number.isInteger(value) && value >= 0, 'an index is a natural number')
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low + 128 : low)
  } while (rest > 0)
  return bytes
}

/** A number as signed LEB128. */
export function signed(value: bigint): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    const done = (rest === 0n && low < 64) || (rest === -1n && low >= 64)
    bytes.push(done ? low : low + 128)
    if (done) return bytes
  }
}

/** The eight bytes of a double, lowest first. */
export function doubleBytes(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value, true)
  return Array.from({ length: 8 }, (_, i) => view.getUint8(i))
}

/** Collects the body of one function. */
export class FunctionBuilder {
  readonly name: string
  readonly parameters: readonly ValueType[]
  readonly results: readonly ValueType[]
  readonly #locals: ValueType[] = []
  readonly #body: number[] = []

  constructor(name: string, parameters: readonly ValueType[], results: readonly ValueType[] = []) {
    this.name = name
    this.parameters = parameters
    this.results = results
  }

  /** Gives a parameter. */
  parameter(index: number): Local {
    assert(index < this.parameters.length, 'a parameter is declared')
    return this.#at(index)
  }

  /** Keeps a value in a local of its own. */
  keep(type: ValueType, value: Code): Local {
    const local = this.#at(this.parameters.length + this.#locals.length)
    this.#locals.push(type)
    local.set(value)
    return local
  }

  /** Appends instructions that leave nothing on the stack. */
  emit(...codes: readonly Code[]): void {
    for (const code of codes) this.#body.push(...code)
  }

  /** Repeats a body while a counter that grows by `step` bytes or items is below a bound. */
  loop(counter: Local, bound: Code, step: number, body: () => void): void {
    this.while([...counter.get, ...bound, 0x49], () => {
      body()
      counter.set([...counter.get, 0x41, ...signed(BigInt(step)), 0x6a])
    })
  }

  /** Repeats a body while a condition holds. */
  while(condition: Code, body: () => void): void {
    this.emit([0x02, EMPTY_BLOCK, ...condition, 0x45, 0x0d, 0x00, 0x03, EMPTY_BLOCK])
    body()
    this.emit([...condition, 0x0d, 0x00, END, END])
  }

  /** Runs a body if a condition holds. */
  if(condition: Code, body: () => void): void {
    this.emit([...condition, 0x04, EMPTY_BLOCK])
    body()
    this.emit([END])
  }

  /** Gives the function as the module's code section has it. */
  bytes(): number[] {
    const locals = this.#locals.flatMap((type) => [1, type])
    const body = [...unsigned(this.#locals.length), ...locals, ...this.#body, END]
    return [...unsigned(body.length), ...body]
  }

  #at(index: number): Local {
    const at = unsigned(index)
    return {
      get: [0x20, ...at],
      set: (value) => this.emit([...value, 0x21, ...at]),
    }
  }
}

/**
 * Assembles a WebAssembly module of functions over one imported memory, `env.memory`.
 *
 * @param memory - Pages of 64 KiB at least and at most; `shared` between threads or not.
 * @returns The module's bytes: the same for the same functions.
 */
export function assembleModule(
  functions: readonly FunctionBuilder[],
  memory: { pagesMin: number; pagesMax: number; shared: boolean },
): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, results }) => [
    0x60,
    ...vector(parameters.map((type) => [type])),
    ...vector(results.map((type) => [type])),
  ])
  const limits = [memory.shared ? 3 : 1, ...unsigned(memory.pagesMin), ...unsigned(memory.pagesMax)]
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, ...limits]])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(functions.map(({ name }, i) => [...text(name), 0x00, ...unsigned(i)]))),
    ...section(10, vector(functions.map((builder) => builder.bytes()))),
  ])
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function text(name: string): number[] {
  const codes = Array.from(name, (letter) => letter.charCodeAt(0))
  assert(
    codes.every((code) => code < 128),
    'a name is plain ASCII',
  )
  return [...unsigned(codes.length), ...codes]
}
