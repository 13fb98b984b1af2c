import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tandemDomain } from '../../../../sdk/protocol/feeds.ts'
import { cancelBundleTypes } from '../../../../sdk/protocol/bundle.ts'
import { LIMITS } from '../../../../sdk/protocol/limits.ts'
import { chainId, senders, signedLeg, type Sender } from '../../../fixtures/rollup/driver.ts'
import { testGateway, type TestGateway } from '../../../fixtures/rollup/gateway.ts'
import { logId, sequencerDouble, type Reached } from '../../../fixtures/rollup/sequencer-double.ts'

const [alice, bob] = senders as [Sender, Sender]
const to = `0x${'ab'.repeat(20)}` as const
const uuid = '6f1f1b0e-7a53-4f44-9c43-6f0a3f9f1d6e'
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

const request = (change: Record<string, unknown>) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [], ...change })

describe('a request that is not JSON-RPC', () => {
  test.each([
    ['no JSON', '{', -32700],
    ['empty', '', -32700],
    ['no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), -32700],
    ['a number', '7', -32600],
    ['null', 'null', -32600],
    ['an empty array', '[]', -32600],
    ['another version', request({ jsonrpc: '1.0' }), -32600],
    ['no id', JSON.stringify({ jsonrpc: '2.0', method: 'eth_chainId' }), -32600],
    ['an object as id', request({ id: {} }), -32600],
    ['a number as method', request({ method: 7 }), -32600],
    ['an object as params', request({ params: {} }), -32600],
    ['a method that nobody serves', request({ method: 'eth_doIt' }), -32601],
    ['a method of every object', request({ method: 'constructor' }), -32601],
  ])('%s: says code, rule and place', async (_what, body, code) => {
    for (const path of ['/', `/chain/${chainId}`]) {
      const { error } = await gateway.post(path, body)
      expect(error?.code).toBe(code)
      expect(error?.data?.name).toBe('INVALID_REQUEST')
      expect(error?.data?.values).toMatchObject({ rule: expect.any(String) })
    }
    expect(reached).toEqual([])
    expect(gateway.failures).toEqual([])
  })

  test('depth without end does not bring it down', async () => {
    const deep = '['.repeat(400_000) + ']'.repeat(400_000)
    const body = `{"jsonrpc":"2.0","id":1,"method":"eth_sendBundle","params":${deep}}`
    const { error } = await gateway.post('/', body)
    expect(error?.code).toBe(-38000)
    expect(gateway.failures).toEqual([])
  })

  test('a body above the limit is refused with its size', async () => {
    const { error } = await gateway.post('/', 'x'.repeat(LIMITS.rpcBodyBytes + 1))
    expect(error).toMatchObject({
      code: -38001,
      data: { values: { limit: LIMITS.rpcBodyBytes } },
    })
  })

  test('more requests in an array than the limit are refused', async () => {
    const one = { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }
    const many = Array.from({ length: LIMITS.rpcBatch + 1 }, () => one)
    const { error } = await gateway.post(`/chain/${chainId}`, JSON.stringify(many))
    expect(error).toMatchObject({ code: -38001, data: { values: { actual: 101, limit: 100 } } })
  })

  test('an array is answered one by one, in order', async () => {
    const body = JSON.stringify([
      { jsonrpc: '2.0', id: 'a', method: 'eth_chainId', params: [] },
      { jsonrpc: '2.0', id: 'b', method: 'evm_mine', params: [] },
    ])
    const answers = await gateway.post(`/chain/${chainId}`, body)
    expect(answers.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(answers[0]?.result).toBe('0x386')
    expect(answers[1]?.error?.code).toBe(-32601)
  })

  test('a chain that is not sequenced is named with those that are', async () => {
    const { error } = await gateway.call('/chain/7777', 'eth_chainId', [])
    expect(error).toMatchObject({
      code: -38002,
      data: { name: 'UNKNOWN_CHAIN', values: { chainId: '7777', known: '902' } },
    })
  })

  test.each([
    ...['anvil_setBalance', 'evm_snapshot', 'hardhat_setBalance', 'debug_traceTransaction'],
    ...['trace_block', 'eth_sendTransaction', 'eth_sign', 'personal_sign', 'txpool_content'],
  ])('%s is refused by name', async (method) => {
    const { error } = await gateway.call(`/chain/${chainId}`, method, [])
    expect(error?.code).toBe(-32601)
    expect(error?.data?.values).toMatchObject({ path: `method ${method}` })
  })
})

describe('eth_sendBundle', () => {
  const bundle = async (change: Record<string, unknown> = {}) => {
    const leg = await signedLeg(alice, 0, { to })
    return { txs: [{ chainId, rawTx: leg.rawTx }], ...change }
  }

  test('hands the decoded bundle on and answers its hash and receipt', async () => {
    const leg = await signedLeg(alice, 3, { to, value: 5n })
    const { result } = await gateway.call('/', 'eth_sendBundle', [
      {
        txs: [{ chainId, rawTx: leg.rawTx }],
        minSlot: '0x10',
        maxSlot: 40,
        revertingTxHashes: [leg.hash],
        replacementUuid: uuid,
        salt: `0x${'5a'.repeat(32)}`,
      },
    ])
    expect(reached).toMatchObject([
      {
        method: 'sendBundle',
        argument: {
          legs: [{ hash: leg.hash, from: alice.address.toLowerCase(), nonce: 3, value: 5n }],
          canRevert: [true],
          minSlot: 16n,
          maxSlot: 40n,
          replacementUuid: uuid,
        },
      },
    ])
    expect(result).toMatchObject({
      bundleHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      receipt: { preconfirmation: { slot: '0x7' } },
    })
  })

  test.each([
    ['no transactions', { txs: [] }, 'INVALID_REQUEST'],
    ['an unknown field', { refundPercent: 90 }, 'INVALID_REQUEST'],
    ['a dropped hash of no leg', { droppingTxHashes: [`0x${'11'.repeat(32)}`] }, 'REVERTING_HASH'],
    [
      'a storage root, which no node tells inside a slot',
      { conditional: { 902: { knownAccounts: { [to]: `0x${'11'.repeat(32)}` } } } },
      'UNSUPPORTED',
    ],
    ['a condition of no such kind', { conditional: { 902: { balance: 1 } } }, 'INVALID_REQUEST'],
    ['a slot below zero', { minSlot: -1 }, 'INVALID_REQUEST'],
    ['a slot that is text', { maxSlot: 'soon' }, 'INVALID_REQUEST'],
    ['slots turned around', { minSlot: 9, maxSlot: 8 }, 'INVALID_REQUEST'],
    ['times turned around', { minTimestamp: 9, maxTimestamp: 8 }, 'INVALID_REQUEST'],
    ['a name that is no UUID', { replacementUuid: 'mine' }, 'INVALID_REQUEST'],
    ['a hash of no leg', { revertingTxHashes: [`0x${'11'.repeat(32)}`] }, 'REVERTING_HASH'],
    ['a chain that is unknown', { txs: [{ chainId: 1, rawTx: '0x02' }] }, 'UNKNOWN_CHAIN'],
    [
      'bytes that are no transaction',
      { txs: [{ chainId, rawTx: '0x02c0' }] },
      'INVALID_TRANSACTION',
    ],
    ['too many legs', { txs: Array(17).fill({ chainId, rawTx: '0x02' }) }, 'TOO_LARGE'],
    ['a leg too large', { txs: [{ chainId, rawTx: `0x${'00'.repeat(70_000)}` }] }, 'TOO_LARGE'],
    [
      'legs too large together',
      { txs: Array(4).fill({ chainId, rawTx: `0x${'00'.repeat(40_000)}` }) },
      'TOO_LARGE',
    ],
  ])(
    '%s: refused with a signed refusal, and nothing reaches the log (I18)',
    async (_w, change, name) => {
      const { error } = await gateway.call('/', 'eth_sendBundle', [await bundle(change)])
      expect(error?.data).toMatchObject({
        name,
        values: expect.any(Object),
        refusal: { error: name, slot: '0x7', requestHash: expect.stringMatching(/^0x/) },
      })
      expect(error?.message).not.toMatch(/\{/)
      expect(reached).toEqual([])
    },
  )

  test('takes what Flashbots’ clients send: raw transactions, their block and limits', async () => {
    const [one, two] = [await signedLeg(alice, 0, { to }), await signedLeg(alice, 1, { to })]
    const { result } = await gateway.call('/', 'eth_sendBundle', [
      {
        txs: [one.rawTx, two.rawTx],
        blockNumber: '0x10',
        minTimestamp: 0,
        maxTimestamp: 0,
        revertingTxHashes: [one.hash],
        droppingTxHashes: [two.hash],
        replacementUuid: uuid,
        builders: ['flashbots'],
      },
    ])
    expect(result).toMatchObject({ bundleHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
    expect(reached).toMatchObject([
      {
        argument: {
          legs: [{ chainId }, { chainId }],
          canRevert: [true, false],
          legTerms: [{ canSkip: false }, { canSkip: true }],
          blockNumber: 16,
          maxTimestamp: undefined,
        },
      },
    ])
  })

  test('takes every term of a bundle by its name', async () => {
    const leg = await signedLeg(alice, 0, { to })
    const slot = `0x${'00'.repeat(32)}`
    const account = `0x${'1a'.repeat(32)}`
    await gateway.call('/', 'eth_sendBundle', [
      {
        txs: [
          {
            rawTx: leg.rawTx,
            canSkip: true,
            if: { blockNumberMin: '0x5', knownAccounts: { [to]: { [slot]: slot } } },
          },
        ],
        conditional: { 902: { timestampMax: 99 } },
        backrun: true,
        requireDelivery: [0],
        marginPredicate: { account, initialMin18: '-5' },
      },
    ])
    expect(reached).toMatchObject([
      {
        argument: {
          legTerms: [
            {
              canSkip: true,
              if: {
                blockNumberMin: 5,
                knownAccounts: [{ address: to.toLowerCase(), slots: [{ slot, value: slot }] }],
              },
            },
          ],
          conditional: [{ chainId: 902, timestampMax: 99 }],
          backrun: true,
          requireDelivery: [0],
          margin: { account, initialMin18: -5n },
        },
      },
    ])
  })

  test('a transaction cannot be two legs', async () => {
    const leg = await signedLeg(alice, 0, { to })
    const tx = { chainId, rawTx: leg.rawTx }
    const { error } = await gateway.call('/', 'eth_sendBundle', [{ txs: [tx, tx] }])
    expect(error?.data?.name).toBe('INVALID_REQUEST')
  })

  test('eth_callBundle shows why it would be refused', async () => {
    const { result } = await gateway.call('/', 'eth_callBundle', [await bundle()])
    expect(result).toMatchObject({ slot: '0x8', refusal: { name: 'LEG_FAILED' } })
    expect(reached).toEqual([])
  })

  test('eth_callBundle answers in Flashbots’ shape', async () => {
    const leg = await signedLeg(alice, 0, { to })
    const txs = [{ rawTx: leg.rawTx }]
    const request = { txs, blockNumber: '0x5', stateBlockNumber: 'latest' }
    const { result } = await gateway.call('/', 'eth_callBundle', [request])
    expect(result).toMatchObject({
      bundleHash: expect.stringMatching(/^0x/),
      bundleGasPrice: '0',
      coinbaseDiff: '0',
      ethSentToCoinbase: '0',
      gasFees: '0',
      totalGasUsed: 0,
      stateBlockNumber: 0,
      results: [],
    })
  })
})

describe('eth_cancelBundle', () => {
  const message = { replacementUuid: uuid, sender: alice.address }
  const signedBy = async (signer: Sender, domainLogId = logId) =>
    await signer.signTypedData({
      domain: tandemDomain(domainLogId),
      types: cancelBundleTypes,
      primaryType: 'CancelBundle',
      message: { ...message, sender: alice.address.toLowerCase() as `0x${string}` },
    })

  test('the sender can cancel', async () => {
    const signature = await signedBy(alice)
    await gateway.call('/', 'eth_cancelBundle', [{ ...message, signature }])
    expect(reached).toMatchObject([
      { argument: { owner: alice.address.toLowerCase(), replacementUuid: uuid } },
    ])
  })

  test('nobody else can, nor with a signature for another network', async () => {
    const other = `0x${'c'.repeat(64)}` as const
    for (const signature of [
      await signedBy(bob),
      await signedBy(alice, other),
      `0x${'00'.repeat(65)}`,
      `0x${'ff'.repeat(65)}`,
    ]) {
      const { error } = await gateway.call('/', 'eth_cancelBundle', [{ ...message, signature }])
      expect(error?.data).toMatchObject({ name: 'BAD_SIGNATURE', refusal: expect.any(Object) })
    }
    expect(reached).toEqual([])
  })
})

describe('tandem_publishMarks', () => {
  const marks = {
    update: {
      underlying: 1,
      sequence: '7',
      timestampMs: 1,
      spot8: '7000000000000',
      spotConfidence4: 10_000,
      stable8: '100000000',
      expiries: [
        {
          expiryS: 1,
          forward8: '1',
          rate6: -5,
          a9: '-5',
          b9: '1',
          rho9: '-700000000',
          m9: '0',
          s9: '1',
          tauS: 60,
          confidence4: 10_000,
        },
      ],
    },
    signatures: [`0x${'11'.repeat(65)}`],
  }

  test('takes integers as decimal text', async () => {
    await gateway.call('/', 'tandem_publishMarks', [marks])
    expect(reached).toMatchObject([
      { argument: { update: { sequence: 7n, expiries: [{ a9: -5n, rho9: -700_000_000n }] } } },
    ])
  })

  test('refuses numbers that would lose digits, and too many expiries', async () => {
    const loose = { ...marks, update: { ...marks.update, spot8: 7e12 } }
    const crowded = {
      ...marks,
      update: { ...marks.update, expiries: Array(31).fill(marks.update.expiries[0]) },
    }
    const first = await gateway.call('/', 'tandem_publishMarks', [loose])
    const second = await gateway.call('/', 'tandem_publishMarks', [crowded])
    expect(first.error?.data?.name).toBe('INVALID_REQUEST')
    expect(second.error?.data).toMatchObject({
      name: 'TOO_LARGE',
      values: { actual: 31, limit: 30 },
    })
    expect(reached).toEqual([])
  })
})

describe('besides JSON-RPC', () => {
  test('status is the same over REST and JSON-RPC', async () => {
    const { result } = await gateway.call('/', 'tandem_status', [])
    expect(result).toMatchObject({ slot: 7, superblock: 3, marksSeq: 2 })
    expect(await (await fetch(`${gateway.url}/v1/status`)).json()).toEqual(result)
  })

  test('health and metrics are served', async () => {
    await gateway.call('/', 'tandem_status', [])
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    expect(metrics).toMatch(
      /tandem_gateway_requests_total\{endpoint="sequencer",method="tandem_status",outcome="ok"\} 1/,
    )
    const names = [
      ...['tandem_slot_height 7', 'tandem_superblock 3', 'tandem_entries_queued 0'],
      ...['tandem_entries_held 0', 'tandem_slot_timestamp_seconds 0.001'],
      ...['tandem_gateway_websockets 0', 'tandem_gateway_feed_readers 0'],
    ]
    for (const name of names) expect(metrics).toContain(name)
  })
})
