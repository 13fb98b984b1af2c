import { expect, test } from 'vitest'
import {
  allowsFast,
  carriedBy,
  DEFAULT_POLICY,
  diffPolicies,
  drawsOf,
  isListed,
  judgeFailure,
  matchingListSchema,
  policySchema,
  unpaidReason,
} from '../../../relayer/core/policy.ts'
import { batchGasLimitUp, batchLength, deliveryGasLimitUp } from '../../../relayer/core/batch.ts'
import { parseRoles } from '../../../relayer/core/roles.ts'
import { readRecord, type MessageRecord } from '../../../relayer/core/stages.ts'

const word = (digit: string): `0x${string}` => `0x${'0'.repeat(24)}${digit.repeat(40)}`
const message = {
  id: `0x${'ab'.repeat(32)}`,
  origin: 901,
  destination: 902,
  sender: word('1'),
  recipient: word('2'),
  raw: `0x${'00'.repeat(77)}cafe`,
  class: 'transfer' as const,
}

test('a matching list takes the fields of Hyperlane’s: stars, one value, several, short addresses', () => {
  const listed = (line: object) => isListed(matchingListSchema.parse([line]), message)
  expect(listed({})).toBe(true)
  expect(listed({ origindomain: 901, destinationdomain: [1, 902] })).toBe(true)
  expect(listed({ origindomain: 902 })).toBe(false)
  expect(listed({ senderaddress: `0x${'1'.repeat(40)}` })).toBe(true)
  expect(listed({ recipientaddress: word('1') })).toBe(false)
  expect(listed({ bodyregex: '^cafe$' })).toBe(true)
  expect(isListed([], message)).toBe(false)
})

test('a failure is retried, the longer the rarer, until it repeated often enough over blocks and time', () => {
  let before: ReturnType<typeof failureOf>
  const failureOf = (text: string, at: number, attempts: number) => {
    const headNumber = 100 + at
    const nowMs = at * 10_000
    const verdict = judgeFailure(DEFAULT_POLICY, { text, attempts, before, headNumber, nowMs })
    return verdict.type === 'retry' ? verdict.failure : undefined
  }
  const delays: number[] = []
  for (let at = 0; at < 5; at++) {
    const verdict = judgeFailure(DEFAULT_POLICY, {
      ...{ text: 'Broken()', attempts: at, before },
      ...{ headNumber: 100 + at, nowMs: at * 10_000 },
    })
    if (verdict.type === 'retry') delays.push(verdict.delayMs)
    before = failureOf('Broken()', at, at)
  }
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000])
  const last = { text: 'Broken()', attempts: 5, before, headNumber: 105, nowMs: 50_000 }
  expect(judgeFailure(DEFAULT_POLICY, last)).toMatchObject({
    type: 'dead_letter',
    reason: { code: 'revert_permanent', text: 'Broken() (6 times since block 100)' },
  })
  // Other words are another failure, and a pause is no reason to give up.
  expect(judgeFailure(DEFAULT_POLICY, { ...last, text: 'Other()' })).toMatchObject({
    failure: { count: 1 },
  })
  const paused = {
    ...last,
    text: 'Pausable: paused',
    before: { ...before!, text: 'Pausable: paused' },
  }
  expect(judgeFailure(DEFAULT_POLICY, { ...paused, nowMs: 10 ** 9 })).toMatchObject({
    type: 'retry',
    rule: 'revert_known',
  })
})

test('a change of policy is told place by place', () => {
  const after = { ...DEFAULT_POLICY, limits: [{ safe: { countPerMinute: 1 } }] }
  expect(diffPolicies(DEFAULT_POLICY, after)).toEqual([
    { path: '.limits.0', before: undefined, after: { safe: { countPerMinute: 1 } } },
  ])
  expect(diffPolicies(after, structuredClone(after))).toEqual([])
  expect(policySchema.safeParse({ errors: [{ name: 'x', pattern: '(' }] }).success).toBe(false)
})

