import type { EngineMargin } from '../../../../sdk/risk/engine/accounts.ts'
import { RESULT_WORDS } from './control.ts'

/** A margin with the round of marks that it rests on. */
export type RoundMargin = EngineMargin & { round: number }

/**
 * Margins of one worker's accounts, by their index: the worker writes, anybody reads, and a reader that
 * came in the middle of a writing reads again.
 */
export class MarginResults {
  readonly #words: Float64Array
  readonly #versions: Int32Array

  /** @param buffer - Of 8 × `RESULT_WORDS` bytes per account. */
  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Float64Array(buffer)
    this.#versions = new Int32Array(buffer)
  }

  /** Publishes an account's margin. */
  write(index: number, margin: EngineMargin, round: number): void {
    const at = index * RESULT_WORDS
    Atomics.add(this.#versions, 2 * at, 1)
    const words = this.#words
    words[at + 1] = margin.equityMicro
    words[at + 2] = margin.initialMicro
    words[at + 3] = margin.maintenanceMicro
    words[at + 4] = margin.worstLossMicro
    words[at + 5] = round
    Atomics.add(this.#versions, 2 * at, 1)
  }

  /** Gives an account's margin as last published; undefined before the first. */
  read(index: number): RoundMargin | undefined {
    const at = index * RESULT_WORDS
    const word = (i: number): number => this.#words[at + i] as number
    for (;;) {
      const before = Atomics.load(this.#versions, 2 * at)
      if (before === 0) return undefined
      if (before % 2 !== 0) continue
      const margin = {
        equityMicro: word(1),
        initialMicro: word(2),
        maintenanceMicro: word(3),
        worstLossMicro: word(4),
        round: word(5),
      }
      if (Atomics.load(this.#versions, 2 * at) === before) return margin
    }
  }
}
