import { describe, expect } from 'vitest'
import { fc, test } from '@fast-check/vitest'
import { concatBytes } from '../../../sdk/protocol/bytes.ts'
import {
  decodePlain,
  encodePlain,
  PlainError,
  type Plain,
} from '../../../sequencer/core/snapshot/plain.ts'

const { plain } = fc.letrec<{ plain: Plain }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(undefined, true, false, '', '0x', '0xABCD', '0xzz', '0x0'),
    fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.bigInt(),
    fc.string({ unit: 'grapheme' }),
    fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((b) => `0x${Buffer.from(b).toString('hex')}`),
    fc.array(tie('plain')),
    fc.array(fc.tuple(fc.string(), tie('plain'))).map((items) => new Map(items)),
    fc.array(fc.integer({ min: 0 })).map((items) => new Set(items)),
    // Records have names that we give: a name that reaches the prototype is none.
    fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      tie('plain'),
      { noNullPrototype: true },
    ),
  ),
}))
const encoded = (value: Plain) => concatBytes([...encodePlain(value)])

describe('plain data', () => {
  test.prop([plain])('is the same after encoding and decoding', (value) => {
    expect(decodePlain(encoded(value))).toStrictEqual(value)
  })

  test.prop([plain, fc.nat()])('cut short is refused', (value, cut) => {
    const bytes = encoded(value)
    expect(() => decodePlain(bytes.subarray(0, cut % bytes.length))).toThrow(PlainError)
  })
})
