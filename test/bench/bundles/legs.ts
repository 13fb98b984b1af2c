import secp256k1 from 'secp256k1'
import { encodeFunctionData } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { bytesToHex, hexToBytes, keccak256, serializeTransaction } from 'viem/utils'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'

/** Emits one event that names its caller: CALLER PUSH0 PUSH0 LOG1 STOP. */
export const logger = {
  address: `0x${'00'.repeat(18)}be01` as Address,
  code: '0x335f5fa100' as Hex,
}
/** Takes any message. */
export const sink = { address: `0x${'00'.repeat(18)}be02` as Address, code: '0x00' as Hex }

const gasPlain = 40_000n
const gasDispatch = 300_000n
const feePerGasWei = 2_000_000_000n

/** Someone whose bundles are sent in the order of their nonces. */
export type Sender = { key: Uint8Array; address: Address; nonces: Map<number, number> }

/** Makes senders from consecutive private keys: the same ones in every run. */
export function makeSenders(count: number): readonly Sender[] {
  return Array.from({ length: count }, (_, i) => {
    const key = `0x${(0xbe_0000 + i + 1).toString(16).padStart(64, '0')}` as const
    return { key: hexToBytes(key), address: privateKeyToAddress(key), nonces: new Map() }
  })
}

/** A signed leg of a chain. */
export type Leg = { chainId: number; rawTx: Hex }

/** Signs the next call of the logger. */
export function plainLeg(sender: Sender, chainId: number): Leg {
  return signed(sender, chainId, { to: logger.address, gas: gasPlain })
}

const dispatchAbi = [
  {
    type: 'function',
    name: 'dispatch',
    stateMutability: 'payable',
    inputs: [
      { name: 'destination', type: 'uint32' },
      { name: 'recipient', type: 'bytes32' },
      { name: 'body', type: 'bytes' },
    ],
    outputs: [{ name: 'messageId', type: 'bytes32' }],
  },
] as const

/** Signs the next message from a chain to the sink of another one. */
export function messageLeg(
  sender: Sender,
  {
    chainId,
    to,
    mailbox,
    feeWei,
  }: { chainId: number; to: number; mailbox: Address; feeWei: bigint },
): Leg {
  const recipient = `0x${sink.address.slice(2).padStart(64, '0')}` as Hex
  const data = encodeFunctionData({ abi: dispatchAbi, args: [to, recipient, '0x'] })
  return signed(sender, chainId, { to: mailbox, gas: gasDispatch, data, value: feeWei })
}

function signed(
  sender: Sender,
  chainId: number,
  call: { to: Address; gas: bigint; data?: Hex; value?: bigint },
): Leg {
  const nonce = sender.nonces.get(chainId) ?? 0
  sender.nonces.set(chainId, nonce + 1)
  const transaction = {
    type: 'eip1559' as const,
    chainId,
    nonce,
    maxFeePerGas: feePerGasWei,
    maxPriorityFeePerGas: 0n,
    ...call,
  }
  const digest = hexToBytes(keccak256(serializeTransaction(transaction)))
  const { signature, recid } = secp256k1.ecdsaSign(digest, sender.key)
  const rawTx = serializeTransaction(transaction, {
    r: bytesToHex(signature.subarray(0, 32)),
    s: bytesToHex(signature.subarray(32)),
    yParity: recid,
  })
  return { chainId, rawTx }
}
