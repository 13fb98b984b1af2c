import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicClient, createWalletClient, http, parseAbi, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { layoutOf } from '../../cli/network/layout.ts'
import { freePort } from '../../cli/network/ports.ts'
import { prepareNetwork } from '../../cli/network/prepare.ts'
import { standaloneChainService } from '../../cli/network/supervisor/standalone-chain.ts'
import { Supervised, type ServiceEvent } from '../../cli/network/supervisor/supervised.ts'
import { developmentKey } from '../../sdk/process/keys.ts'

const chainId = 990
const layout = layoutOf(mkdtempSync(join(tmpdir(), 'tandem-chain-')))
const events: ServiceEvent[] = []
const mailbox = prepareNetwork({ layout, fresh: true }).network.chains.find(
  (chain) => chain.chainId === chainId,
)!.contracts['mailbox']!
let port: number
let nodePort: number
let chain: Supervised

function supervised(): Supervised {
  const service = standaloneChainService({
    ...{ name: 'outland', chainId, port, nodePort, layout },
    trouble: () => undefined,
  })
  const { logs, pidFile } = layout
  return new Supervised(service, { logs, pidFile, report: (event) => events.push(event) })
}

beforeAll(async () => {
  port = await freePort()
  nodePort = await freePort()
  chain = supervised()
  await chain.start()
})
afterAll(async () => {
  await chain.stop(2_000)
  rmSync(layout.root, { recursive: true, force: true })
})

const client = () => createPublicClient({ transport: http(`http://127.0.0.1:${port}`) })

/** Sends one Hyperlane message; gives its transaction once it is in a block. */
async function dispatch(): Promise<{ hash: Hex; blockHash: Hex; blockNumber: bigint }> {
  const account = privateKeyToAccount(developmentKey('faucet').privateKey)
  const wallet = createWalletClient({ account, transport: http(`http://127.0.0.1:${port}`) })
  const hash = await wallet.writeContract({
    address: mailbox,
    abi: parseAbi(['function dispatch(uint32,bytes32,bytes) payable returns (bytes32)']),
    functionName: 'dispatch',
    args: [901, `0x${'11'.repeat(32)}`, '0x1234'],
    chain: null,
  })
  const receipt = await client().waitForTransactionReceipt({ hash, pollingInterval: 50 })
  expect(receipt.status).toBe('success')
  return { hash, blockHash: receipt.blockHash, blockNumber: receipt.blockNumber }
}

function kill(): void {
  events.length = 0
  process.kill(chain.pid!, 'SIGKILL')
}

const untilBack = () =>
  vi.waitFor(() => expect(events.at(-1)?.type).toBe('back'), { timeout: 20_000 })

const untilHeight = (height: bigint) =>
  vi.waitFor(async () => expect(await client().getBlockNumber()).toBeGreaterThanOrEqual(height), {
    timeout: 20_000,
    interval: 50,
  })

test('a chain makes a block each second by the wall clock', async () => {
  const head = await client().getBlockNumber()
  await untilHeight(head + 2n)
  const block = await client().getBlock()
  expect(Math.abs(Number(block.timestamp) - Date.now() / 1_000)).toBeLessThan(3)
})

// Goal: a crash takes back no block that another one stands on, so nobody sees the chain go back.
test('empty blocks outlive a kill of the node too', async () => {
  await untilHeight((await client().getBlockNumber()) + 3n)
  const head = await client().getBlock()
  const firm = await client().getBlock({ blockNumber: head.number - 1n })
  kill()
  await untilBack()
  expect((await client().getBlock({ blockNumber: firm.number })).hash).toBe(firm.hash)
  expect(await client().getBlockNumber()).toBeGreaterThanOrEqual(firm.number)
})

// Goal: a node answers before its state is set right; nobody may build on what it says then.
test('whoever is first after a crash meets a chain that has everything', async () => {
  const sent = await dispatch()
  await untilHeight(sent.blockNumber + 3n)
  const firm = (await client().getBlockNumber()) - 1n
  kill()
  const eager = createPublicClient({
    transport: http(`http://127.0.0.1:${port}`, { retryCount: 0 }),
  })
  const first = await vi.waitFor(() => eager.getBlockNumber({ cacheTime: 0 }), {
    timeout: 20_000,
    interval: 1,
  })
  expect(first).toBeGreaterThanOrEqual(firm)
  expect(await seenByContracts(blockHashOf(sent.blockNumber))).toBe(sent.blockHash)
  await untilBack()
})

// Goal: what lies one block under the head outlives a kill -9, with the same hashes and the same logs.
test('a block with a message, one deep, outlives a kill of the node', async () => {
  const sent = await dispatch()
  await untilHeight(sent.blockNumber + 1n)
  kill()
  await untilBack()
  const kept = await client().getTransactionReceipt({ hash: sent.hash })
  expect(kept).toMatchObject({ blockHash: sent.blockHash, status: 'success' })
  const logs = await client().getLogs({ address: mailbox, fromBlock: 0n })
  expect(logs.some(({ transactionHash }) => transactionHash === sent.hash)).toBe(true)

  const next = await dispatch()
  expect(next.blockNumber).toBeGreaterThan(sent.blockNumber)
  expect(await seenByContracts(blockHashOf(sent.blockNumber))).toBe(sent.blockHash)
  const pendingS = Number(await seenByContracts('42', 'pending'))
  expect(Math.abs(pendingS - Date.now() / 1_000)).toBeLessThan(3)
})

test('a chain that was stopped goes on with the block after its last', async () => {
  const sent = await dispatch()
  await chain.stop(4_000)
  chain = supervised()
  await chain.start()
  expect((await client().getTransactionReceipt({ hash: sent.hash })).blockHash).toBe(sent.blockHash)
  await untilHeight(sent.blockNumber + 1n)
  const after = await client().getBlock({ blockNumber: sent.blockNumber + 1n })
  expect(after.parentHash).toBe(sent.blockHash)
})

const blockHashOf = (number: bigint) => `61${number.toString(16).padStart(4, '0')}40`

/** Word that some operations leave on the stack of a contract. */
async function seenByContracts(operations: string, blockTag?: 'pending'): Promise<Hex> {
  const address = `0x${'aa'.repeat(20)}` as const
  const stateOverride = [{ address, code: `0x${operations}60005260206000f3` as const }]
  const { data } = await client().call({
    to: address,
    stateOverride,
    ...(blockTag && { blockTag }),
  })
  return data!
}
