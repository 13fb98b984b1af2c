import { stringToHex } from 'viem/utils'
import { assert } from '../../../sdk/protocol/assert.ts'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import { addressWord, hashWords, joinWords, word } from '../../../sdk/protocol/words.ts'
import type { CoreChain } from '../config.ts'
import type { Call } from '../entries/leg.ts'
import type { Message } from '../messages/messages.ts'

/** A call of the system key whose nonce is not known yet. */
export type SystemCall = Omit<Call, 'nonce'>

const openSelector = selectorOf('open(uint64,uint64,bytes32[],bytes32[])')
const deliverSelector = selectorOf('deliver(address,bytes)')

/** Opening forgets the keys of the slot before: 1,024 of them cost six million. */
const openGas = 10_000_000n
const keyGas = 100_000n
/** Gas of a delivery apart from what its message bought: the way through Mailbox and modules. */
const deliverGas = 300_000n
/** Gas that a delivery gets where none is sold. */
export const FREE_DELIVERY_GAS = 5_000_000n
const byteGas = 64n
/** Gas that putting an item gets; one of 1,024 bytes fills 34 words of storage. */
export const ITEM_GAS = 1_500_000n
/** Gas limit of a call that brings marks; 30 expiries with signatures stay below. */
export const marksGas = 12_000_000n
/** Gas limit of a call that starts a liquidation; one of 128 positions stays below. */
export const liquidationGas = 5_000_000n

/** The call that opens a slot on a chain and lists its bundles' keys. */
export function openCall(
  chain: CoreChain,
  system: Address,
  slot: { height: number; timestampMs: number; bundleKeys: Hash[]; jointKeys: Hash[] },
): SystemCall {
  const { height, timestampMs, bundleKeys, jointKeys } = slot
  const keys = BigInt(bundleKeys.length + jointKeys.length)
  const input = joinWords([
    openSelector,
    word(height),
    word(timestampMs),
    // Where the two lists begin, behind the four words before them.
    word(128),
    word(160 + 32 * bundleKeys.length),
    word(bundleKeys.length),
    ...bundleKeys,
    word(jointKeys.length),
    ...jointKeys,
  ])
  return systemCall(chain, { system, to: chain.slotContext, input, gas: openGas + keys * keyGas })
}

/** The call that brings a message of this slot, with the gas that was bought for it, or an item. */
export function deliverCall(
  chain: CoreChain,
  system: Address,
  {
    way,
    bytes,
    gas: bought = FREE_DELIVERY_GAS,
  }: Pick<Message, 'way' | 'bytes'> & Partial<Pick<Message, 'gas'>>,
): SystemCall {
  if (way === 'inbox') {
    assert(chain.slotInbox !== undefined, 'an item goes where an inbox is')
    return systemCall(chain, { system, to: chain.slotInbox, input: bytes, gas: ITEM_GAS })
  }
  const digits = bytes.length - 2
  const padding = '0'.repeat((64 - (digits % 64)) % 64)
  const input = joinWords([
    deliverSelector,
    addressWord(chain.mailbox),
    word(64),
    word(digits / 2),
    `${bytes}${padding}`,
  ])
  const gas = deliverGas + bought + BigInt(bytes.length) * byteGas
  return systemCall(chain, { system, to: chain.slotContext, input, gas })
}

/** A call of the system key at the chain's constant base fee. */
export function systemCall(
  chain: CoreChain,
  call: { system: Address; to: Address; input: Hex; gas: bigint },
): SystemCall {
  return {
    from: call.system,
    to: call.to,
    input: call.input,
    value: 0n,
    gas: call.gas,
    fee: { type: 'eip1559', maxFeePerGas: chain.baseFeePerGas, maxPriorityFeePerGas: 0n },
    accessList: [],
  }
}

/** What `onlyInBundle` looks up: keccak256(abi.encode(sender, salt)). */
export function bundleKey(sender: Address, salt: Hash): Hash {
  return hashWords([addressWord(sender), salt])
}

/** What a joint change looks up: keccak256(abi.encode(sender, salt, account)). */
export function jointKey(sender: Address, salt: Hash, account: AccountId): Hash {
  return hashWords([addressWord(sender), salt, account])
}

/** First four bytes of the hash of a function's signature. */
function selectorOf(signature: string): Hex {
  return keccak256(stringToHex(signature)).slice(0, 10) as Hex
}
