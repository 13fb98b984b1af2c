import { assert } from '../../protocol/assert.ts'
import { BaseError } from '../../protocol/errors.ts'

/** Smallest piece, in bytes; every piece is this times a power of two. */
const PIECE_MIN = 256

/** Hands out pieces of a region of memory and takes them back. */
export class Arena {
  readonly #end: number
  #next: number
  readonly #free = new Map<number, number[]>()

  /**
   * @param start - First address, a multiple of 16.
   * @param end - Address behind the last.
   */
  constructor(start: number, end: number) {
    assert(start % 16 === 0 && start <= end, 'an arena starts at a multiple of 16')
    this.#next = start
    this.#end = end
  }

  /**
   * Gives the address of a piece of at least so many bytes.
   *
   * @throws {@link EngineFullError} when the region is used up.
   */
  allocate(bytes: number): number {
    const size = pieceBytes(bytes)
    const reused = this.#free.get(size)?.pop()
    if (reused !== undefined) return reused
    const address = this.#next
    if (address + size > this.#end) throw new EngineFullError('accounts', this.#end - address, size)
    this.#next += size
    return address
  }

  /** Takes back a piece that {@link allocate} gave for so many bytes. */
  free(address: number, bytes: number): void {
    const size = pieceBytes(bytes)
    const list = this.#free.get(size)
    if (list === undefined) this.#free.set(size, [address])
    else list.push(address)
  }
}

/** Bytes of the piece that holds so many. */
export function pieceBytes(bytes: number): number {
  let size = PIECE_MIN
  while (size < bytes) size *= 2
  return size
}

/** A risk engine has no room for one more of something. */
export class EngineFullError extends BaseError {
  override readonly name = 'EngineFullError'

  constructor(what: string, available: number, needed: number) {
    super(`The risk engine has no room for more ${what}.`, {
      code: 'RISK_ENGINE_FULL',
      retryable: false,
      metaMessages: [`available ${available}, needed ${needed}`],
    })
  }
}
