import { createPublicClient, http, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openFaucet } from '../../cli/faucet/fund.ts'
import { deposit } from '../../sdk/client/actions/deposit.ts'
import { getAccount } from '../../sdk/client/actions/get-account.ts'
import { contractOf } from '../../sdk/client/contracts.ts'
import { getNativeProof } from '../../sdk/client/actions/get-native-proof.ts'
import { creditBookAbi } from '../../sdk/abi/credit-book.ts'
import { ledgerAbi } from '../../sdk/abi/ledger.ts'
import { nativeKey, type NativeId } from '../../sdk/protocol/native.ts'
import type { AccountId } from '../../sdk/protocol/ids.ts'
import { getBalanceSheet } from '../../sdk/client/actions/get-balance-sheet.ts'
import { createTandemClient, type TandemClient } from '../../sdk/client/create-client.ts'
import { isRunning } from '../../sdk/process/pids.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { tokenAmount } from '../../sdk/protocol/units.ts'
import { TestNetwork } from '../fixtures/running-network.ts'

const running = new TestNetwork()
const usdc = 1
const amount = tokenAmount(1_000_000n)
const amount18 = 10n ** 18n
let network: Network
let user: TandemClient
let credited = 0n

beforeAll(async () => {
  network = await running.up()
  const account = privateKeyToAccount(`0x${'5e'.repeat(32)}`)
  user = createTandemClient({ network, account })
  const tokens = [{ asset: usdc, amount: tokenAmount(100_000_000n) }]
  const fund = openFaucet(network)
  for (const chain of ['alpha', 'outland']) {
    await fund({ chain, address: account.address, tokens })
  }
}, 200_000)
afterAll(() => running.remove())

const chainOf = (name: string) =>
  createPublicClient({ transport: http(network.chains.find((c) => c.name === name)!.rpcUrl) })

/** Claim of the user on the hub; undefined while the gateway does not answer. */
async function claim(): Promise<bigint | undefined> {
  try {
    const { claims } = await getAccount(user)
    return claims.find(({ asset }) => asset === usdc)?.amount18 ?? 0n
  } catch {
    return undefined
  }
}

/** Locks a dollar on each of two chains; what was locked is one block deep afterwards. */
async function depositTwice(): Promise<void> {
  await deposit(user, { chain: 'alpha', asset: usdc, amount })
  const { transactionHash } = await deposit(user, { chain: 'outland', asset: usdc, amount })
  credited += 2n * amount18
  const outland = chainOf('outland')
  const { blockNumber } = await outland.getTransactionReceipt({ hash: transactionHash })
  await vi.waitFor(
    async () => expect(await outland.getBlockNumber()).toBeGreaterThan(blockNumber),
    {
      timeout: 10_000,
      interval: 20,
    },
  )
}

async function rollupHeads(): Promise<{ name: string; number: bigint; hash: Hex }[]> {
  const names = ['hub', 'alpha', 'beta']
  return await Promise.all(
    names.map(async (name) => {
      const { number, hash } = await chainOf(name).getBlock()
      return { name, number, hash }
    }),
  )
}

/** A chain whose node was killed is reached again only once it is what it was. */
async function everyChainAnswers(): Promise<void> {
  await Promise.all(network.chains.map(({ name }) => chainOf(name).getBlockNumber()))
}

// Goal: whichever process is killed, deposits made before and after are credited once each, and no
// block that anybody saw is another block afterwards.
describe('a network whose process is killed heals by itself', { timeout: 300_000 }, () => {
  const victims = [
    ...['sequencer', 'node-901', 'node-902', 'redis'],
    ...['relayer', 'outland', 'validator-outland', 'publisher'],
  ]
  test.each(victims)('%s', async (victim) => {
    await depositTwice()
    const seen = await rollupHeads()
    const pid = running.pidOf(victim)
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(
      () => {
        const replaced = running.processes().find(({ name }) => name === victim)
        expect(replaced !== undefined && replaced.pid !== pid && isRunning(replaced)).toBe(true)
      },
      { timeout: 60_000, interval: 50 },
    )
    await vi.waitFor(async () => expect(await claim()).toBe(credited), {
      timeout: 120_000,
      interval: 100,
    })
    await vi.waitFor(everyChainAnswers, { timeout: 60_000, interval: 50 })
    await depositTwice()
    await vi.waitFor(async () => expect(await claim()).toBe(credited), {
      timeout: 120_000,
      interval: 100,
    })
    for (const { name, number, hash } of seen) {
      expect((await chainOf(name).getBlock({ blockNumber: number })).hash).toBe(hash)
    }
  })

  test('and in the end every asset adds up to the last unit', async () => {
    await vi.waitFor(
      async () => {
        const sheets = await getBalanceSheet(user)
        expect(sheets.map(({ difference }) => difference)).toEqual(sheets.map(() => 0n))
        expect(sheets.map(({ depositsInFlight }) => depositsInFlight)).toEqual(sheets.map(() => 0n))
      },
      { timeout: 30_000, interval: 200 },
    )
    expect(await claim()).toBe(credited)
  })

  test('and the sequencer proves what stands in the hub’s books, leaf by leaf', async () => {
    const leaves = await leavesOfBooks()
    expect(leaves.length).toBeGreaterThan(1)
    for (const { id, values } of leaves) {
      expect((await getNativeProof(user, id)).values).toEqual(values)
    }
    const nobody = { kind: 'claim', account: `0x${'77'.repeat(32)}` as AccountId, id: 1n } as const
    expect((await getNativeProof(user, nobody)).values).toEqual([0n])
  })
})

/** Whatever the hub's books ever had, as its contracts have it now. */
async function leavesOfBooks(): Promise<{ id: NativeId; values: readonly bigint[] }[]> {
  const hub = user.on('hub')
  const ledger = { address: contractOf(user, 'hub', 'ledger'), abi: ledgerAbi }
  const book = { address: contractOf(user, 'hub', 'creditBook'), abi: creditBookAbi }
  const range = { fromBlock: 1n, strict: true } as const
  const [claims, positions, leases] = await Promise.all([
    hub.getContractEvents({ ...ledger, ...range, eventName: 'ClaimChanged' }),
    hub.getContractEvents({ ...book, ...range, eventName: 'PositionChanged' }),
    hub.getContractEvents({ ...book, ...range, eventName: 'CreditGranted' }),
  ])
  const read = (id: NativeId, ...values: Promise<bigint | number>[]) =>
    Promise.all(values).then((all) => ({ id, values: all.map(BigInt) }))
  const found = [
    ...claims.map(({ args: { account, asset } }) => {
      const claimed = hub.readContract({ ...ledger, functionName: 'claim', args: [account, asset] })
      return read({ kind: 'claim', account: account as AccountId, id: BigInt(asset) }, claimed)
    }),
    ...positions.map(({ args: { account, instrument } }) => {
      const args = [account, instrument] as const
      const size = hub.readContract({ ...book, functionName: 'position', args })
      return read({ kind: 'position', account: account as AccountId, id: instrument }, size)
    }),
    ...leases.map(({ args: { account, chainId } }) => {
      const at = { ...book, args: [account, chainId] as const }
      return read(
        { kind: 'lease', account: account as AccountId, id: BigInt(chainId) },
        hub.readContract({ ...at, functionName: 'credit' }),
        hub.readContract({ ...at, functionName: 'usedCredit' }),
        hub.readContract({ ...at, functionName: 'leaseExpiryS' }),
      )
    }),
  ]
  const all = await Promise.all(found)
  return [...new Map(all.map((leaf) => [nativeKey(leaf.id), leaf])).values()]
}
