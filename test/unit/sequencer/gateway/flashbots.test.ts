import { concatHex, hashMessage, keccak256, type Address } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askAsFlashbots } from '../../../fixtures/flashbots-client.ts'
import { chainId, senders, signedLeg, type Sender } from '../../../fixtures/rollup/driver.ts'
import { testGateway, type TestGateway, type WireAnswer } from '../../../fixtures/rollup/gateway.ts'
import { sequencerDouble, type Reached } from '../../../fixtures/rollup/sequencer-double.ts'

const [alice, bob] = senders as [Sender, Sender]
const to = `0x${'ab'.repeat(20)}` as const
const replacementUuid = '6f1f1b0e-7a53-4f44-9c43-6f0a3f9f1d6e'
let gateway: TestGateway
let reached: Reached[]

beforeEach(async () => {
  const double = sequencerDouble()
  reached = double.reached
  gateway = await testGateway(double.port)
})
afterEach(async () => {
  await gateway.close()
})

type Change = { signer?: Sender; says?: Address; path?: string; change?: string }

const ask = (
  method: string,
  params: unknown[],
  { signer = alice, path = '/', ...header }: Change = {},
) => askAsFlashbots(`${gateway.url}${path}`, signer, { method, params, ...header })

describe('eth_sendBundle of Flashbots’ clients', () => {
  test('is answered with the hash that they compute, the signer of the body owns it', async () => {
    const legs = [await signedLeg(alice, 0, { to }), await signedLeg(alice, 1, { to })]
    const request = {
      txs: legs.map(({ rawTx }) => rawTx),
      blockNumber: '0x00b63dcd',
      minTimestamp: 0,
      maxTimestamp: 0,
      revertingTxHashes: [legs[0]!.hash],
      replacementUuid,
      builders: null,
    }
    const { result } = await ask('eth_sendBundle', [request], { signer: bob })
    expect(result).toMatchObject({
      bundleHash: keccak256(concatHex(legs.map(({ hash }) => hash))),
      entryId: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    })
    expect(reached).toMatchObject([
      {
        method: 'acceptBundle',
        argument: {
          owner: bob.address.toLowerCase(),
          blockNumber: 0xb63dcd,
          canRevert: [true, false],
          maxTimestamp: undefined,
        },
      },
    ])
  })

  test('is served at the rollup’s own address too', async () => {
    const { rawTx } = await signedLeg(alice, 0, { to })
    const path = `/chain/${chainId}`
    const { result } = await ask('eth_sendBundle', [{ txs: [rawTx] }], { path })
    expect(result).toMatchObject({ receipt: { preconfirmation: { slot: '0x7' } } })
  })

  test.each([
    ['another key than it says', { says: bob.address }],
    ['another body', { change: ' ' }],
  ])('is refused when the header is by %s', async (_what, change) => {
    const { rawTx } = await signedLeg(alice, 0, { to })
    const { id, error } = await ask('eth_sendBundle', [{ txs: [rawTx] }], change)
    expect(id).toBe(1)
    expect(error?.data).toMatchObject({
      name: 'BAD_SIGNATURE',
      values: { what: 'X-Flashbots-Signature' },
      refusal: expect.any(Object),
    })
    expect(reached).toEqual([])
  })

  test('is refused when the header has another form', async () => {
    const { rawTx } = await signedLeg(alice, 0, { to })
    const body = JSON.stringify({
      ...{ jsonrpc: '2.0', id: 1, method: 'eth_sendBundle', params: [{ txs: [rawTx] }] },
    })
    for (const header of ['', alice.address, `${alice.address}:0x12`, hashMessage(body)]) {
      const response = await fetch(gateway.url, {
        method: 'POST',
        headers: { 'X-Flashbots-Signature': header },
        body,
      })
      const { error } = (await response.json()) as WireAnswer
      expect(error?.data?.name).toBe('BAD_SIGNATURE')
    }
    expect(reached).toEqual([])
  })

  test.each(['refundPercent', 'refundRecipient', 'refundTxHashes', 'delayedRefund', 'uuid'])(
    'is refused with %s, by name: nothing here does it',
    async (name) => {
      const { rawTx } = await signedLeg(alice, 0, { to })
      const { error } = await ask('eth_sendBundle', [{ txs: [rawTx], [name]: 1 }])
      expect(error?.data).toMatchObject({
        name: 'INVALID_REQUEST',
        values: { path: `params.0.${name}`, rule: expect.stringContaining(name) },
      })
      expect(reached).toEqual([])
    },
  )
})

describe('eth_cancelBundle of Flashbots’ clients', () => {
  test('names the bundle alone; the signer of the body is whose it must be', async () => {
    const { result } = await ask('eth_cancelBundle', [{ replacementUuid }], { signer: bob })
    expect(result).toEqual([expect.stringMatching(/^0x[0-9a-f]{64}$/)])
    expect(reached).toMatchObject([
      { argument: { owner: bob.address.toLowerCase(), replacementUuid } },
    ])
  })

  test('is refused when nobody signed it', async () => {
    const { error } = await gateway.call('/', 'eth_cancelBundle', [{ replacementUuid }])
    expect(error?.data).toMatchObject({
      name: 'INVALID_REQUEST',
      values: { rule: expect.stringContaining('X-Flashbots-Signature') },
    })
    expect(reached).toEqual([])
  })
})

test('eth_callBundle of what cannot run at all is an error, since its results say nothing', async () => {
  const { rawTx } = await signedLeg(alice, 0, { to })
  const { error } = await ask('eth_callBundle', [{ txs: [rawTx], stateBlockNumber: 'latest' }])
  expect(error?.data?.name).toBe('LEG_FAILED')
})
