import type { Voided } from '../../../sdk/protocol/entry.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { chainOf, type CoreConfig } from '../config.ts'
import type { Entry } from '../entries/entry.ts'
import type { Skips } from './formation.ts'
import type { Call, Leg } from '../entries/leg.ts'
import type { Message } from '../messages/messages.ts'
import { bundleKey, deliverCall, jointKey, openCall, type SystemCall } from './system-calls.ts'

/** Where a step of a slot comes from. */
export type StepOrigin =
  | { type: 'open' }
  | { type: 'entry'; entryId: Hash; leg: number }
  | { type: 'delivery'; entryId: Hash; leg: number; depth: number; recipient: string }

/** One transaction of a slot before its place in the nonces of the system key is known. */
export type ProgramStep = {
  /** Names the step while the slot is formed: equal keys mean the same cause. */
  key: string
  chainId: number
  origin: StepOrigin
  call: Call | SystemCall
  leg?: Leg | undefined
}

/** A step with its final call. */
export type PlacedStep = ProgramStep & { call: Call }

/** Messages to deliver directly after a step, by the step's key. */
export type Placements = Map<string, Message[]>

/** What a slot consists of before it is simulated. */
export type ProgramInput = {
  config: CoreConfig
  height: number
  timestampMs: number
  entries: readonly Entry[]
  placements: Placements
  skips: Skips
  /** Entries that put nothing on any chain. */
  voided: ReadonlyMap<Hash, Voided>
  /** Chains that get a block whether or not a leg touches them. */
  beats: ReadonlySet<number>
}

/**
 * Lays out a slot: the opening system leg of each touched chain, then every entry's legs in order,
 * each followed by the deliveries of what it dispatched.
 */
export function layOut(input: ProgramInput): ProgramStep[] {
  const standing = input.entries.filter(({ entryId }) => !input.voided.has(entryId))
  const steps = standing.flatMap((entry) => entrySteps(input, entry))
  const touched = new Set([...input.beats, ...steps.map(({ chainId }) => chainId)])
  const opens = [...touched]
    .toSorted((a, b) => a - b)
    .map((chainId) => openStep({ ...input, entries: standing }, chainId))
  return [...opens, ...steps]
}

/** Splits a program by chain and numbers the system key's calls. */
export function listsByChain(
  program: readonly ProgramStep[],
  systemNonces: ReadonlyMap<number, number>,
): Map<number, PlacedStep[]> {
  const lists = new Map<number, PlacedStep[]>()
  const nonces = new Map<number, number>()
  for (const step of program) {
    const { chainId } = step
    const list = lists.get(chainId) ?? []
    lists.set(chainId, list)
    if (step.leg !== undefined) {
      list.push({ ...step, call: step.leg })
      continue
    }
    const nonce = nonces.get(chainId) ?? systemNonces.get(chainId) ?? 0
    nonces.set(chainId, nonce + 1)
    list.push({ ...step, call: { ...step.call, nonce } })
  }
  return lists
}

/** Says whether two lists do the same in the same order. */
export function sameList(a: readonly PlacedStep[], b: readonly PlacedStep[]): boolean {
  if (a.length !== b.length) return false
  return a.every((step, i) => {
    const other = b[i] as PlacedStep
    return (
      step.key === other.key &&
      step.call.nonce === other.call.nonce &&
      step.call.gas === other.call.gas &&
      step.call.input === other.call.input &&
      step.call.to === other.call.to
    )
  })
}

function openStep(input: ProgramInput, chainId: number): ProgramStep {
  const { config, height, timestampMs } = input
  const chain = chainOf(config, chainId) as NonNullable<ReturnType<typeof chainOf>>
  const bundleKeys = new Set<Hash>()
  const jointKeys = new Set<Hash>()
  for (const entry of input.entries) {
    const { salt } = entry.terms
    if (salt === undefined || !entry.legs.some((leg) => leg.chainId === chainId)) continue
    for (const item of entry.legs) {
      if (item.type === 'user') bundleKeys.add(bundleKey(item.leg.from, salt))
    }
    for (const { sender, account } of entry.joint) jointKeys.add(jointKey(sender, salt, account))
  }
  const call = openCall(chain, config.system, {
    height,
    timestampMs,
    bundleKeys: [...bundleKeys],
    jointKeys: [...jointKeys],
  })
  return { key: `open:${chainId}`, chainId, origin: { type: 'open' }, call }
}

function entrySteps(input: ProgramInput, entry: Entry): ProgramStep[] {
  const steps: ProgramStep[] = []
  for (const [leg, item] of entry.legs.entries()) {
    if (input.skips.get(entry.entryId)?.has(leg) === true) continue
    const key = `${entry.entryId}:${leg}`
    const origin = { type: 'entry', entryId: entry.entryId, leg } as const
    const { chainId } = item
    if (item.type === 'user') steps.push({ key, chainId, origin, call: item.leg, leg: item.leg })
    else steps.push({ key, chainId, origin, call: item.call })
    addDeliveries(input, steps, { parent: key, entryId: entry.entryId, leg, depth: 1 })
  }
  return steps
}

function addDeliveries(
  input: ProgramInput,
  steps: ProgramStep[],
  from: { parent: string; entryId: Hash; leg: number; depth: number },
): void {
  const { parent, entryId, leg, depth } = from
  for (const message of input.placements.get(parent) ?? []) {
    const chain = chainOf(input.config, message.destination)
    if (chain === undefined) continue
    const key = deliveryKey(parent, message)
    steps.push({
      key,
      chainId: message.destination,
      origin: { type: 'delivery', entryId, leg, depth, recipient: message.recipient },
      call: deliverCall(chain, input.config.system, message),
    })
    addDeliveries(input, steps, { parent: key, entryId, leg, depth: depth + 1 })
  }
}

/** Key of a delivery: its cause and its message. */
export function deliveryKey(parent: string, message: Message): string {
  return `${parent}/${message.destination}:${message.recipient}:${message.ordinal}`
}
