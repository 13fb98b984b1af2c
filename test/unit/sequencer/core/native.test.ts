import { encodeAbiParameters, encodeEventTopics, type Abi, type AbiEvent } from 'viem'
import { describe, expect, test } from 'vitest'
import { creditBookAbi } from '../../../../sdk/abi/credit-book.ts'
import { ledgerAbi } from '../../../../sdk/abi/ledger.ts'
import type { Address, Hash } from '../../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../../sdk/protocol/ids.ts'
import { nativeValues, type NativeId } from '../../../../sdk/protocol/native.ts'
import { sparseRoot, type SparseTree } from '../../../../sdk/protocol/sparse-merkle.ts'
import type { LegLog } from '../../../../sequencer/core/entries/execution.ts'
import { nativeAfter } from '../../../../sequencer/core/native/books.ts'
import { CHAIN_IDS, CONFIG } from '../../../fixtures/sequencer/world.ts'

// Goal: the native state is what the hub's books say by their own events, and nothing but those.

const [hub, alpha] = CHAIN_IDS
const ledger: Address = `0x${'c1'.repeat(20)}`
const book: Address = `0x${'c2'.repeat(20)}`
const config = {
  ...CONFIG,
  chains: CONFIG.chains.map((chain) => (chain.isHub ? { ...chain, books: [ledger, book] } : chain)),
}
const account = `0x${'a1'.repeat(32)}` as AccountId
const asset = 3

/** A log as the contract's own interface encodes it. */
function logOf(address: Address, abi: Abi, eventName: string, args: Record<string, unknown>) {
  const event = abi.find(
    (item): item is AbiEvent => item.type === 'event' && item.name === eventName,
  )!
  const rest = event.inputs.filter(({ indexed }) => indexed !== true)
  return {
    address,
    topics: encodeEventTopics({ abi: [event], eventName, args } as never) as Hash[],
    data: encodeAbiParameters(
      rest,
      rest.map(({ name }) => args[name as string]),
    ),
  }
}
const ofLedger = (name: string, args: Record<string, unknown>) =>
  logOf(ledger, ledgerAbi as Abi, name, { asset, account, ...args })
const ofBook = (name: string, args: Record<string, unknown>) =>
  logOf(book, creditBookAbi as Abi, name, { account, ...args })

function after(
  logs: readonly LegLog[],
  options: { tree?: SparseTree; chainId?: number; status?: 0 | 1 } = {},
): SparseTree {
  const { tree, chainId = hub, status = 1 } = options
  const chains = [{ chainId, legs: [{ status, logs }] }]
  return nativeAfter(config, tree, { chains, entries: [] })
}

const granted = (amount18: bigint, expiryS: number) =>
  ofBook('CreditGranted', { chainId: alpha, amount18, expiryS, messageId: `0x${'00'.repeat(32)}` })

describe('the native state after the hub’s events', () => {
  test.each<[string, LegLog[], NativeId, bigint[]]>([
    [
      'a claim that became negative',
      [ofLedger('ClaimChanged', { change18: -7n, claim18: -5n })],
      { kind: 'claim', account, id: BigInt(asset) },
      [-5n],
    ],
    [
      'liquidity',
      [ofLedger('LiquidityChanged', { change18: 4n, liquidity18: 9n })],
      { kind: 'liquidity', account, id: BigInt(asset) },
      [9n],
    ],
    [
      'fees and insurance of an asset',
      [
        ofLedger('FeePaid', { amount18: 2n }),
        ofLedger('InsuranceChanged', { change18: 8n, insurance18: 8n }),
        ofLedger('FeePaid', { amount18: 3n }),
      ],
      { kind: 'pool', id: BigInt(asset) },
      [8n, 5n],
    ],
    [
      'a short position',
      [ofBook('PositionChanged', { instrument: 1n << 200n, change18: -1n, size18: -4n })],
      { kind: 'position', account, id: 1n << 200n },
      [-4n],
    ],
    [
      'a lease that was granted twice, used and returned in part',
      [
        granted(10n, 200),
        granted(5n, 100),
        ofBook('CreditUsed', { chainId: alpha, used18: 6n }),
        ofBook('CreditReturned', { chainId: alpha, credit18: 4n, used18: 2n }),
      ],
      { kind: 'lease', account, id: BigInt(alpha) },
      [11n, 4n, 200n],
    ],
    [
      'the state of an account',
      [ofBook('StateSet', { state: 2 })],
      { kind: 'account', account, id: 0n },
      [2n],
    ],
  ])('%s', (_what, logs, id, values) => {
    expect(nativeValues(after(logs), id)).toEqual(values)
    // In one slot or in several.
    const tree = logs.reduce<SparseTree>((sum, log) => after([log], { tree: sum }), undefined)
    expect(sparseRoot(tree)).toBe(sparseRoot(after(logs)))
  })

  test('is not changed by legs that failed, other rollups, other contracts or other events', () => {
    const log = ofLedger('ClaimChanged', { change18: 1n, claim18: 1n })
    expect(after([log], { status: 0 })).toBeUndefined()
    expect(after([log], { chainId: alpha })).toBeUndefined()
    expect(after([{ ...log, address: `0x${'c3'.repeat(20)}` }])).toBeUndefined()
    expect(after([{ ...log, topics: [] }])).toBeUndefined()
    expect(
      after([
        ofBook('CreditRecalled', {
          chainId: alpha,
          amount18: 1n,
          messageId: `0x${'00'.repeat(32)}`,
        }),
      ]),
    ).toBeUndefined()
  })

  test('forgets a leaf that is all zeros: nobody can tell that it was there', () => {
    const there = after([ofLedger('ClaimChanged', { change18: 1n, claim18: 1n })])
    const gone = after([ofLedger('ClaimChanged', { change18: -1n, claim18: 0n })], { tree: there })
    expect(gone).toBeUndefined()
  })

  test('holds the last sequence of marks that the log accepted', () => {
    const entries = [
      { marks: { underlying: 1, sequence: 5n } },
      { marks: { underlying: 1, sequence: 6n } },
    ]
    const tree = nativeAfter(config, undefined, { chains: [], entries })
    expect(nativeValues(tree, { kind: 'marks', id: 1n })).toEqual([6n])
  })
})
