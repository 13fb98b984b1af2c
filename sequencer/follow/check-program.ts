import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { RecordedLeg, SlotRecord } from '../../sdk/protocol/slot.ts'
import { chainOf, type CoreConfig } from '../core/config.ts'
import type { Entry } from '../core/entries/entry.ts'
import type { Leg } from '../core/entries/leg.ts'
import { dispatchedMessages } from '../core/messages/messages.ts'
import {
  deliveryKey,
  layOut,
  listsByChain,
  type PlacedStep,
  type Placements,
} from '../core/slots/program.ts'
import { deliverCall } from '../core/slots/system-calls.ts'
import type { SlotLegs } from './check-shape.ts'
import { LieError, mustBe } from './lie.ts'

/** What a slot must consist of, and what of it is a judgement that only an execution can check. */
export type CheckedProgram = {
  lists: Map<number, PlacedStep[]>
  /** Messages that were sent to a rollup of the slot and not delivered in it. */
  undelivered: number
}

/**
 * Lays a slot out again from its entries and what its legs sent, and compares leg by leg: a slot opens
 * first and with the keys of its bundles, legs stand in the order of their entries (I5), every delivery
 * stands behind what sent it and brings what was sent (I14), and the system key does nothing else.
 *
 * @param known - Next nonce of the system key by chain, as far as it is known.
 * @throws LieError with the first leg that is another one.
 */
export function checkProgram(
  config: CoreConfig,
  record: SlotRecord,
  slot: { entries: readonly Entry[]; legs: SlotLegs; known: ReadonlyMap<number, number> },
): CheckedProgram {
  const { entries, legs, known } = slot
  const { header, chains } = record
  const { placements, undelivered } = placedIn(config, record, slot)
  const program = layOut({
    ...{ config, height: header.height, timestampMs: header.timestampMs, entries, placements },
    skips: skipsOf(record, entries),
    voided: voidedOf(record, entries),
    beats: new Set(chains.map(({ chainId }) => chainId)),
  })
  const nonces = new Map(known)
  for (const chain of chains) {
    const first = chain.legs.map(({ hash }) => legs.get(hash)).find((leg) => isSystem(config, leg))
    if (!nonces.has(chain.chainId)) nonces.set(chain.chainId, first?.nonce ?? 0)
  }
  const lists = listsByChain(program, nonces)
  for (const chain of chains) {
    const list = lists.get(chain.chainId) ?? []
    const count = Math.max(list.length, chain.legs.length)
    for (let i = 0; i < count; i++) {
      compareLeg({ config, record, entries, legs }, { chain, i, step: list[i] })
    }
  }
  return { lists, undelivered }
}

/** Legs that a slot's bundles go without, by entry. */
export function skipsOf(record: SlotRecord, entries: readonly Entry[]): Map<Hash, Set<number>> {
  return new Map(
    entries.flatMap(({ entryId }, i) => {
      const left = (record.entries[i]?.skipped ?? []).map(({ leg }) => leg)
      return left.length === 0 ? [] : [[entryId, new Set(left)] as const]
    }),
  )
}

/** Entries of a slot that have no effect, with the reason. */
export function voidedOf(record: SlotRecord, entries: readonly Entry[]) {
  return new Map(
    entries.flatMap(({ entryId }, i) => {
      const voided = record.entries[i]?.voided
      return voided === undefined ? [] : [[entryId, voided] as const]
    }),
  )
}

type Sent = { chainId: number; leg: RecordedLeg }

