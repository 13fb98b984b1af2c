import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CONTROL_AGE_MS, resumeChainTypes } from '../../../../sdk/protocol/control.ts'
import { TandemError } from '../../../../sdk/protocol/errors.ts'
import { tandemDomain } from '../../../../sdk/protocol/feeds.ts'
import type { Address, Hash, Hex } from '../../../../sdk/protocol/hex.ts'
import { testGateway, type TestGateway } from '../../../fixtures/rollup/gateway.ts'
import { logId, sequencerDouble } from '../../../fixtures/rollup/sequencer-double.ts'

const operator = privateKeyToAccount(`0x${'11'.repeat(32)}`)
const stranger = privateKeyToAccount(`0x${'22'.repeat(32)}`)
let gateway: TestGateway
let resumed: number[]
let reason: string | undefined

beforeEach(async () => {
  resumed = []
  reason = undefined
  const { port } = sequencerDouble({
    resume: async (chainId) => {
      resumed.push(chainId)
      if (reason !== undefined) throw new TandemError('RESUME_FAILED', { chainId, reason })
      return { number: 9, hash: logId, timestampS: 1 }
    },
  })
  const own = { operator: operator.address.toLowerCase() as Address }
  gateway = await testGateway(port, undefined, own)
})
afterEach(() => gateway.close())

async function order(
  options: { by?: typeof operator; log?: Hash; issuedAtMs?: number; signature?: Hex } = {},
) {
  const { by = operator, log = logId, issuedAtMs = Date.now() } = options
  const signature = await by.signTypedData({
    domain: tandemDomain(log),
    types: resumeChainTypes,
    primaryType: 'ResumeChain',
    message: { chainId: 902n, issuedAtMs: BigInt(issuedAtMs) },
  })
  return gateway.call('/', 'tandem_resumeChain', [
    { chainId: 902, issuedAtMs, signature: options.signature ?? signature },
  ])
}

describe('tandem_getNativeProof', () => {
  const account = `0x${'a1'.repeat(32)}`

  test('answers for a leaf by kind, account and id', async () => {
    const id = { kind: 'position', account, id: `${1n << 255n}` }
    const { result } = await gateway.call('/', 'tandem_getNativeProof', [id])
    expect(result).toMatchObject({ id, slot: 7, root: logId })
  })

  test.each([
    ['without its account', { kind: 'claim', id: '1' }],
    ['with an account that has none', { kind: 'pool', account, id: '1' }],
    ['of a kind that is none', { kind: 'orders', account, id: '1' }],
    ['beyond 256 bits', { kind: 'claim', account, id: `${1n << 256n}` }],
  ])('refuses a leaf %s', async (_what, id) => {
    const { error } = await gateway.call('/', 'tandem_getNativeProof', [id])
    expect(error?.data?.name ?? error?.code).toBeOneOf(['INVALID_REQUEST', -32602])
  })
})

describe('tandem_resumeChain', () => {
  test('is taken from the sequencer’s own key, and answers the head', async () => {
    expect((await order()).result).toEqual({ chainId: 902, number: 9, hash: logId })
    expect(resumed).toEqual([902])
  })

  test('says why the rollup stays stopped', async () => {
    reason = 'block 9 has status 1; found: 0'
    expect((await order()).error?.data).toMatchObject({ name: 'RESUME_FAILED', values: { reason } })
  })

  test.each([
    ['by another key', { by: stranger }, 'BAD_SIGNATURE'],
    ['for another network', { log: `0x${'cc'.repeat(32)}` as Hash }, 'BAD_SIGNATURE'],
    ['that nobody signed', { signature: `0x${'00'.repeat(65)}` as Hex }, 'BAD_SIGNATURE'],
    ['of long ago', { issuedAtMs: Date.now() - CONTROL_AGE_MS - 5_000 }, 'INVALID_REQUEST'],
    ['of tomorrow', { issuedAtMs: Date.now() + CONTROL_AGE_MS + 5_000 }, 'INVALID_REQUEST'],
  ])('refuses an order %s', async (_what, options, name) => {
    expect((await order(options)).error?.data?.name).toBe(name)
    expect(resumed).toEqual([])
  })
})
