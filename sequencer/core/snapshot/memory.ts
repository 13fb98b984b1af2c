import type { Hash } from '../../../sdk/protocol/hex.ts'

/** Where an entry stands in the log. */
export type Place = { height: number; index: number }

/** An entry in the log, with its key in `replaceable` if it has one. */
export type SequencedItem = Place & { untilSlot: number; replacement?: string | undefined }

/** Exact sets inside the horizon: what is outside is refused by nonces and deadlines. */
export type Memory = {
  /** Entries in the log. */
  sequenced: Map<Hash, SequencedItem>
  /** Bundles, waiting or in the log, by sender and replacement UUID. */
  replaceable: Map<string, Hash>
  /** Required legs of bundles, by transaction hash: they do not go alone. */
  owners: Map<Hash, { entryId: Hash; untilSlot: number }>
  /** The same the other way round: the legs that each bundle owns. */
  owned: Map<Hash, Hash[]>
  /** Bundles that were cancelled or replaced. */
  closed: Map<Hash, { by: Hash | 'sender'; untilSlot: number }>
  /** What is forgotten after a slot. */
  expiring: Map<number, { table: 'sequenced' | 'owners' | 'closed'; key: Hash }[]>
}

/** A memory of nothing. */
export function emptyMemory(): Memory {
  return {
    sequenced: new Map(),
    replaceable: new Map(),
    owners: new Map(),
    owned: new Map(),
    closed: new Map(),
    expiring: new Map(),
  }
}

/** Remembers that an entry is in the log. */
export function rememberSequenced(memory: Memory, entryId: Hash, item: SequencedItem): void {
  memory.sequenced.set(entryId, item)
  if (item.replacement !== undefined) memory.replaceable.set(item.replacement, entryId)
  expire(memory, { table: 'sequenced', key: entryId, untilSlot: item.untilSlot })
}

/** Remembers whose required leg a transaction is. An earlier owner keeps it. */
export function rememberOwner(
  memory: Memory,
  legHash: Hash,
  owner: { entryId: Hash; untilSlot: number },
): void {
  const known = memory.owners.get(legHash)
  if (known !== undefined && known.entryId !== owner.entryId) return
  if (known !== undefined && known.untilSlot >= owner.untilSlot) return
  memory.owners.set(legHash, owner)
  if (known === undefined) {
    const legs = memory.owned.get(owner.entryId)
    if (legs === undefined) memory.owned.set(owner.entryId, [legHash])
    else legs.push(legHash)
  }
  expire(memory, { table: 'owners', key: legHash, untilSlot: owner.untilSlot })
}

/** Hands a withdrawn bundle's legs to the bundle that replaces it. */
export function handOver(memory: Memory, legHashes: readonly Hash[], from: Hash): void {
  for (const hash of legHashes) {
    if (memory.owners.get(hash)?.entryId === from) forgetOwner(memory, hash, from)
  }
}

function forgetOwner(memory: Memory, legHash: Hash, entryId: Hash): void {
  memory.owners.delete(legHash)
  const left = (memory.owned.get(entryId) ?? []).filter((hash) => hash !== legHash)
  if (left.length === 0) memory.owned.delete(entryId)
  else memory.owned.set(entryId, left)
}

/** Remembers that a bundle was withdrawn. */
export function rememberClosed(
  memory: Memory,
  entryId: Hash,
  item: { by: Hash | 'sender'; untilSlot: number },
): void {
  memory.closed.set(entryId, item)
  expire(memory, { table: 'closed', key: entryId, untilSlot: item.untilSlot })
}

/** Forgets what ends with `slot`; called once per height. */
export function forgetAfter(memory: Memory, slot: number): void {
  const due = memory.expiring.get(slot)
  if (due === undefined) return
  memory.expiring.delete(slot)
  for (const { table, key } of due) {
    const item = memory[table].get(key)
    if (item === undefined || item.untilSlot > slot) continue
    if (table === 'owners') forgetOwner(memory, key, (item as { entryId: Hash }).entryId)
    memory[table].delete(key)
    const name = 'replacement' in item ? item.replacement : undefined
    if (name !== undefined && memory.replaceable.get(name) === key) memory.replaceable.delete(name)
  }
}

function expire(
  memory: Memory,
  item: { table: 'sequenced' | 'owners' | 'closed'; key: Hash; untilSlot: number },
): void {
  const { table, key, untilSlot } = item
  const list = memory.expiring.get(untilSlot)
  if (list === undefined) memory.expiring.set(untilSlot, [{ table, key }])
  else list.push({ table, key })
}