/** Finds behind which leg each delivery of a slot stands: what is left over was never sent. */
function placedIn(
  config: CoreConfig,
  record: SlotRecord,
  { entries, legs }: { entries: readonly Entry[]; legs: SlotLegs },
): { placements: Placements; undelivered: number } {
  const placements: Placements = new Map()
  const waiting = new Map<string, (Sent & { place: number })[]>()
  const own = new Map<string, Sent>()
  for (const { chainId, legs: list } of record.chains) {
    for (const [place, leg] of list.entries()) {
      const { origin } = leg
      if (origin.type === 'open') continue
      const key = `${origin.entry}:${origin.leg}`
      if (origin.type === 'entry') own.set(key, { chainId, leg })
      else {
        const queue = waiting.get(`${key}:${chainId}`) ?? []
        waiting.set(`${key}:${chainId}`, [...queue, { chainId, leg, place }])
      }
    }
  }
  let undelivered = 0
  const follow = (parent: string, key: string, { chainId, leg }: Sent, depth: number) => {
    if (leg.status === 0) return
    for (const message of dispatchedMessages(config, chainId, leg.logs)) {
      const chain = chainOf(config, message.destination)
      const queue = waiting.get(`${key}:${message.destination}`)
      const [next] = queue ?? []
      const input = next === undefined ? undefined : legs.get(next.leg.hash)?.input
      const brings =
        chain !== undefined && deliverCall(chain, config.system, message).input === input
      if (next === undefined || !brings || depth >= LIMITS.messageDepth) {
        undelivered += 1
        continue
      }
      queue?.shift()
      placements.set(parent, [...(placements.get(parent) ?? []), message])
      follow(deliveryKey(parent, message), key, next, depth + 1)
    }
  }
  for (const [i, { entryId, legs: steps }] of entries.entries()) {
    for (const leg of steps.keys()) {
      const sent = own.get(`${i}:${leg}`)
      if (sent !== undefined) follow(`${entryId}:${leg}`, `${i}:${leg}`, sent, 0)
    }
  }
  const over = [...waiting.values()].flat()
  const answers = new Set(over.flatMap((sent) => deliveriesOf(config, sent)))
  // An answer to what nobody sent is no lie of its own.
  const first = over.find(({ leg }) => !answers.has(legs.get(leg.hash)?.input ?? '0x')) ?? over[0]
  if (first !== undefined) {
    const { chainId, place, leg } = first
    throw new LieError(
      { slot: record.header.height, chainId, leg: place, transactionHash: leg.hash },
      {
        what: 'a message delivered in a slot was sent in it, once (I14)',
        posted: `delivery by ${leg.hash}`,
        recomputed: 'no such message',
      },
    )
  }
  return { placements, undelivered }
}

/** Calldata of the deliveries of what a leg sent. */
function deliveriesOf(config: CoreConfig, { chainId, leg }: Sent): Hex[] {
  return dispatchedMessages(config, chainId, leg.logs).flatMap((message) => {
    const chain = chainOf(config, message.destination)
    return chain === undefined ? [] : [deliverCall(chain, config.system, message).input]
  })
}

function isSystem({ system }: CoreConfig, leg: Leg | undefined): boolean {
  return leg?.from === system
}

type Compared = {
  config: CoreConfig
  record: SlotRecord
  entries: readonly Entry[]
  legs: SlotLegs
}

function compareLeg(
  { config, record, entries, legs }: Compared,
  {
    chain,
    i,
    step,
  }: { chain: SlotRecord['chains'][number]; i: number; step: PlacedStep | undefined },
): void {
  const recorded = chain.legs[i]
  const leg = recorded === undefined ? undefined : legs.get(recorded.hash)
  const place = {
    ...{ slot: record.header.height, chainId: chain.chainId, leg: i },
    ...(recorded === undefined ? {} : { transactionHash: recorded.hash }),
  }
  mustBe(place, 'legs stand in the order of their entries, behind them what they sent (I5, I14)', {
    posted: recorded === undefined ? 'nothing' : originText(recorded.origin),
    recomputed: step === undefined ? 'nothing' : originOf(step, entries),
  })
  if (step === undefined || leg === undefined) return
  mustBe(place, 'the system key signs system legs and nothing else', {
    posted: leg.from,
    recomputed: step.leg === undefined ? config.system : step.leg.from,
  })
  if (step.leg !== undefined) {
    mustBe(place, 'a leg is its entry’s', { posted: leg.hash, recomputed: step.leg.hash })
    return
  }
  const { origin } = step
  const rule =
    origin.type === 'open'
      ? 'a slot opens with its height, its time and the keys of its bundles (I21)'
      : origin.type === 'delivery'
        ? 'a delivery brings what was sent, through SlotContext (I14)'
        : 'a system leg does what its entry says'
  mustBe(place, rule, { posted: callText(leg), recomputed: callText(step.call) })
}

function originText(origin: RecordedLeg['origin']): string {
  return origin.type === 'open' ? 'open' : `${origin.type} ${origin.entry}.${origin.leg}`
}

function originOf({ origin }: PlacedStep, entries: readonly Entry[]): string {
  if (origin.type === 'open') return 'open'
  const entry = entries.findIndex(({ entryId }) => entryId === origin.entryId)
  return `${origin.type} ${entry}.${origin.leg}`
}

function callText({ to, input, value, gas, nonce, fee, accessList }: PlacedStep['call']): string {
  const price =
    fee.type === 'eip1559' ? `${fee.maxFeePerGas}/${fee.maxPriorityFeePerGas}` : fee.type
  return (
    `nonce ${nonce} to ${to ?? 'nobody'}: ${input}; value ${value}, gas ${gas}, price ${price}, ` +
    `${accessList.length} listed`
  )
}
