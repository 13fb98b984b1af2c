import { join } from 'node:path'
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  encodeAbiParameters,
  http,
  webSocket,
  type Hex,
} from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import { connectIpc, type IpcConnection } from '../../sequencer/shell/drivers/ipc.ts'
import {
  chainId,
  senders,
  signedLeg,
  testRollup,
  type Sender,
  type TestRollup,
} from '../fixtures/rollup/driver.ts'
import { testGateway, type TestGateway } from '../fixtures/rollup/gateway.ts'
import { instantSequencer } from '../fixtures/rollup/instant-sequencer.ts'

const [alice, bob, carol, dave, erin] = senders as [Sender, Sender, Sender, Sender, Sender]
/** Transactions that are taken and come into no block. */
const held = new Set<Hex>()
const someone = `0x${'ab'.repeat(20)}` as const
/** Stores the first word of its input under that word and logs it with the topics 7 and the word. */
const logger = `0x${'aa'.repeat(20)}` as const
const code = '0x6000358055600035600760205f35815f52a200' satisfies Hex
/** Reverts with its input. */
const reverter = `0x${'bb'.repeat(20)}` as const
const revertCode = '0x365f5f37365ffd' satisfies Hex

let rollup: TestRollup
let gateway: TestGateway
let node: IpcConnection
let mine: ReturnType<typeof instantSequencer>['mine']
const chain = defineChain({
  id: chainId,
  name: 'alpha',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [] } },
})
const word = (value: number) => encodeAbiParameters([{ type: 'uint256' }], [BigInt(value)])
const path = `/chain/${chainId}`
const ask = async (method: string, params: unknown[]) => {
  const { result, error } = await gateway.call(path, method, params)
  if (error !== undefined) throw new Error(JSON.stringify(error))
  return result
}

beforeAll(async () => {
  rollup = testRollup({ [logger]: { code }, [reverter]: { code: revertCode } })
  const block = await rollup.driver.start()
  node = await connectIpc(join(rollup.options.directory, `${chainId}.ipc`))
  const sequencer = instantSequencer(rollup, () => gateway.history, held)
  mine = sequencer.mine
  gateway = await testGateway(sequencer.port, rollup.driver)
  gateway.history.apply({ superblock: 0, slot: 0n, blocks: [{ chainId, block, legs: [] }] })
  await mine([])
  await mine([
    await signedLeg(carol, 0, { to: logger, data: word(1) }),
    await signedLeg(carol, 1, { to: reverter, data: word(2) }),
    await signedLeg(carol, 2, { to: someone, value: 5n }),
    await signedLeg(bob, 0, { to: logger, data: word(3) }),
  ])
})
afterAll(async () => {
  node?.close()
  await gateway?.close()
  await rollup?.close()
})

describe('history answers as the node itself does', () => {
  /** What the node adds or words differently, and no client needs. */
  function comparable(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(comparable)
    if (typeof value !== 'object' || value === null) return value
    const skipped = new Set(['blobGasPrice', 'blockTimestamp', 'requestsHash', 'size'])
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key, inner]) => !skipped.has(key) && inner !== undefined)
        .map(([key, inner]) => [key, comparable(inner)]),
    )
  }

  test.each([
    ['eth_getBlockByNumber', ['0x3', false]],
    ['eth_getBlockByNumber', ['0x3', true]],
    ['eth_getBlockByNumber', ['latest', false]],
    ['eth_getBlockByNumber', ['earliest', false]],
    ['eth_getBlockReceipts', ['0x3']],
    ['eth_getLogs', [{ fromBlock: '0x1', toBlock: 'latest' }]],
    [
      'eth_getLogs',
      [{ fromBlock: '0x3', toBlock: '0x3', address: logger, topics: [null, word(3)] }],
    ],
    ['eth_getLogs', [{ fromBlock: '0x3', toBlock: '0x3', topics: [[word(7), word(8)], word(9)] }]],
    ['eth_getTransactionByBlockNumberAndIndex', ['0x3', '0x1']],
    ['eth_getBlockTransactionCountByNumber', ['0x3']],
  ])('%s %j', async (method, params) => {
    expect(comparable(await ask(method, params))).toEqual(
      comparable(await node.call(method, params)),
    )
  })

  test('transactions and receipts by hash', async () => {
    const { transactions } = (await ask('eth_getBlockByNumber', ['0x3', false])) as {
      transactions: Hex[]
    }
    expect(transactions.length).toBe(4)
    for (const hash of transactions) {
      for (const method of ['eth_getTransactionByHash', 'eth_getTransactionReceipt']) {
        expect(comparable(await ask(method, [hash]))).toEqual(
          comparable(await node.call(method, [hash])),
        )
      }
    }
  })

  test('what nobody knows is null', async () => {
    const unknown = `0x${'99'.repeat(32)}`
    expect(await ask('eth_getTransactionByHash', [unknown])).toBeNull()
    expect(await ask('eth_getTransactionReceipt', [unknown])).toBeNull()
    expect(await ask('eth_getBlockByHash', [unknown, false])).toBeNull()
    expect(await ask('eth_getBlockByNumber', ['0xffff', false])).toBeNull()
  })
})