test('deliveries draw from the buckets of their way, fast and safe apart, amounts in whole units', () => {
  const policy = policySchema.parse({
    errors: [{ name: 'x' }],
    limits: [
      { destination: 902, fast: { unitsPerMinute: 10 }, safe: { countPerMinute: 5 } },
      { destination: 903, safe: { countPerMinute: 0 } },
    ],
  })
  const carried = { asset: 1, amount18: 10n ** 18n + 1n }
  expect(drawsOf(policy, message, { tier: 'fast', carried })).toMatchObject([
    { amount: 2, perMinute: 10 },
  ])
  expect(drawsOf(policy, message, { tier: 'safe', carried })).toMatchObject([
    { amount: 1, perMinute: 5 },
  ])
  expect(allowsFast(policy, message)).toBe(true)
  expect(allowsFast(policy, { ...message, destination: 903 })).toBe(false)
})

test('a message of ours tells its asset and amount, others tell none', () => {
  const body = `01010000000000000000${'00'.repeat(9)}`
  const words = [7n, 5n * 10n ** 18n].map((value) => value.toString(16).padStart(64, '0')).join('')
  const raw = `0x${'00'.repeat(77)}${body}${words}`
  expect(carriedBy(raw)).toEqual({ asset: 7, amount18: 5n * 10n ** 18n })
  expect(carriedBy(message.raw)).toBeUndefined()
})

test('the first rule of payment that fits decides, and says what was paid and what is required', () => {
  const rules = policySchema.parse({
    errors: [{ name: 'x' }],
    payment: [
      { matching: [{ origindomain: 990 }], rule: { type: 'none' } },
      { matching: [{ origindomain: 901 }], rule: { type: 'minimum', paymentWei: '10' } },
      { rule: { type: 'fraction', numerator: 1, denominator: 2 } },
    ],
  })
  const why = (origin: number, paid: { paymentWei: bigint; gas: bigint }) =>
    unpaidReason(rules, { ...message, origin }, { paid, gasNeeded: 100_000n })
  const nothing = { paymentWei: 0n, gas: 0n }
  expect(why(990, nothing)).toBeUndefined()
  expect(why(901, nothing)).toBe('0 wei paid; 10 required')
  expect(why(901, { paymentWei: 10n, gas: 0n })).toBeUndefined()
  expect(why(1, { paymentWei: 0n, gas: 49_999n })).toContain('1/2 of 100000')
  expect(why(1, { paymentWei: 0n, gas: 50_000n })).toBeUndefined()
})

test('a batch ends where its gas, its bytes or its number would be too much, and holds one at least', () => {
  const limits = { messagesMax: 4, gasMax: 1_000_000n, bytesMax: 1_000 }
  const item = { gas: 100_000n, bytes: 200 }
  expect(batchLength(Array(9).fill(item), limits)).toBe(4)
  expect(batchLength(Array(9).fill({ ...item, bytes: 400 }), limits)).toBe(2)
  expect(batchLength(Array(9).fill({ ...item, gas: 400_000n }), limits)).toBe(2)
  expect(batchLength([{ gas: 9_000_000n, bytes: 9_000 }], limits)).toBe(1)
  expect(batchLength([], limits)).toBe(0)
  expect(batchGasLimitUp([item, item])).toBeGreaterThan(2n * item.gas + 21_000n)
  expect(deliveryGasLimitUp(100_000n)).toBe(145_000n)
})

test('roles are read as they are listed; a word that is none is named', () => {
  expect(parseRoles('indexer, api')).toEqual({ status: 'ok', roles: new Set(['indexer', 'api']) })
  expect(parseRoles('indexer,judge')).toEqual({ status: 'unknown', word: 'judge' })
})

test('a record of the version before is read as one of today; a later one is named', () => {
  const old = { version: 1, id: '0x1', stage: 'seen' } as unknown as MessageRecord
  expect(readRecord(old)).toMatchObject({ version: 2, id: '0x1', stage: 'seen' })
  expect(readRecord({ ...old, version: 3 } as unknown as MessageRecord)).toEqual({ unknown: 3 })
})
