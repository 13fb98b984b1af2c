/** Bytes of a state of Keccak-f[1600]: 25 lanes of 64 bits, at the start of the module's memory. */
export const STATE_BYTES = 200
/** Where the module keeps its round constants. */
const CONSTANTS_AT = 256
/** Where blocks to absorb are written. */
export const INPUT_AT = 512
/** Bytes that one block of Keccak-256 takes in. */
export const BLOCK_BYTES = 136

const rounds = 24
const lanes = 25
const pageBytes = 65_536
/** Bytes of whole blocks that fit behind {@link INPUT_AT}. */
export const INPUT_BYTES = Math.floor((pageBytes - INPUT_AT) / BLOCK_BYTES) * BLOCK_BYTES

// WebAssembly core specification 1.0, section 5: binary format.
const op = {
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load64: 0x29,
  store64: 0x37,
  const32: 0x41,
  const64: 0x42,
  ne32: 0x47,
  add32: 0x6a,
  sub32: 0x6b,
  and: 0x83,
  xor: 0x85,
  rotl: 0x89,
} as const
const type = { i32: 0x7f, i64: 0x7e, void: 0x40, function: 0x60 } as const

// Locals of the one function: where the next block is, how many are left, the round's constant.
const [input, left, constant] = [0, 1, 2]
const firstLane = 3
const lane = (i: number) => firstLane + i
const moved = (i: number) => lane(lanes + i)
const column = (x: number) => moved(lanes + x)
const mask = (x: number) => column(5 + x)

/** What this module needs of WebAssembly: every engine has it, not every configuration has its types. */
type WebAssemblyApi = {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  Instance: new (module: object) => { exports: object }
}

declare const WebAssembly: WebAssemblyApi

/** Keccak-f[1600] as WebAssembly: `absorb(at, blocks)` over the state in its memory `memory`. */
export type KeccakModule = {
  memory: { buffer: ArrayBuffer }
  absorb: (at: number, blocks: number) => void
}

/** Makes the module; compiles a few kilobytes, at once. Source of the algorithm: FIPS 202. */
export function createKeccakModule(): KeccakModule {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()))
  const module = instance.exports as unknown as KeccakModule
  new BigUint64Array(module.memory.buffer, CONSTANTS_AT, rounds).set(roundConstants())
  return module
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const exported = (name: string, kind: number) => [...text(name), kind, 0]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, type.function, 2, type.i32, type.i32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...exported('memory', 2), ...exported('absorb', 0)]),
    ...section(10, [1, ...sized(body())]),
  ])
}

function body(): number[] {
  const words = lanes * 2 + 10
  return [
    ...[2, 1, type.i32, words, type.i64],
    ...each(lanes, (i) => [...at(0), op.load64, 3, ...unsigned(i * 8), ...set(lane(i))]),
    ...[op.loop, type.void],
    ...each(BLOCK_BYTES / 8, (i) => [
      ...get(lane(i)),
      ...[...get(input), op.load64, 3, ...unsigned(i * 8), op.xor, ...set(lane(i))],
    ]),
    ...[...at(CONSTANTS_AT), ...set(constant)],
    ...[op.loop, type.void, ...round(), op.brIf, 0, op.end],
    ...[...get(input), ...at(BLOCK_BYTES), op.add32, ...set(input)],
    ...[...get(left), ...at(1), op.sub32, op.tee, left, op.brIf, 0, op.end],
    ...each(lanes, (i) => [...at(0), ...get(lane(i)), op.store64, 3, ...unsigned(i * 8)]),
    op.end,
  ]
}

/** One round; leaves on the stack whether another one follows. */
function round(): number[] {
  const turned = rotations()
  return [
    // θ
    ...each(5, (x) => [
      ...get(lane(x)),
      ...each(4, (y) => [...get(lane(x + 5 * (y + 1))), op.xor]),
      ...set(column(x)),
    ]),
    ...each(5, (x) => [
      ...get(column((x + 4) % 5)),
      ...[...get(column((x + 1) % 5)), op.const64, 1, op.rotl],
      ...[op.xor, ...set(mask(x))],
    ]),
    // ρ and π
    ...each(lanes, (i) => {
      const [x, y] = [i % 5, Math.floor(i / 5)]
      const to = y + 5 * ((2 * x + 3 * y) % 5)
      const turn = [op.const64, ...signed(turned[i]!), op.rotl]
      return [...get(lane(i)), ...get(mask(x)), op.xor, ...turn, ...set(moved(to))]
    }),
    // χ
    ...each(lanes, (i) => {
      const row = i - (i % 5)
      const not = [...get(moved(row + ((i + 1) % 5))), op.const64, 0x7f, op.xor]
      const masked = [...not, ...get(moved(row + ((i + 2) % 5))), op.and]
      return [...get(moved(i)), ...masked, op.xor, ...set(lane(i))]
    }),
    // ι
    ...[...get(lane(0)), ...get(constant), op.load64, 3, 0, op.xor, ...set(lane(0))],
    ...[...get(constant), ...at(8), op.add32, op.tee, constant],
    ...[...at(CONSTANTS_AT + 8 * rounds), op.ne32],
  ]
}

/** FIPS 202, 3.2.2: offsets of ρ by lane. */
function rotations(): readonly number[] {
  const offsets = Array<number>(lanes).fill(0)
  let [x, y] = [1, 0]
  for (let t = 0; t < 24; t++) {
    offsets[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
  }
  return offsets
}

/** FIPS 202, 3.2.5: constants of ι from its shift register. */
function roundConstants(): readonly bigint[] {
  let register = 1
  return Array.from({ length: rounds }, () => {
    let value = 0n
    for (let j = 0; j < 7; j++) {
      if ((register & 1) === 1) value |= 1n << BigInt(2 ** j - 1)
      register = (register << 1) ^ ((register >> 7) * 0x171)
    }
    return value
  })
}

const get = (local: number) => [op.get, local]
const set = (local: number) => [op.set, local]
const at = (address: number) => [op.const32, ...signed(address)]
const sized = (bytes: readonly number[]) => [...unsigned(bytes.length), ...bytes]
const section = (id: number, bytes: readonly number[]) => [id, ...sized(bytes)]
const text = (name: string) => sized(Array.from(name, (letter) => letter.charCodeAt(0)))

function each(count: number, part: (i: number) => readonly number[]): number[] {
  return Array.from({ length: count }, (_, i) => part(i)).flat()
}

/** LEB128 of a natural number. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >> 7)]
}

/** Signed LEB128 of a natural number. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
