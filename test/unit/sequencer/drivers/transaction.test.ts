import fc from 'fast-check'
import { concat, parseTransaction, recoverTransactionAddress, toHex, toRlp, fromRlp } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { TandemError } from '../../../../sdk/protocol/errors.ts'
import type { Hex } from '../../../../sdk/protocol/hex.ts'
import { decodeTransaction } from '../../../../sequencer/shell/drivers/transaction.ts'
import { baseFeePerGas, chainId, gasLimit } from '../../../fixtures/rollup/driver.ts'

const rules = { chainId, baseFeePerGas, gasMax: gasLimit }
const account = privateKeyToAccount(`0x${'07'.repeat(32)}`)
const to = `0x${'ab'.repeat(20)}` as const
const base = {
  type: 'eip1559',
  chainId,
  nonce: 3,
  to,
  gas: 100_000n,
  maxFeePerGas: 2n * baseFeePerGas,
  maxPriorityFeePerGas: 1n,
} as const

function errorOf(rawTx: string): { name: string; values: Record<string, unknown> } {
  try {
    decodeTransaction(rawTx, rules, 4)
  } catch (error) {
    if (error instanceof TandemError) return { name: error.errorName, values: error.values }
    throw error
  }
  return { name: 'none', values: {} }
}

/** The sender, or the name of the error. */
function senderOrError(rawTx: Hex): string {
  const { name } = errorOf(rawTx)
  return name === 'none' ? decodeTransaction(rawTx, rules).from : name
}

const hexBytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => toHex(bytes))
const accessList = fc.array(
  fc.record({
    address: hexBytes(20),
    storageKeys: fc.array(hexBytes(32), { maxLength: 3 }),
  }),
  { maxLength: 3 },
)
const common = fc.record({
  nonce: fc.oneof(fc.nat(300), fc.maxSafeNat()),
  to: hexBytes(20),
  value: fc.bigInt(0n, (1n << 256n) - 1n),
  data: fc.uint8Array({ maxLength: 300 }).map((bytes) => toHex(bytes)),
  gas: fc.bigInt(100_000n, gasLimit),
})
const price = fc.bigInt(baseFeePerGas, 1n << 200n)
const signable = fc.oneof(
  fc.tuple(common, price).map(([c, gasPrice]) => ({ ...c, type: 'legacy' as const, gasPrice })),
  fc
    .tuple(common, price, accessList)
    .map(([c, gasPrice, list]) => ({ ...c, type: 'eip2930' as const, gasPrice, accessList: list })),
  fc.tuple(common, price, accessList).map(([c, maxFeePerGas, list]) => ({
    ...c,
    type: 'eip1559' as const,
    maxFeePerGas,
    maxPriorityFeePerGas: maxFeePerGas / 3n,
    accessList: list,
  })),
)

describe('a signed transaction', () => {
  test('decodes as an independent decoder does, sender included', async () => {
    await fc.assert(
      fc.asyncProperty(signable, async (fields) => {
        const rawTx = await account.signTransaction({ ...fields, chainId })
        const leg = decodeTransaction(rawTx, rules)
        const other = parseTransaction(rawTx)
        expect(leg.from).toBe(account.address.toLowerCase())
        expect(leg.from).toBe(
          (
            await recoverTransactionAddress({ serializedTransaction: rawTx as never })
          ).toLowerCase(),
        )
        expect(leg).toMatchObject({
          nonce: other.nonce ?? 0,
          to: other.to?.toLowerCase(),
          value: other.value ?? 0n,
          input: other.data ?? '0x',
          gas: other.gas,
          rawTx,
        })
        expect(leg.accessList).toEqual(other.accessList ?? [])
        expect(leg.fee.type).toBe(fields.type)
      }),
      { numRuns: 60 },
    )
  })

  test('any change of its bytes is another sender, another transaction or a named error', async () => {
    const rawTx = await account.signTransaction({ ...base, data: '0x1234' })
    const original = decodeTransaction(rawTx, rules)
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: (rawTx.length - 2) / 2 - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const bytes = Buffer.from(rawTx.slice(2), 'hex')
          bytes[at] = (bytes[at] as number) ^ change
          const outcome = senderOrError(`0x${bytes.toString('hex')}`)
          expect(outcome).not.toBe(original.from)
          expect(outcome).not.toBe('none')
        },
      ),
      { numRuns: 400 },
    )
  })

  test('random bytes are a named error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(errorOf(toHex(bytes)).name).not.toBe('none')
      }),
      { numRuns: 500 },
    )
  })
})