describe('a client that knows nothing of Tandem', () => {
  const transport = () => http(`${gateway.url}${path}`)

  test('sends, waits, reads, estimates and decodes a revert', async () => {
    const reader = createPublicClient({ chain, transport: transport(), pollingInterval: 20 })
    const wallet = createWalletClient({ account: alice, chain, transport: transport() })
    const hash = await wallet.sendTransaction({ to: logger, data: word(42) })
    const receipt = await reader.waitForTransactionReceipt({ hash })
    expect(receipt.status).toBe('success')
    expect(receipt.logs[0]?.topics[0]).toBe(word(7))
    expect(receipt.effectiveGasPrice).toBe(1_000_000_000n)
    expect(await reader.getStorageAt({ address: logger, slot: word(42) })).toBe(word(42))
    expect(await reader.getTransactionCount({ address: alice.address })).toBe(1)
    expect(await reader.getGasPrice()).toBe(1_000_000_000n)
    expect(await reader.estimateGas({ account: alice, to: someone, value: 1n })).toBe(21_000n)
    const call = reader.call({ to: reverter, data: '0x1234' })
    await expect(call).rejects.toMatchObject({ details: expect.stringContaining('revert') })
    const logs = await reader.getLogs({ address: logger, fromBlock: 1n })
    expect(logs.length).toBe(3)
    const fees = await reader.getFeeHistory({ blockCount: 2, rewardPercentiles: [50] })
    expect(fees.baseFeePerGas).toEqual([1_000_000_000n, 1_000_000_000n, 1_000_000_000n])
  })

  test('is told of transactions before they are in a block', async () => {
    const socket = webSocket(`${gateway.url.replace('http', 'ws')}${path}`)
    const reader = createPublicClient({ chain, transport: socket })
    const heard: Hex[] = []
    const stop = reader.watchPendingTransactions({ onTransactions: (all) => heard.push(...all) })
    for (let i = 0; i < 100 && heard.length === 0; i++) {
      const { nonce } = (await rollup.driver.accounts([carol.address])).facts[0]!
      const leg = await signedLeg(carol, nonce, { to: someone })
      await ask('eth_sendRawTransaction', [leg.rawTx])
    }
    await expect.poll(() => heard.length > 0).toBe(true)
    stop()
    const client = await reader.transport.getRpcClient()
    client.close()
  })

  test('is told of new heads and logs over WebSocket', async () => {
    const socket = webSocket(`${gateway.url.replace('http', 'ws')}${path}`)
    const reader = createPublicClient({ chain, transport: socket })
    const heads: bigint[] = []
    const logs: Hex[] = []
    const stopHeads = reader.watchBlockNumber({ onBlockNumber: (number) => heads.push(number) })
    const stopLogs = reader.watchEvent({
      address: logger,
      onLogs: (found) => logs.push(...found.map(({ data }) => data)),
    })
    const { nonce } = (await rollup.driver.accounts([bob.address])).facts[0]!
    // The subscriptions take a moment to stand: blocks are made until one is heard of.
    for (let i = 0; i < 100 && (heads.length === 0 || logs.length === 0); i++) {
      await mine([await signedLeg(bob, nonce + i, { to: logger, data: word(100 + i) })])
    }
    await expect.poll(() => heads.length > 0 && logs.length > 0).toBe(true)
    stopHeads()
    stopLogs()
    const client = await reader.transport.getRpcClient()
    client.close()
  })
})

describe('tags and blocks by name', () => {
  test.each([['safe'], ['finalized']])(
    '%s is the block of the genesis before slots are posted (I17)',
    async (tag) => {
      expect(await ask('eth_getBlockByNumber', [tag, false])).toMatchObject({ number: '0x1' })
      expect(await ask('eth_getLogs', [{ fromBlock: tag, toBlock: tag }])).toEqual([])
    },
  )

  test('a block can be named by its hash (EIP-1898)', async () => {
    const { hash, number } = (await ask('eth_getBlockByNumber', ['latest', false])) as {
      hash: Hex
      number: Hex
    }
    const names = [{ blockHash: hash }, { blockHash: hash, requireCanonical: true }]
    for (const name of [...names, { blockNumber: number }, number, 'latest', null]) {
      expect(await ask('eth_getBalance', [someone, name])).toBe('0x5')
    }
    expect(await ask('eth_getBlockReceipts', [{ blockHash: hash }])).toHaveLength(1)
  })
})

