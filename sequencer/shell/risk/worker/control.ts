/** Most risk workers. */
export const WORKERS_MAX = 64

/** Words of the control block that the sequencer and its risk workers share, 4 bytes each. */
export const CONTROL = {
  /** Rises with everything that a worker should look at; workers wait on it. */
  signal: 0,
  /** Rises with every mark that was written to the board. */
  marks: 1,
  /** Number of the round that was announced last. */
  round: 2,
  /** Workers that have done their share of that round. */
  arrived: 3,
  /** Number of the round whose risk arrays can be read. */
  published: 4,
  /** Copy of the grid that holds them; −1 before the first. */
  copy: 5,
  /** Copy that the announced round writes. */
  target: 6,
  /** Copy that the sequencer's own decisions rest on; −1 before the first. */
  held: 7,
  /** `marks` at the time of the announced round's snapshot. */
  taken: 8,
  /** 1 while a worker prepares a round. */
  preparing: 9,
  /** 1 when the workers shall end. */
  stop: 10,
  /** 1 + index of the worker that failed, 0 while none has. */
  failed: 11,
  /** Round whose marks were unusable: the copy before it stays published. */
  refused: 12,
  /** One per worker: the round in which all its accounts were margined. */
  settled: 16,
  /** One per worker: messages that it has acted on. */
  handled: 16 + WORKERS_MAX,
  words: 16 + 2 * WORKERS_MAX,
} as const

/** Copies of the grid: one published, one held by decisions, one being written. */
export const COPIES = 3

/** Rounds whose time is remembered, so that a reader knows how old a margin is. */
export const STAMPS = 4_096

/** Doubles of a published margin: version, equity, initial, maintenance, worst loss, round. */
export const RESULT_WORDS = 6

/** Everything that a worker is started with. */
export type SharedBlocks = {
  control: SharedArrayBuffer
  /** Per round modulo {@link STAMPS}: when its newest mark was written, milliseconds since 1970. */
  stamps: SharedArrayBuffer
  /** Marks as the sequencer writes them, and as the announced round took them. */
  board: SharedArrayBuffer
  snapshot: SharedArrayBuffer
  /** One per worker: its accounts' margins. */
  results: readonly SharedArrayBuffer[]
}

/** Milliseconds since 1970 with their fraction, the same clock on every thread. */
export function preciseNowMs(): number {
  return performance.timeOrigin + performance.now()
}