describe('a transaction that a rollup does not take', () => {
  const signed = (change: Record<string, unknown>) =>
    account.signTransaction({ ...base, ...change } as Parameters<typeof account.signTransaction>[0])

  test.each([
    ['another chain', { chainId: 1 }, 'WRONG_CHAIN', { signed: '1', chainId: 902 }],
    ['a fee below the base fee', { maxFeePerGas: 5n }, 'FEE_TOO_LOW', { maxFeePerGas: '5' }],
    [
      'too little gas for its bytes',
      { gas: 21_000n, data: '0x01' },
      'GAS_LIMIT',
      { minimum: '21016' },
    ],
    ['more gas than a block', { gas: gasLimit + 1n }, 'GAS_LIMIT', { maximum: '1000000000' }],
    [
      'too little gas for its init code',
      { to: null, data: '0x00', gas: 53_005n },
      'GAS_LIMIT',
      { minimum: '53006' },
    ],
    [
      'more init code than EIP-3860 allows',
      { to: null, data: `0x${'01'.repeat(49_153)}`, gas: 30_000_000n },
      'INVALID_TRANSACTION',
      { reason: expect.stringContaining('49153') },
    ],
  ])('%s', async (_what, change, name, values) => {
    expect(errorOf(await signed(change))).toMatchObject({ name, values })
  })

  test('one that is bound to no chain', async () => {
    const rawTx = await account.signTransaction({
      type: 'legacy',
      nonce: 0,
      to,
      gas: 21_000n,
      gasPrice: baseFeePerGas,
    })
    expect(errorOf(rawTx).name).toBe('INVALID_TRANSACTION')
  })

  test('a priority fee above the top fee', async () => {
    const rawTx = await signed({})
    const fields = fromRlp(`0x${rawTx.slice(4)}`) as Hex[]
    fields[2] = toHex(10n ** 18n)
    expect(errorOf(concat(['0x02', toRlp(fields)])).values).toMatchObject({
      reason: expect.stringContaining('priority'),
    })
  })

  test('the mirrored signature of a valid one (EIP-2)', async () => {
    const fields = fromRlp(`0x${(await signed({})).slice(4)}`) as Hex[]
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    fields[11] = toHex(order - BigInt(fields[11] as Hex))
    fields[9] = fields[9] === '0x' ? '0x01' : '0x'
    expect(errorOf(concat(['0x02', toRlp(fields)])).values).toMatchObject({
      reason: expect.stringContaining('EIP-2'),
    })
  })

  test.each([
    ['a blob transaction', '0x03c0', 'UNSUPPORTED'],
    ['a set-code transaction', '0x04c0', 'UNSUPPORTED'],
    ['an unknown type', '0x05c0', 'INVALID_TRANSACTION'],
    ['nothing', '0x', 'INVALID_TRANSACTION'],
    ['half a byte', '0x0', 'INVALID_TRANSACTION'],
    ['no hexadecimal', '0xzz', 'INVALID_TRANSACTION'],
    ['bytes behind it', '0x02c000', 'INVALID_TRANSACTION'],
    ['a length that is not the shortest', '0x02f80101', 'INVALID_TRANSACTION'],
    ['lists in lists without end', `0x02${'c1'.repeat(50)}c0`, 'INVALID_TRANSACTION'],
  ])('%s', (_what, rawTx, name) => {
    expect(errorOf(rawTx)).toMatchObject({ name })
  })

  test('leading zeros in a number', async () => {
    const fields = fromRlp(`0x${(await signed({})).slice(4)}`) as Hex[]
    fields[1] = '0x0003'
    expect(errorOf(concat(['0x02', toRlp(fields)])).values).toMatchObject({
      reason: expect.stringContaining('leading zero'),
    })
  })
})