describe('state as clients ask for it', () => {
  test('a proof is the node’s own, for slots in any writing', async () => {
    const slot = word(1)
    const whole = await ask('eth_getProof', [logger, [slot], 'latest'])
    expect(whole).toEqual(await node.call('eth_getProof', [logger, [slot], 'latest']))
    expect(await ask('eth_getProof', [logger, ['0x1'], 'latest'])).toEqual(whole)
    expect(await ask('eth_getStorageAt', [logger, '0x01', 'latest'])).toBe(slot)
    const many = await gateway.call(path, 'eth_getProof', [logger, Array(257).fill('0x1')])
    expect(many.error?.data?.name).toBe('TOO_LARGE')
  })

  test('calls take overrides of state and block, and absent fields as null', async () => {
    // Returns TIMESTAMP and its balance.
    const overrides = { [someone]: { code: '0x425f524760205260405ff3', balance: '0x7' } }
    const call = { to: someone, from: null, data: null, gas: null, value: null }
    const answer = await ask('eth_call', [call, 'latest', overrides, { time: '0x77777777' }])
    expect(answer).toBe(`${word(0x77777777)}${word(7).slice(2)}`)
  })
})

describe('a contract creation without a deployer', () => {
  test('is deployed by an ordinary client, and its receipt is the node’s own', async () => {
    const reader = createPublicClient({ chain, transport: http(`${gateway.url}${path}`) })
    const wallet = createWalletClient({
      account: dave,
      chain,
      transport: http(`${gateway.url}${path}`),
    })
    const hash = await wallet.deployContract({
      abi: [],
      bytecode: '0x6003600c60003960036000f35f5ff3',
    })
    const receipt = await reader.waitForTransactionReceipt({ hash })
    expect(receipt.status).toBe('success')
    expect(receipt.to).toBeNull()
    expect(await reader.getCode({ address: receipt.contractAddress! })).toBe('0x5f5ff3')
    const raw = (await ask('eth_getTransactionReceipt', [hash])) as Record<string, unknown>
    const own = await node.call<Record<string, unknown>>('eth_getTransactionReceipt', [hash])
    expect(own).toMatchObject({ contractAddress: raw['contractAddress'], to: null })
  })
})

describe('eth_sendRawTransactionSync (EIP-7966)', () => {
  const next = async () => (await rollup.driver.accounts([erin.address])).facts[0]!.nonce

  test('answers with the receipt of the published block', async () => {
    const leg = await signedLeg(erin, await next(), { to: logger, data: word(77) })
    const receipt = (await ask('eth_sendRawTransactionSync', [leg.rawTx])) as object
    expect(receipt).toMatchObject({ transactionHash: leg.hash, status: '0x1' })
    expect(await ask('eth_getTransactionReceipt', [leg.hash])).toEqual(receipt)
  })

  test('a gap is refused with code 6, the expected nonce and a signed refusal (I18)', async () => {
    const nonce = await next()
    const leg = await signedLeg(erin, nonce + 3, { to: someone })
    const { error } = await gateway.call(path, 'eth_sendRawTransactionSync', [leg.rawTx])
    expect(error).toMatchObject({
      code: 6,
      data: `0x${nonce.toString(16)}`,
      refusal: { error: 'NONCE_GAP' },
    })
  })

  test('what is not published in time is answered with code 4 and the hash', async () => {
    const leg = await signedLeg(erin, await next(), { to: someone })
    held.add(leg.hash)
    const { error } = await gateway.call(path, 'eth_sendRawTransactionSync', [leg.rawTx, 20])
    expect(error).toMatchObject({ code: 4, data: leg.hash })
    expect(await ask('eth_getTransactionByHash', [leg.hash])).toMatchObject({
      blockHash: null,
      from: erin.address.toLowerCase(),
    })
    held.delete(leg.hash)
    await mine([leg])
    expect(await ask('eth_getTransactionByHash', [leg.hash])).toMatchObject({
      blockNumber: expect.any(String),
    })
  })
})

