import { encodeAbiParameters, encodeFunctionData, parseAbi } from 'viem/utils'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import type { AccountId } from '../../sdk/protocol/ids.ts'
import type { CoreChain } from './config.ts'
import type { Call } from './leg.ts'

/** A call of the system key whose nonce is not known yet. */
export type SystemCall = Omit<Call, 'nonce'>

const abi = parseAbi([
  'function open(uint64 slot, uint64 timestampMs, bytes32[] bundleKeys, bytes32[] jointKeys)',
  'function deliver(address mailbox, bytes message)',
])

/** Opening forgets the keys of the slot before: 1,024 of them cost six million. */
const openGas = 10_000_000n
const keyGas = 100_000n
const deliverGas = 5_000_000n
const byteGas = 64n
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
  const input = encodeFunctionData({
    abi,
    functionName: 'open',
    args: [BigInt(height), BigInt(timestampMs), bundleKeys, jointKeys],
  })
  return systemCall(chain, { system, to: chain.slotContext, input, gas: openGas + keys * keyGas })
}

/** The call that delivers a message of this slot to a chain. */
export function deliverCall(chain: CoreChain, system: Address, message: Hex): SystemCall {
  const input = encodeFunctionData({
    abi,
    functionName: 'deliver',
    args: [chain.mailbox, message],
  })
  const gas = deliverGas + BigInt(message.length) * byteGas
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
  return keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'bytes32' }], [sender, salt]))
}

/** What a joint change looks up: keccak256(abi.encode(sender, salt, account)). */
export function jointKey(sender: Address, salt: Hash, account: AccountId): Hash {
  return keccak256(
    encodeAbiParameters(
      [{ type: 'address' }, { type: 'bytes32' }, { type: 'bytes32' }],
      [sender, salt, account],
    ),
  )
}
