import { z } from 'zod'
import { MESSAGE_CLASSES, type MessageClass } from './class.ts'
import type { Failure, Reason } from './stages.ts'

const domain = z.int().min(1).max(0xffff_ffff)
const address = z.string().regex(/^0x([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/)
const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.union([z.literal('*'), item, z.array(item).min(1).max(1_000)]).default('*')

/** One line of a matching list, as Hyperlane's agents take it: every field given must fit. */
const matchSchema = z.strictObject({
  messageid: oneOrMore(z.string().regex(/^0x[0-9a-fA-F]{64}$/)),
  origindomain: oneOrMore(domain),
  senderaddress: oneOrMore(address),
  destinationdomain: oneOrMore(domain),
  recipientaddress: oneOrMore(address),
  bodyregex: z.string().max(256).optional(),
})

/** Schema of a matching list. */
export const matchingListSchema = z.array(matchSchema).max(1_000)

/** Messages by what they are, in Hyperlane's form. */
export type MatchingList = z.infer<typeof matchingListSchema>

const bucket = z.strictObject({
  /** Messages per minute. */
  countPerMinute: z.int().min(0).max(1_000_000).optional(),
  /** Whole units of a token per minute, for messages of ours that carry an amount. */
  unitsPerMinute: z.int().min(0).max(1_000_000_000_000).optional(),
})

const limit = z.strictObject({
  origin: domain.optional(),
  destination: domain.optional(),
  /** Asset id; without it every asset has a bucket of its own. */
  asset: z.int().min(1).max(65_535).optional(),
  class: z.enum(MESSAGE_CLASSES).optional(),
  /** Deliveries before the origin's finality; absent: none. */
  fast: bucket.optional(),
  /** Deliveries after it; absent: as many as come. */
  safe: bucket.optional(),
})

const errorRule = z.strictObject({
  name: z.string().min(1).max(64),
  /** Regular expression on the decoded revert; absent fits all. */
  pattern: z.string().max(256).optional(),
  retryFirstMs: z.int().min(50).max(600_000).default(500),
  retryMaxMs: z.int().min(50).max(3_600_000).default(60_000),
  /** Puts the message aside once it failed in the same words this often, over blocks and time. */
  deadLetter: z
    .strictObject({
      count: z.int().min(1).max(10_000),
      blocks: z.int().min(0).max(100_000),
      ms: z.int().min(0).max(86_400_000),
    })
    .optional(),
})

const payment = z.strictObject({
  matching: matchingListSchema.default([]),
  rule: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('none') }),
    /** Wei that must have been paid on the origin. */
    z.strictObject({ type: z.literal('minimum'), paymentWei: z.string().regex(/^\d{1,30}$/) }),
    /** Part of the delivery's gas that must have been paid for. */
    z.strictObject({
      type: z.literal('fraction'),
      numerator: z.int().min(0).max(1_000_000),
      denominator: z.int().min(1).max(1_000_000),
    }),
  ]),
})

const regular = (text: string | undefined): boolean => {
  if (text === undefined) return true
  try {
    return new RegExp(text).source !== ''
  } catch {
    return false
  }
}

/** Schema of everything that an operator may change while the relayer runs. */
export const policySchema = z
  .strictObject({
    /** Only these are relayed; empty means all. */
    whitelist: matchingListSchema.default([]),
    /** These are not. */
    blacklist: matchingListSchema.default([]),
    /** The first rule that fits decides; what fits none is relayed unpaid. */
    payment: z.array(payment).max(100).default([]),
    limits: z.array(limit).max(1_000).default([]),
    /** The first rule that fits decides. */
    errors: z.array(errorRule).min(1).max(100),
  })
  .refine(({ errors }) => errors.every(({ pattern }) => regular(pattern)), {
    path: ['errors'],
    message: 'a pattern is no regular expression',
  })

/** Everything that an operator may change while the relayer runs. */
export type Policy = z.infer<typeof policySchema>

