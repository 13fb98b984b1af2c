import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import {
  concatHex,
  createPublicClient,
  getAddress,
  http,
  keccak256,
  zeroAddress,
  type Address,
  type Hex,
  type PublicClient,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openFaucet } from '../../cli/faucet/fund.ts'
import { isRunning, type RecordedProcess } from '../../sdk/process/pids.ts'
import type { Network, NetworkChain } from '../../sdk/protocol/network.ts'
import { askAsFlashbots, type SimulatedBundle } from '../fixtures/flashbots-client.ts'
import { TestNetwork } from '../fixtures/running-network.ts'

const running = new TestNetwork()
afterAll(() => running.remove())

const clientOf = ({ rpcUrl }: NetworkChain) => createPublicClient({ transport: http(rpcUrl) })

const heights = (network: Network) =>
  Promise.all(network.chains.map((chain) => clientOf(chain).getBlockNumber()))

function expectAllGone(processes: readonly RecordedProcess[]): void {
  expect(processes.filter(isRunning).map(({ name }) => name)).toEqual([])
}

describe('the network command', { timeout: 200_000 }, () => {
  let network: Network
  let before: readonly bigint[]

  beforeAll(async () => {
    network = await running.up(['--chains', '3', '--chain', 'gamma=1:200gwei'])
  }, 150_000)

  test('brings up every chain that was asked for, each answering for itself', async () => {
    const ids = await Promise.all(network.chains.map((chain) => clientOf(chain).getChainId()))
    expect(ids).toEqual([900, 901, 902, 903, 1, 990])
    const names = running.processes().map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['redis', 'sequencer', 'relayer', 'publisher']))
    expect(names.filter((name) => name.startsWith('validator-'))).toHaveLength(6)
  })

  describe('a rollup with Ethereum’s chain id and a base fee of 200 gwei', () => {
    const gwei = 1_000_000_000n
    const account = privateKeyToAccount(generatePrivateKey())
    const searcher = privateKeyToAccount(generatePrivateKey())
    const to = `0x${'ab'.repeat(20)}` as const
    /** Where a rollup's tips go. */
    const coinbase = zeroAddress
    let chain: NetworkChain
    let client: PublicClient
    let nonce = 0

    beforeAll(async () => {
      chain = network.chains.find(({ chainId }) => chainId === 1)!
      client = clientOf(chain)
      await openFaucet(network)({ chain: 1, address: account.address })
    })

    const sign = (change: { to?: Address; value?: bigint; data?: Hex; nonce?: number }) =>
      account.signTransaction({
        ...{ chainId: 1, type: 'eip1559', gas: 60_000n, to, nonce },
        ...{ maxFeePerGas: 300n * gwei, maxPriorityFeePerGas: 3n * gwei },
        ...change,
      })
    const ask = async <T>(method: string, params: unknown[]): Promise<T> => {
      const { result, error } = await askAsFlashbots(chain.rpcUrl, searcher, { method, params })
      if (error !== undefined) throw new Error(JSON.stringify(error))
      return result as T
    }
    const head = async () => Number(await client.getBlockNumber())
    const hex = (value: number) => `0x${value.toString(16)}`
    const passed = (block: number) =>
      vi.waitFor(async () => expect(await head()).toBeGreaterThanOrEqual(block), {
        timeout: 20_000,
        interval: 100,
      })

    test('has both in every block, and is named in the description', async () => {
      expect(chain).toMatchObject({ name: 'gamma', baseFeePerGasWei: 200_000_000_000 })
      const [block, price] = await Promise.all([client.getBlock(), client.getGasPrice()])
      expect([block.baseFeePerGas, price]).toEqual([200n * gwei, 200n * gwei])
      const cheap = await account.signTransaction({
        ...{ chainId: 1, type: 'eip1559', gas: 21_000n, to, nonce },
        ...{ maxFeePerGas: 199n * gwei, maxPriorityFeePerGas: 0n },
      })
      await expect(ask('eth_sendBundle', [{ txs: [cheap] }])).rejects.toThrow(/FEE_TOO_LOW/)
    })

    test('simulates a bundle with Flashbots’ numbers', async () => {
      const txs = [await sign({}), await sign({ to: coinbase, value: 7n, nonce: nonce + 1 })]
      const block = await head()
      const found = await ask<SimulatedBundle>('eth_callBundle', [
        { txs, blockNumber: hex(block + 1), stateBlockNumber: 'latest' },
      ])
      const fees = 21_000n * 3n * gwei
      expect(found).toMatchObject({
        bundleHash: keccak256(concatHex(txs.map((rawTx) => keccak256(rawTx)))),
        bundleGasPrice: `${(2n * fees + 7n) / 42_000n}`,
        coinbaseDiff: `${2n * fees + 7n}`,
        ethSentToCoinbase: '7',
        gasFees: `${2n * fees}`,
        totalGasUsed: 42_000,
      })
      expect(found.stateBlockNumber).toBeGreaterThanOrEqual(block)
      expect(found.results[0]).toMatchObject({
        ...{ fromAddress: account.address, toAddress: getAddress(to), gasUsed: 21_000 },
        ...{ gasPrice: `${3n * gwei}`, gasFees: `${fees}`, coinbaseDiff: `${fees}` },
        ...{ txHash: keccak256(txs[0]!), ethSentToCoinbase: '0', value: '0x' },
      })
    })

    test('takes bundles for a block to come at once, and puts there what still stands', async () => {
      const txs = [await sign({ value: 1n }), await sign({ value: 1n, nonce: nonce + 1 })]
      const hashes = txs.map((rawTx) => keccak256(rawTx))
      const block = (await head()) + 4
      const { bundleHash } = await ask<{ bundleHash: Hex }>('eth_sendBundle', [
        { txs, blockNumber: hex(block), minTimestamp: 0, maxTimestamp: 0 },
      ])
      expect(bundleHash).toBe(keccak256(concatHex(hashes)))
      nonce += 2
      const replacementUuid = randomUUID()
      const named = await Promise.all([2n, 3n].map((value) => sign({ value })))
      for (const rawTx of named) {
        const request = { txs: [rawTx], blockNumber: hex(block), replacementUuid }
        await ask('eth_sendBundle', [request])
      }
      expect(await ask('eth_cancelBundle', [{ replacementUuid }])).toEqual([
        keccak256(keccak256(named[1]!)),
      ])
      expect(await head()).toBeLessThan(block)
      await passed(block + 1)
      for (const hash of hashes) {
        expect(await client.getTransactionReceipt({ hash })).toMatchObject({
          ...{ status: 'success', blockNumber: BigInt(block), effectiveGasPrice: 203n * gwei },
        })
      }
      expect(await client.getTransactionCount({ address: account.address })).toBe(nonce)
    })
  })

  test('all chains go on without anybody asking', async () => {
    const first = await heights(network)
    await vi.waitFor(
      async () => {
        const later = await heights(network)
        expect(later.every((height, i) => height > first[i]!)).toBe(true)
      },
      { timeout: 20_000, interval: 200 },
    )
  })

  test('a second start in the same directory is refused and harms nothing', async () => {
    const second = new TestNetwork()
    Object.assign(second, { directory: running.directory, portBase: running.portBase })
    const child = await second.launch()
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).toBe(1)
    expect(second.output).toContain('runs already')
    expect((await heights(network)).length).toBe(6)
  })

  test('Ctrl-C stops everything within five seconds and leaves no process', async () => {
    before = await heights(network)
    const processes = running.processes()
    const { code, ms } = await running.end('SIGINT')
    expect(code).toBe(0)
    expect(ms).toBeLessThan(5_000)
    expectAllGone(processes)
    expect(running.processes()).toEqual([])
  })

  test('the next start goes on where the network stopped', async () => {
    const again = await running.up()
    expect(running.output).toContain('Resuming the network')
    expect(again).toEqual(network)
    const after = await heights(again)
    expect(after.every((height, i) => height >= before[i]! - 1n)).toBe(true)
  })

  test('what a killed command left behind is ended by the next start, which resumes', async () => {
    const processes = running.processes()
    await running.end('SIGKILL')
    const again = await running.up()
    expectAllGone(processes)
    expect(again.logId).toBe(network.logId)
  })

  test('processes that hang are ended by force, and a stop still takes five seconds at most', async () => {
    const processes = running.processes()
    for (const name of ['relayer', 'sequencer']) process.kill(running.pidOf(name), 'SIGSTOP')
    const { code, ms } = await running.end('SIGTERM')
    expect(code).toBe(0)
    expect(ms).toBeLessThan(5_000)
    expect(running.output).toContain('relayer did not stop in time')
    expectAllGone(processes)
  })

  test('a busy port is named, with the option that changes it', async () => {
    const server = createServer().listen(running.portBase + 100, '127.0.0.1')
    await once(server, 'listening')
    const child = await running.launch()
    const [code] = (await once(child, 'exit')) as [number]
    server.close()
    expect(code).toBe(1)
    expect(running.output).toContain(`relayer: ${running.portBase + 100}`)
    expect(running.output).toContain('--port-base')
  })
})
