import { toRlp } from 'viem/utils'
import { describe, expect, test } from 'vitest'
import { bytesToHex } from '../../../../sdk/protocol/bytes.ts'
import { keccak256 } from '../../../../sdk/protocol/keccak.ts'
import type { Hash, Hex } from '../../../../sdk/protocol/hex.ts'
import type { ExpectedOutcome } from '../../../../sequencer/core/entries/execution.ts'
import { orderedRoot, receiptsRootOf } from '../../../../sequencer/shell/drivers/receipts-root.ts'

/** The trie as the Yellow Paper's appendix D defines it: a map from nibbles, split again and again. */
function naiveRoot(values: readonly Uint8Array[]): Hash {
  type Node = Hex | readonly Node[]
  const encode = (node: Node): Hex => toRlp(node as Hex)
  const pack = (nibbles: string, leaf: boolean): Hex => {
    const flag = (leaf ? 2 : 0) + (nibbles.length % 2)
    return `0x${flag.toString(16)}${nibbles.length % 2 === 0 ? '0' : ''}${nibbles}`
  }
  const named = (node: Node): Node => (encode(node).length < 66 ? node : keccak256(encode(node)))
  const build = (map: ReadonlyMap<string, Hex>): Node => {
    const keys = [...map.keys()]
    const [first = ''] = keys
    if (map.size === 1) return [pack(first, true), map.get(first) as Hex]
    let shared = 0
    while (keys.every((key) => key[shared] === first[shared])) shared += 1
    const after = (length: number, begin = '') =>
      new Map(
        [...map].flatMap(([key, value]) =>
          key.startsWith(begin) ? [[key.slice(length), value] as const] : [],
        ),
      )
    if (shared > 0) return [pack(first.slice(0, shared), false), named(build(after(shared)))]
    const children = Array.from('0123456789abcdef', (nibble): Node => {
      const below = after(1, nibble)
      return below.size === 0 ? '0x' : named(build(below))
    })
    return [...children, '0x']
  }
  const key = (i: number) =>
    toRlp(i === 0 ? '0x' : `0x${i.toString(16).padStart(i < 256 ? 2 : 4, '0')}`).slice(2)
  return keccak256(
    encode(build(new Map(values.map((value, i) => [key(i), bytesToHex(value)] as const)))),
  )
}

describe('the root of a block’s receipts', () => {
  test.each([1, 2, 3, 17, 127, 128, 129, 300])('is the trie’s root over %s values', (count) => {
    const values = Array.from({ length: count }, (_, i) =>
      Uint8Array.from({ length: 1 + ((i * 37) % 90) }, (_byte, at) => (i + at) & 0xff),
    )
    expect(orderedRoot(values)).toBe(naiveRoot(values))
  })

  test('of no receipts is the empty trie’s', () => {
    expect(receiptsRootOf({ legs: [], expected: [] })).toBe(
      '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421',
    )
  })

  test('binds status, gas, logs and kind of every transaction', () => {
    const log = { address: `0x${'12'.repeat(20)}`, topics: [], data: '0x' } as const
    const outcome: ExpectedOutcome = { status: 1, gasUsed: 30_000n, logs: [log] }
    const leg = (kind: string) => ({ hash: `0x${'00'.repeat(32)}`, rawTx: `0x${kind}` }) as const
    const rootOf = (changed: Partial<ExpectedOutcome>, kind = '02') =>
      receiptsRootOf({
        legs: [leg('02'), leg(kind)],
        expected: [outcome, { ...outcome, ...changed }],
      })
    const roots = [
      rootOf({}),
      rootOf({ status: 0 }),
      rootOf({ gasUsed: 30_001n }),
      rootOf({ logs: [] }),
      rootOf({ logs: [{ ...log, data: '0x01' }] }),
      rootOf({ logs: [{ ...log, topics: [`0x${'34'.repeat(32)}`] }] }),
      rootOf({}, 'f8'),
    ]
    expect(new Set(roots).size).toBe(roots.length)
  })
})