/** What a relayer does before anyone says otherwise. */
export const DEFAULT_POLICY: Policy = policySchema.parse({
  errors: [
    {
      name: 'revert_known',
      pattern: 'paus|rate.?limit|not.?ready|too early|ism_reverts|verification|!module|verify',
      retryFirstMs: 1_000,
      retryMaxMs: 30_000,
    },
    {
      name: 'revert_permanent',
      retryFirstMs: 500,
      retryMaxMs: 60_000,
      deadLetter: { count: 6, blocks: 5, ms: 15_000 },
    },
  ],
})

/** What a matching list looks at. */
export type Matchable = {
  id: string
  origin: number
  sender: string
  destination: number
  recipient: string
  raw: string
}

/** Says whether a message is on a matching list. */
export function isListed(list: MatchingList, message: Matchable): boolean {
  return list.some((line) => {
    return (
      fits(line.messageid, message.id) &&
      fits(line.origindomain, message.origin) &&
      fits(line.senderaddress, message.sender) &&
      fits(line.destinationdomain, message.destination) &&
      fits(line.recipientaddress, message.recipient) &&
      (line.bodyregex === undefined || new RegExp(line.bodyregex).test(message.raw.slice(156)))
    )
  })
}

function fits(
  wanted: string | number | readonly (string | number)[],
  actual: string | number,
): boolean {
  if (wanted === '*') return true
  const one = (item: string | number) => {
    if (typeof item === 'number') return item === actual
    // An address stands for the word that ends in it.
    const [a, b] = [item.slice(2).toLowerCase(), String(actual).slice(2).toLowerCase()]
    return a.padStart(64, '0') === b.padStart(64, '0')
  }
  return Array.isArray(wanted) ? wanted.some(one) : one(wanted as string | number)
}

/** What a failed delivery leads to. */
export type Verdict =
  | { type: 'retry'; rule: string; delayMs: number; failure: Failure }
  | { type: 'dead_letter'; reason: Reason }

/** Decides what becomes of a message whose delivery failed: the first rule that fits. */
export function judgeFailure(
  { errors }: Pick<Policy, 'errors'>,
  input: {
    text: string
    attempts: number
    before: Failure | undefined
    headNumber: number
    nowMs: number
  },
): Verdict {
  const { text, attempts, before, headNumber, nowMs } = input
  const failure: Failure =
    before?.text === text
      ? { ...before, count: before.count + 1 }
      : { text, count: 1, sinceBlock: headNumber, sinceMs: nowMs }
  const rule = errors.find(
    ({ pattern }) => pattern === undefined || new RegExp(pattern, 'i').test(text),
  )
  if (rule === undefined) return { type: 'retry', rule: 'none', delayMs: 60_000, failure }
  const { deadLetter, name } = rule
  if (
    deadLetter !== undefined &&
    failure.count >= deadLetter.count &&
    headNumber - failure.sinceBlock >= deadLetter.blocks &&
    nowMs - failure.sinceMs >= deadLetter.ms
  ) {
    const times = `${failure.count} times since block ${failure.sinceBlock}`
    return { type: 'dead_letter', reason: { code: name, text: `${text} (${times})` } }
  }
  const delayMs = Math.min(rule.retryFirstMs * 2 ** Math.min(attempts, 20), rule.retryMaxMs)
  return { type: 'retry', rule: name, delayMs, failure }
}

/** One thing that a new policy changes. */
export type PolicyChange = { path: string; before: unknown; after: unknown }

/** Lists what a new policy changes, place by place. */
export function diffPolicies(before: unknown, after: unknown, path = ''): readonly PolicyChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [{ path: path === '' ? '.' : path, before, after }]
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name) => diffPolicies(before[name], after[name], `${path}.${name}`))
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** A bucket that a delivery draws from, and how much. */
export type Draw = { key: string; amount: number; perMinute: number }

