import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createPublicClient, createWalletClient, http, parseEther } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getStatus } from '../../sdk/client/actions/get-status.ts'
import { watchSlots } from '../../sdk/client/actions/watch-slots.ts'
import { createTandemClient } from '../../sdk/client/create-client.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import type { Network, NetworkChain } from '../../sdk/protocol/network.ts'
import { TestNetwork } from '../fixtures/running-network.ts'

const running = new TestNetwork()
let network: Network
let rollup: NetworkChain

beforeAll(async () => {
  network = await running.up(['--chains', '1'])
  rollup = network.chains.find(({ kind }) => kind === 'rollup')!
}, 150_000)
afterAll(() => running.remove())

/** A fresh account with coins on the rollup. */
async function fundedKey() {
  const privateKey = generatePrivateKey()
  const transport = http(rollup.rpcUrl)
  const faucet = privateKeyToAccount(developmentKey('faucet').privateKey)
  const wallet = createWalletClient({ account: faucet, transport })
  const hash = await wallet.sendTransaction({
    chain: null,
    to: privateKeyToAccount(privateKey).address,
    value: parseEther('10'),
  })
  const reader = createPublicClient({ transport })
  await reader.waitForTransactionReceipt({ hash, pollingInterval: 20 })
  return privateKey
}

/** Runs a client's script in a process of its own; gives what it saw. */
async function seenBy(client: string): Promise<unknown> {
  const script = fileURLToPath(new URL(`../fixtures/clients/${client}.mjs`, import.meta.url))
  const { rpcUrl: url } = rollup
  const given = { url, wsUrl: url.replace('http', 'ws'), privateKey: await fundedKey() }
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, [script, JSON.stringify(given)], {
    timeout: 200_000,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

describe('clients that know nothing of Tandem', () => {
  // Goal: each deploys, calls, sends, reads logs, subscribes, races nonces and replaces, unmodified.
  test.each([
    ['viem', 'NonceTooLowError'],
    ['ethers', 'NONCE_EXPIRED'],
    ['cast', 'nonce too low'],
  ])(
    '%s runs the script that the others run, with the same end',
    async (client, usedNonce) => {
      expect(await seenBy(client)).toEqual({
        before: '0',
        after: '7',
        status: 'success',
        logs: ['7'],
        heard: '8',
        raced: ['success', 'success'],
        racedTo: '10',
        underpriced: true,
        replaced: ['success', null],
        last: '12',
        usedNonce,
      })
    },
    220_000,
  )
})

describe('whoever follows the log of a running network', () => {
  test('hears every slot, signed, each with the one before as its parent (I1)', async () => {
    const client = createTandemClient({ network })
    const heights: number[] = []
    const { slot } = await getStatus(client)
    const [from, until] = [Math.max(0, Number(slot) - 30), Number(slot) + 3]
    for await (const { height } of watchSlots(client, { from })) {
      heights.push(height)
      if (height === until) break
    }
    expect(heights).toEqual(Array.from({ length: until - from + 1 }, (_, i) => from + i))
  })
})
