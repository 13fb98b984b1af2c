import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import {
  encodeNative,
  nativeKey,
  nativeValues,
  type NativeId,
} from '../../../sdk/protocol/native.ts'
import { updateSparse, type SparseTree } from '../../../sdk/protocol/sparse-merkle.ts'
import { hubOf, type CoreConfig } from '../config.ts'
import type { LegLog } from '../entries/execution.ts'

/** What of a slot changes the native state: the hub's legs in their order, and accepted marks. */
export type NativeInput = {
  chains: readonly {
    chainId: number
    legs: readonly { status: 0 | 1; logs: readonly LegLog[] }[]
  }[]
  entries: readonly {
    marks?: { underlying: number; sequence: bigint } | undefined
    voided?: unknown
  }[]
}

/** Integers of one leaf after an event, from what they were. */
type Change = { id: NativeId; next: (values: readonly bigint[]) => bigint[] }

type Reader = (log: LegLog, at: (word: number) => bigint) => Change

/** What each event of the hub's books says of one leaf. */
const readers: ReadonlyMap<Hash, Reader> = new Map(
  Object.entries({
    'ClaimChanged(bytes32,uint16,int256,int256)': (log, at) =>
      ofAccount('claim', log, () => [at(1)]),
    'LiquidityChanged(bytes32,uint16,int256,uint256)': (log, at) =>
      ofAccount('liquidity', log, () => [at(1)]),
    'InsuranceChanged(uint16,int256,uint256)': ({ topics }, at) => ({
      id: { kind: 'pool', id: BigInt(topics[1] ?? 0) },
      next: ([, fees18 = 0n]) => [at(1), fees18],
    }),
    'FeePaid(bytes32,uint16,uint256)': ({ topics }, at) => ({
      id: { kind: 'pool', id: BigInt(topics[2] ?? 0) },
      next: ([insurance18 = 0n, fees18 = 0n]) => [insurance18, fees18 + at(0)],
    }),
    'PositionChanged(bytes32,uint256,int256,int256)': (log, at) =>
      ofAccount('position', log, () => [at(1)]),
    'CreditGranted(bytes32,uint32,uint256,uint40,bytes32)': (log, at) =>
      ofAccount('lease', log, ([credit18 = 0n, used18 = 0n, expiryS = 0n]) => {
        return [credit18 + at(0), used18, at(1) > expiryS ? at(1) : expiryS]
      }),
    'CreditReturned(bytes32,uint32,uint256,uint256)': (log, at) =>
      ofAccount('lease', log, ([credit18 = 0n, used18 = 0n, expiryS = 0n]) => {
        return [credit18 - at(0), used18 - at(1), expiryS]
      }),
    'CreditUsed(bytes32,uint32,uint256)': (log, at) =>
      ofAccount('lease', log, ([credit18 = 0n, used18 = 0n, expiryS = 0n]) => {
        return [credit18, used18 + at(0), expiryS]
      }),
    'StateSet(bytes32,uint8)': ({ topics }, at) => ({
      id: { kind: 'account', account: topics[1] as AccountId, id: 0n },
      next: () => [at(0)],
    }),
  } satisfies Record<string, Reader>).map(([signature, reader]) => [
    keccak256(new TextEncoder().encode(signature)),
    reader,
  ]),
)

function ofAccount(
  kind: 'claim' | 'liquidity' | 'position' | 'lease',
  { topics }: LegLog,
  next: Change['next'],
): Change {
  return { id: { kind, account: topics[1] as AccountId, id: BigInt(topics[2] ?? 0) }, next }
}

/**
 * Gives the native state after a slot: what the hub's books are after its legs, as their events tell,
 * and the marks that the log holds. Every event changes one leaf, and the order of leaves is nobody's
 * business: whoever has the log finds the same tree.
 */
export function nativeAfter(config: CoreConfig, tree: SparseTree, slot: NativeInput): SparseTree {
  const hub = hubOf(config)
  const legs = slot.chains.find(({ chainId }) => chainId === hub?.chainId)?.legs ?? []
  const changes = new Map<Hash, Hex | undefined>()
  const values = new Map<Hash, readonly bigint[]>()
  const apply = ({ id, next }: Change) => {
    const key = nativeKey(id)
    const after = next(values.get(key) ?? nativeValues(tree, id))
    values.set(key, after)
    changes.set(key, encodeNative(after))
  }
  for (const { status, logs } of legs) {
    if (status === 0) continue
    for (const log of logs) {
      if (hub?.books?.includes(log.address) !== true) continue
      const change = readers.get(log.topics[0] ?? '0x')?.(log, (word) => signedWord(log.data, word))
      if (change !== undefined) apply(change)
    }
  }
  for (const { marks, voided } of slot.entries) {
    if (marks === undefined || voided !== undefined) continue
    const id = { kind: 'marks', id: BigInt(marks.underlying) } as const
    apply({ id, next: () => [marks.sequence] })
  }
  return changes.size === 0 ? tree : updateSparse(tree, changes)
}

function signedWord(data: Hex, place: number): bigint {
  const text = data.slice(2 + 64 * place, 66 + 64 * place)
  return text.length < 64 ? 0n : BigInt.asIntN(256, BigInt(`0x${text}`))
}