/** What a message carries: an asset of the pool and an amount in the ledger's 18 decimals. */
export type Carried = { asset: number; amount18: bigint }

/** Lists the buckets that a delivery draws from. */
export function drawsOf(
  { limits }: Pick<Policy, 'limits'>,
  message: { origin: number; destination: number; class: MessageClass },
  { tier, carried }: { tier: 'fast' | 'safe'; carried: Carried | undefined },
): readonly Draw[] {
  return limits.flatMap((line, index) => {
    const { origin, destination, asset } = line
    if (origin !== undefined && origin !== message.origin) return []
    if (destination !== undefined && destination !== message.destination) return []
    if (line.class !== undefined && line.class !== message.class) return []
    if (asset !== undefined && asset !== carried?.asset) return []
    const limits = line[tier]
    if (limits === undefined) return tier === 'fast' ? [none(index)] : []
    const key = `${index}.${message.origin}.${message.destination}.${message.class}.${tier}`
    const draws: Draw[] = []
    const { countPerMinute, unitsPerMinute } = limits
    if (countPerMinute !== undefined) {
      draws.push({ key: `${key}.count`, amount: 1, perMinute: countPerMinute })
    }
    if (unitsPerMinute !== undefined && carried !== undefined) {
      // Rounded up to whole units: dust counts.
      const amount = Number((carried.amount18 + 10n ** 18n - 1n) / 10n ** 18n)
      draws.push({ key: `${key}.units.${carried.asset}`, amount, perMinute: unitsPerMinute })
    }
    return draws
  })
}

const none = (index: number): Draw => ({ key: `${index}.none`, amount: 1, perMinute: 0 })

/** Says whether some line allows deliveries before finality on a message's way. */
export function allowsFast(
  { limits }: Pick<Policy, 'limits'>,
  message: { origin: number; destination: number; class: MessageClass },
): boolean {
  return limits.some(({ origin, destination, fast, ...line }) => {
    return (
      fast !== undefined &&
      (origin === undefined || origin === message.origin) &&
      (destination === undefined || destination === message.destination) &&
      (line.class === undefined || line.class === message.class)
    )
  })
}

/** What was paid on the origin for a message's delivery. */
export type Payment = { paymentWei: bigint; gas: bigint }

/** Says why a message's delivery is not paid for; undefined when it is, or need not be. */
export function unpaidReason(
  { payment: rules }: Pick<Policy, 'payment'>,
  message: Matchable,
  { paid, gasNeeded }: { paid: Payment; gasNeeded: bigint | undefined },
): string | undefined {
  const rule = rules.find(
    ({ matching }) => matching.length === 0 || isListed(matching, message),
  )?.rule
  if (rule === undefined || rule.type === 'none') return undefined
  if (rule.type === 'minimum') {
    const needed = BigInt(rule.paymentWei)
    if (paid.paymentWei >= needed) return undefined
    return `${paid.paymentWei} wei paid; ${needed} required`
  }
  if (gasNeeded === undefined) return paid.gas > 0n ? undefined : 'no gas paid for'
  const { numerator, denominator } = rule
  if (paid.gas * BigInt(denominator) >= gasNeeded * BigInt(numerator)) return undefined
  return `${paid.gas} gas paid for; ${numerator}/${denominator} of ${gasNeeded} required`
}

const AMOUNT_TYPES: ReadonlySet<number> = new Set([1, 2, 3])

/** Reads the amount that a message of ours carries: deposits and payments do. */
export function carriedBy(raw: string): Carried | undefined {
  const body = raw.slice(2 + 2 * 77)
  if (!AMOUNT_TYPES.has(Number.parseInt(body.slice(2, 4), 16))) return undefined
  const words = body.slice(38)
  if (words.length < 128) return undefined
  const asset = Number.parseInt(words.slice(56, 64), 16)
  return { asset, amount18: BigInt(`0x${words.slice(64, 128)}`) }
}
