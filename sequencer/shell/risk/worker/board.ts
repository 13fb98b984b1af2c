import { assert } from '../../../../sdk/protocol/assert.ts'
import { LIMITS } from '../../../../sdk/protocol/limits.ts'
import type { RiskMarket, UnderlyingMarket } from '../../../../sdk/risk/portfolio.ts'

/** Doubles of one expiry's marks. */
const EXPIRY_WORDS = 16
/** Doubles before an underlying's expiries. */
const HEAD_WORDS = 8
/** Doubles of one underlying's marks; the first is the version of the place. */
const PLACE_WORDS = HEAD_WORDS + LIMITS.feedExpiries * EXPIRY_WORDS
const ASSET_WORDS = 3
/** Assets beside which a market is told. */
const ASSETS_MAX = 64
const COMMON_WORDS = 4 + ASSETS_MAX * ASSET_WORDS

/** Bytes of a board for so many underlyings. */
export function boardBytes(underlyings: number): number {
  return 8 * (COMMON_WORDS + underlyings * PLACE_WORDS)
}

/**
 * The latest marks of each underlying: whoever writes replaces what was there, so marks that nobody
 * read in time are conflated. One thread writes, any number read, none waits for long.
 */
export class MarkBoard {
  readonly #words: Float64Array
  readonly #versions: Int32Array
  readonly #places: number

  /** @param buffer - Of {@link boardBytes} bytes. */
  constructor(buffer: SharedArrayBuffer, underlyings: number) {
    assert(buffer.byteLength === boardBytes(underlyings), 'a board has room for its underlyings')
    this.#words = new Float64Array(buffer)
    this.#versions = new Int32Array(buffer)
    this.#places = underlyings
  }

  /** Writes the numéraire's price and the assets' marks. */
  writeCommon({ stableUsd, collaterals }: RiskMarket, nowMs: number): void {
    assert(collaterals.length <= ASSETS_MAX, `at most ${ASSETS_MAX} assets are marked`)
    this.#write(0, () => {
      const words = this.#words
      words[1] = nowMs
      words[2] = stableUsd
      words[3] = collaterals.length
      for (const [i, { asset, priceUsd, confidence }] of collaterals.entries()) {
        words.set([asset, priceUsd, confidence], 4 + i * ASSET_WORDS)
      }
    })
  }

  /** Writes the marks of the underlying at a place. */
  writeUnderlying(place: number, marks: UnderlyingMarket, nowMs: number): void {
    assert(marks.expiries.length <= LIMITS.feedExpiries, 'a feed has a limited number of expiries')
    const at = COMMON_WORDS + place * PLACE_WORDS
    this.#write(at, () => {
      const { underlying, spotUsd, spotConfidence, perpetual, expiries } = marks
      this.#words.set(
        [
          nowMs,
          underlying,
          spotUsd,
          spotConfidence,
          perpetual?.priceUsd ?? NaN,
          perpetual?.confidence ?? NaN,
          expiries.length,
        ],
        at + 1,
      )
      for (const [i, expiry] of expiries.entries()) {
        const { surface } = expiry
        this.#words.set(
          [
            expiry.expiryS,
            expiry.secondsToExpiry,
            expiry.forwardUsd,
            expiry.averageSoFarUsd ?? NaN,
            expiry.settlementUsd ?? NaN,
            expiry.ratePerYear,
            expiry.forwardConfidence,
            expiry.rateConfidence,
            expiry.volatilityConfidence,
            surface?.a ?? NaN,
            surface?.b ?? NaN,
            surface?.rho ?? NaN,
            surface?.m ?? NaN,
            surface?.s ?? NaN,
            surface?.years ?? NaN,
          ],
          at + HEAD_WORDS + i * EXPIRY_WORDS,
        )
      }
    })
  }

  /** Copies the board into another, every place as it was between two writings. */
  copyTo(target: SharedArrayBuffer): void {
    const words = new Float64Array(target)
    this.#copyPlace(words, 0, COMMON_WORDS)
    for (let place = 0; place < this.#places; place++) {
      const at = COMMON_WORDS + place * PLACE_WORDS
      this.#copyPlace(words, at, at + PLACE_WORDS)
    }
  }

  /** Gives what the board says, and when its newest mark was written, milliseconds since 1970. */
  read(): { market: RiskMarket; newestMs: number } {
    const words = this.#words
    const number = (at: number): number => words[at] as number
    const assets = number(3)
    let newestMs = number(1)
    const underlyings: UnderlyingMarket[] = []
    for (let place = 0; place < this.#places; place++) {
      const at = COMMON_WORDS + place * PLACE_WORDS
      const underlying = number(at + 2)
      if (underlying === 0) continue
      newestMs = Math.max(newestMs, number(at + 1))
      underlyings.push(readUnderlying(words, at))
    }
    const collaterals = Array.from({ length: assets }, (_, i) => {
      const at = 4 + i * ASSET_WORDS
      return { asset: number(at), priceUsd: number(at + 1), confidence: number(at + 2) }
    })
    return { market: { stableUsd: number(2), underlyings, collaterals }, newestMs }
  }

  #write(at: number, write: () => void): void {
    Atomics.add(this.#versions, 2 * at, 1)
    write()
    Atomics.add(this.#versions, 2 * at, 1)
  }

  #copyPlace(target: Float64Array, from: number, to: number): void {
    for (;;) {
      const before = Atomics.load(this.#versions, 2 * from)
      if (before % 2 === 0) {
        target.set(this.#words.subarray(from + 1, to), from + 1)
        if (Atomics.load(this.#versions, 2 * from) === before) return
      }
    }
  }
}

function readUnderlying(words: Float64Array, at: number): UnderlyingMarket {
  const number = (word: number): number => words[at + word] as number
  const perpetual = Number.isNaN(number(5))
    ? undefined
    : { priceUsd: number(5), confidence: number(6) }
  return {
    underlying: number(2),
    spotUsd: number(3),
    spotConfidence: number(4),
    perpetual,
    expiries: Array.from({ length: number(7) }, (_, i) => {
      const first = HEAD_WORDS + i * EXPIRY_WORDS
      const value = (word: number): number => number(first + word)
      const optional = (word: number): number | undefined =>
        Number.isNaN(value(word)) ? undefined : value(word)
      const a = optional(9)
      return {
        expiryS: value(0),
        secondsToExpiry: value(1),
        forwardUsd: value(2),
        averageSoFarUsd: optional(3),
        settlementUsd: optional(4),
        ratePerYear: value(5),
        forwardConfidence: value(6),
        rateConfidence: value(7),
        volatilityConfidence: value(8),
        surface:
          a === undefined
            ? undefined
            : { a, b: value(10), rho: value(11), m: value(12), s: value(13), years: value(14) },
      }
    }),
  }
}
