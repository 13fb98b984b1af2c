import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { HistoryBlock, LogQuery } from './history.ts'

/** Key under which every block with a log stands. */
export const ANY_LOG = 0

/** The first 32 bits of a hash. Different hashes may share them: what is found is compared. */
export function hashKey(hash: Hex): number {
  return Number.parseInt(hash.slice(2, 10), 16)
}

/** Key of an address that logs (place 0), or of a topic (places 1 to 4); 32 bits, may be shared. */
function logKey(value: Hex, place: number): number {
  const tail = Number.parseInt(value.slice(-8), 16)
  const head = Number.parseInt(value.slice(2, 10), 16)
  return (Math.imul(tail ^ Math.imul(head, 0x9e3779b1), 0x85ebca6b) + place + 1) >>> 0
}

/** Keys of everything that logs in a block can be asked for by. */
export function logKeysOf({ legs }: HistoryBlock): Set<number> {
  const keys = new Set<number>()
  for (const { outcome } of legs) {
    for (const { address, topics } of outcome.logs) {
      keys.add(ANY_LOG)
      keys.add(logKey(address, 0))
      for (const [i, topic] of topics.entries()) keys.add(logKey(topic, i + 1))
    }
  }
  return keys
}

/** What a block must have to hold a log that is asked for: one key of every list. */
export function keysAskedFor({ addresses, topics }: LogQuery): number[][] {
  const lists = [[...addresses].map((address) => logKey(address, 0))]
  for (const [i, allowed] of topics.entries()) {
    lists.push([...allowed].map((topic) => logKey(topic, i + 1)))
  }
  const asked = lists.filter((keys) => keys.length > 0)
  return asked.length === 0 ? [[ANY_LOG]] : asked
}
