/** Pairs of a 32-bit key and a 32-bit value, sorted by key and then by value. */
export type Table = {
  /** Values of a key, ascending. */
  find: (key: number) => number[]
}

/** Sorts pairs (key, value, key, value, …), both unsigned 32-bit, for {@link tableAt}. */
export function sortPairs(pairs: readonly number[]): Uint8Array {
  const words = new Uint32Array(pairs.length)
  // Little endian: the second word of a pair is the high half of a 64-bit number.
  for (let i = 0; i < pairs.length; i += 2) {
    words[i] = pairs[i + 1] as number
    words[i + 1] = pairs[i] as number
  }
  new BigUint64Array(words.buffer).sort()
  return new Uint8Array(words.buffer)
}

/** Reads `length` bytes from `offset` on. */
type ReadAt = (offset: number, length: number) => Uint8Array

const pairBytes = 8
/** Pairs that are read at once when a search has come close. */
const windowPairs = 512

/** Gives a table of `count` sorted pairs that stand somewhere from `offset` on. */
export function tableAt(read: ReadAt, offset: number, count: number): Table {
  const keyAt = (at: number) => wordsOf(read(offset + at * pairBytes, pairBytes))[1] as number
  return {
    find: (key) => {
      let low = 0
      let high = count
      while (high - low > windowPairs) {
        const middle = (low + high) >> 1
        if (keyAt(middle) < key) low = middle + 1
        else high = middle
      }
      // The first pair of the key is in the window from `low` on, or right behind it.
      const values: number[] = []
      for (let at = low; at < count; at += windowPairs) {
        const size = Math.min(windowPairs, count - at)
        const words = wordsOf(read(offset + at * pairBytes, size * pairBytes))
        for (let i = 0; i < words.length; i += 2) {
          const found = words[i + 1] as number
          if (found > key) return values
          if (found === key) values.push(words[i] as number)
        }
      }
      return values
    },
  }
}

/** Bytes as unsigned 32-bit numbers of this machine. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const copy = Uint8Array.from(bytes)
  return new Uint32Array(copy.buffer)
}
