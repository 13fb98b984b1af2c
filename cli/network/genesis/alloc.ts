import { gunzipSync } from 'node:zlib'
import { hexToBytes, keccak256, stringToBytes } from 'viem'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { Rpc } from '../anvil/rpc.ts'

/** One account of a genesis file. */
export type GenesisAccount = {
  /** Wei, hexadecimal. */
  balance: Hex
  nonce?: Hex
  code?: Hex
  /** Slot to value, 32 bytes each. */
  storage?: Record<Hex, Hex>
}

/** The accounts of a chain at its beginning, by address in ascending order. */
export type Alloc = Record<Address, GenesisAccount>

type DumpedAccount = { nonce: number; balance: Hex; code: Hex; storage: Record<Hex, Hex> }

/** Reads every account of a scratch node in canonical form: sorted, empty fields left out. */
export async function dumpAlloc(rpc: Rpc): Promise<Alloc> {
  const packed = await rpc<Hex>('anvil_dumpState')
  const { accounts } = JSON.parse(gunzipSync(hexToBytes(packed)).toString()) as {
    accounts: Record<Address, DumpedAccount>
  }
  const entries = Object.entries(accounts).map(
    ([address, account]) => [address.toLowerCase() as Address, canonical(account)] as const,
  )
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Text of an alloc from which its hash is taken and which is stored. */
export function allocText(alloc: Alloc): string {
  return JSON.stringify(alloc)
}

/** Identity of a chain's beginning: keccak256 of the alloc's text. */
export function allocHash(alloc: Alloc): Hash {
  return keccak256(stringToBytes(allocText(alloc)))
}

function canonical({ nonce, balance, code, storage }: DumpedAccount): GenesisAccount {
  const slots = Object.entries(storage)
    .map(([slot, value]) => [word(slot), word(value)] as const)
    .filter(([, value]) => BigInt(value) !== 0n)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    balance: `0x${BigInt(balance).toString(16)}`,
    ...(nonce === 0 ? {} : { nonce: `0x${nonce.toString(16)}` as const }),
    ...(code === '0x' ? {} : { code }),
    ...(slots.length === 0 ? {} : { storage: Object.fromEntries(slots) }),
  }
}

/** A 32-byte word, whatever leading zeros its text has. */
function word(text: string): Hex {
  return `0x${BigInt(text).toString(16).padStart(64, '0')}`
}