describe('filters, for clients without a WebSocket', () => {
  const nonceOf = async () => (await rollup.driver.accounts([bob.address])).facts[0]!.nonce

  test('each poll tells what came since the last one, once', async () => {
    const logs = await ask('eth_newFilter', [{ address: logger, topics: [word(7)] }])
    const blocks = await ask('eth_newBlockFilter', [])
    const pending = await ask('eth_newPendingTransactionFilter', [])
    const leg = await signedLeg(bob, await nonceOf(), { to: logger, data: word(1_000) })
    await ask('eth_sendRawTransaction', [leg.rawTx])
    const heard = await ask('eth_getFilterChanges', [logs])
    expect(heard).toMatchObject([{ transactionHash: leg.hash, removed: false }])
    const { hash } = (await ask('eth_getBlockByNumber', ['latest', false])) as { hash: Hex }
    expect(await ask('eth_getFilterChanges', [blocks])).toEqual([hash])
    expect(await ask('eth_getFilterChanges', [pending])).toEqual([leg.hash])
    for (const id of [logs, blocks, pending]) {
      expect(await ask('eth_getFilterChanges', [id])).toEqual([])
    }
    expect(await ask('eth_getFilterLogs', [logs])).toEqual(heard)
  })

  test('one that is unknown or was removed has the code by which clients make it again', async () => {
    const id = await ask('eth_newBlockFilter', [])
    expect(await ask('eth_uninstallFilter', [id])).toBe(true)
    expect(await ask('eth_uninstallFilter', [id])).toBe(false)
    const { error } = await gateway.call(path, 'eth_getFilterChanges', [id])
    expect(error?.code).toBe(-32000)
  })
})

describe('limits and refusals', () => {
  const refusal = async (method: string, params: unknown[]) =>
    (await gateway.call(path, method, params)).error

  test('state of a block that is not there, or not there any more, is refused by name', async () => {
    expect(await refusal('eth_getBalance', [someone, '0xffff'])).toMatchObject({
      data: { name: 'INVALID_REQUEST' },
    })
    for (let i = 0; i < 4; i++) await mine([])
    const head = Number(await ask('eth_blockNumber', []))
    expect(await refusal('eth_getBalance', [someone, '0x1'])).toMatchObject({
      data: { name: 'STATE_PRUNED', values: { block: 1, oldest: head - 1 } },
    })
    // What the refusal names can be read indeed.
    const oldest = `0x${(head - 1).toString(16)}`
    expect(await ask('eth_getBalance', [someone, oldest])).toMatch(/^0x/)
  })

  test('logs over too many blocks, of unknown blocks or turned around are refused', async () => {
    const wide = { fromBlock: '0x0', toBlock: '0x1' }
    expect(await refusal('eth_getLogs', [{ ...wide, fromBlock: '0x5' }])).toMatchObject({
      data: { name: 'INVALID_REQUEST' },
    })
    expect(await refusal('eth_getLogs', [{ blockHash: `0x${'11'.repeat(32)}` }])).toMatchObject({
      data: { name: 'INVALID_REQUEST' },
    })
    expect(await refusal('eth_getLogs', [{ topics: Array(5).fill(null) }])).toMatchObject({
      data: { name: 'TOO_LARGE' },
    })
  })

  test('a wrongly signed transaction gets a signed refusal', async () => {
    const { rawTx } = await signedLeg(alice, 1, { to: someone })
    const broken = `${rawTx.slice(0, -64)}${'0'.repeat(64)}`
    expect(await refusal('eth_sendRawTransaction', [broken])).toMatchObject({
      code: -38003,
      data: { name: 'INVALID_TRANSACTION', refusal: expect.any(Object) },
    })
  })

  test('the gas of a call is bounded, whatever it asks for', async () => {
    // Returns the gas that it has.
    const measure = { [someone]: { code: '0x5a5f5260205ff3' } }
    for (const gas of [undefined, '0x3b9aca00']) {
      const left = BigInt((await ask('eth_call', [{ to: someone, gas }, 'latest', measure])) as Hex)
      expect(left).toBeLessThan(BigInt(LIMITS.legGas))
      expect(left).toBeGreaterThan(BigInt(LIMITS.legGas) / 2n)
    }
    const endless = { [someone]: { code: '0x5b5f56' } }
    expect(await refusal('eth_call', [{ to: someone }, 'latest', endless])).toBeDefined()
  })

  test('a subscription needs a WebSocket', async () => {
    expect(await refusal('eth_subscribe', ['newHeads'])).toMatchObject({
      data: { name: 'UNSUPPORTED' },
    })
  })

  test('while the node is away its state cannot be read, and its history can', async () => {
    await rollup.driver.stop()
    expect(await refusal('eth_getBalance', [someone])).toMatchObject({
      data: { name: 'TRANSIENT', retryable: true },
    })
    expect(await refusal('eth_getBlockByNumber', ['latest', false])).toBeUndefined()
  })
})
