import { decodeFunctionData, parseAbi } from 'viem'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import type { RecordedChain, RecordedLeg, SlotRecord } from '../../sdk/protocol/slot.ts'
import { chainOf, type CoreConfig } from '../core/config.ts'
import { DISPATCH_TOPIC } from '../core/messages.ts'
import { partiesOf } from '../shell/drivers/transaction.ts'
import { isSystemSigned } from './check-forced.ts'
import { LieError } from './lie.ts'

const slotContext = parseAbi([
  'function open(uint64 slot, uint64 timestampMs, bytes32[] bundleKeys, bytes32[] jointKeys)',
  'function deliver(address mailbox, bytes message)',
])

type Placed = { chain: RecordedChain; leg: RecordedLeg; place: number }

/**
 * Checks a slot's legs as far as the log alone tells: every required leg took effect (I4), the system
 * key did nothing but what it may, and every message delivered was sent in the slot (I14).
 *
 * @throws {@link LieError} with the first rule that is broken.
 */
export function checkLegs(config: CoreConfig, record: SlotRecord): void {
  const all = record.chains.flatMap((chain) =>
    chain.legs.map((leg, place): Placed => ({ chain, leg, place })),
  )
  for (const placed of all) {
    checkVerdict(record, placed)
    checkSender(config, record, placed)
    if (placed.leg.origin.type === 'open') checkOpen(config, record, placed)
  }
  for (const chain of record.chains) {
    const [first, ...rest] = chain.legs
    const opens = first?.origin.type === 'open' && rest.every((leg) => leg.origin.type !== 'open')
    if (!opens) {
      const place = { slot: record.header.height, chainId: chain.chainId, leg: 0 }
      const found = first?.origin.type ?? 'nothing'
      throw new LieError(place, {
        what: 'a slot opens once on each chain, first of all',
        posted: found,
        recomputed: 'open',
      })
    }
  }
  checkMessages(config, record, all)
}

/** A required leg that failed voids its entry on every chain: it may not stand here. */
function checkVerdict(record: SlotRecord, placed: Placed): void {
  const { origin, status } = placed.leg
  if (status === 1) return
  if (origin.type === 'open') throw lie(record, placed, 'an opening leg succeeds', '0', '1')
  if (origin.type === 'delivery') throw lie(record, placed, 'a delivery succeeds', '0', '1')
  const entry = record.entries[origin.entry]
  if (entry?.canRevert[origin.leg] === true) return
  throw lie(record, placed, 'every required leg of an entry takes effect (I4)', '0', '1')
}

/** System legs are the system key's, all others are not. */
function checkSender(config: CoreConfig, record: SlotRecord, placed: Placed): void {
  const { origin, rawTx } = placed.leg
  const system = origin.type !== 'entry' || isSystemSigned(record.entries[origin.entry])
  const { from } = partiesOf(rawTx)
  if (system === (from === config.system)) return
  const rule = 'the system key signs system legs and nothing else'
  throw lie(record, placed, rule, from, system ? config.system : 'a user')
}

function checkOpen(config: CoreConfig, record: SlotRecord, placed: Placed): void {
  const { header } = record
  const { to, input } = targetOf(placed)
  const context = chainOf(config, placed.chain.chainId)?.slotContext
  if (to !== context) {
    throw lie(record, placed, 'a slot opens at SlotContext', to ?? 'nobody', context ?? 'none')
  }
  const { functionName, args } = decodeFunctionData({ abi: slotContext, data: input })
  const found = functionName === 'open' ? `${args[0]} at ${args[1]} ms` : functionName
  const expected = `${header.height} at ${header.timestampMs} ms`
  if (found !== expected) {
    throw lie(record, placed, 'an opening leg tells the slot', found, expected)
  }
}

/**
 * Every message delivered was sent by a leg of its entry, or by a delivery that came from one. Begins
 * with the entries' own legs, so that two forged deliveries cannot vouch for each other.
 */
function checkMessages(config: CoreConfig, record: SlotRecord, all: readonly Placed[]): void {
  const sent = new Set<string>()
  const note = ({ chain, leg }: Placed) => {
    if (leg.status === 0 || leg.origin.type === 'open') return
    const mailbox = chainOf(config, chain.chainId)?.mailbox
    for (const log of leg.logs) {
      if (log.address !== mailbox || log.topics[0] !== DISPATCH_TOPIC) continue
      const message = messageOf(log.data)
      if (message === undefined) continue
      const destination = Number(BigInt(log.topics[2] ?? '0x0'))
      sent.add(keyOf(leg.origin.entry, destination, keccak256(message)))
    }
  }
  all.filter(({ leg }) => leg.origin.type === 'entry').forEach(note)
  let open = all.filter(({ leg }) => leg.origin.type === 'delivery')
  while (open.length > 0) {
    const left: Placed[] = []
    for (const placed of open) {
      const key = deliveredKey(config, record, placed)
      if (!sent.delete(key)) left.push(placed)
      else note(placed)
    }
    const [first] = left
    if (first !== undefined && left.length === open.length) {
      const rule = 'a message delivered in a slot was sent in it, once (I14)'
      const [, , id] = deliveredKey(config, record, first).split(':')
      throw lie(record, first, rule, `delivery of ${id}`, 'no such message')
    }
    open = left
  }
}

function deliveredKey(config: CoreConfig, record: SlotRecord, placed: Placed): string {
  const { origin } = placed.leg
  const { chainId } = placed.chain
  const { to, input } = targetOf(placed)
  const chain = chainOf(config, chainId)
  const { functionName, args } = decodeFunctionData({ abi: slotContext, data: input })
  const right =
    to === chain?.slotContext &&
    functionName === 'deliver' &&
    args[0].toLowerCase() === chain?.mailbox
  if (!right || origin.type !== 'delivery') {
    throw lie(
      record,
      placed,
      'a delivery goes through SlotContext to the Mailbox',
      functionName,
      'deliver',
    )
  }
  return keyOf(origin.entry, chainId, keccak256(args[1]))
}

function keyOf(entry: number, destination: number, id: Hash): string {
  return `${entry}:${destination}:${id}`
}

/** Message bytes of a Dispatch event: `abi.encode(bytes)`. */
function messageOf(data: Hex): Hex | undefined {
  if (data.length < 130) return undefined
  const length = Number(BigInt(`0x${data.slice(66, 130)}`))
  return data.length < 130 + 2 * length ? undefined : `0x${data.slice(130, 130 + 2 * length)}`
}

function targetOf({ leg }: Placed): { to: Address | undefined; input: Hex } {
  return partiesOf(leg.rawTx)
}

function lie(
  { header }: SlotRecord,
  { chain, leg, place }: Placed,
  what: string,
  posted: string,
  recomputed: string,
): LieError {
  const where = { slot: header.height, chainId: chain.chainId, leg: place }
  return new LieError({ ...where, transactionHash: leg.hash }, { what, posted, recomputed })
}
