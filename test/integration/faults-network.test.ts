import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  decodeFunctionData,
  encodeFunctionData,
  erc20Abi,
  parseAbiItem,
  parseTransaction,
  type Hex,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFaucet } from '../../cli/faucet/fund.ts'
import { markFeedsAbi } from '../../sdk/abi/mark-feeds.ts'
import { spokeCreditAbi } from '../../sdk/abi/spoke-credit.ts'
import { deposit } from '../../sdk/client/actions/deposit.ts'
import { getAccount } from '../../sdk/client/actions/get-account.ts'
import { getBalanceSheet } from '../../sdk/client/actions/get-balance-sheet.ts'
import { getFastRoutes } from '../../sdk/client/actions/get-fast-routes.ts'
import { grantCredit } from '../../sdk/client/actions/grant-credit.ts'
import { sendCall } from '../../sdk/client/actions/send-call.ts'
import type { SentBundle } from '../../sdk/client/actions/send-bundle.ts'
import { verifyReceipt } from '../../sdk/client/actions/verify-receipt.ts'
import { waitForMessage } from '../../sdk/client/actions/wait-for-message.ts'
import { withdraw } from '../../sdk/client/actions/withdraw.ts'
import { contractOf, tokenOf } from '../../sdk/client/contracts.ts'
import { createTandemClient, type TandemClient } from '../../sdk/client/create-client.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import { cancelBundleTypes } from '../../sdk/protocol/bundle.ts'
import { tandemDomain, type FeedUpdate } from '../../sdk/protocol/feeds.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import { amount18 as asAmount18, tokenAmount, usd18 } from '../../sdk/protocol/units.ts'
import { encodeFeedUpdate } from '../../sdk/protocol/wire.ts'
import { listSnapshots } from '../../sequencer/shell/drivers/snapshot.ts'
import { deriveUndisturbed } from '../fixtures/faults/derive.ts'
import { setFuse } from '../fixtures/faults/fuse.ts'
import { publishedHashes } from '../fixtures/faults/published.ts'
import { refusalOf, sendAlone } from '../fixtures/faults/refusals.ts'
import { untilDead, untilReplaced } from '../fixtures/faults/replaced.ts'
import { insist, openPayer, send, Till, type Sealed } from '../fixtures/faults/till.ts'
import { eventually } from '../fixtures/relayer/processes.ts'
import { TestNetwork } from '../fixtures/running-network.ts'

// Goal: whatever dies in a whole network, and however it is stopped, deposits are credited once, the
// balance sheet adds up, and what was acknowledged is there when it is up again.

const main = fileURLToPath(new URL('../fixtures/faults/network-main.ts', import.meta.url))
const running = new TestNetwork(main)
const amount = tokenAmount(1_000_000n)
const amount18 = 10n ** 18n
const processed = parseAbiItem('event ProcessId(bytes32 indexed messageId)')
const relayers = [
  developmentKey('relayer-transfer').address,
  developmentKey('relayer-critical').address,
]
let client: TandemClient
let till: Till
/** Messages of the deposits so far. */
const messageIds: Hash[] = []
/** What the network that is wiped in the end had acknowledged, and its log. */
let last: { bundle: Sealed; sent: SentBundle }
let records: readonly SlotRecord[] = []

/** Makes someone with dollars on `alpha` and `outland`. */
async function openDepositor(
  network: Network,
  fund: ReturnType<typeof openFaucet>,
): Promise<TandemClient> {
  const account = privateKeyToAccount(generatePrivateKey())
  const tokens = [{ asset: 1, amount: tokenAmount(100_000_000n) }]
  await Promise.all(
    ['alpha', 'outland'].map((chain) => fund({ chain, address: account.address, tokens })),
  )
  return createTandemClient({ network, account, timeoutMs: 60_000 })
}

beforeAll(async () => {
  const network = await running.up(['--bare'])
  const fund = openFaucet(network)
  till = new Till(await openPayer(network, fund))
  client = await openDepositor(network, fund)
}, 200_000)

afterAll(() => running.remove())

/** Locks a dollar on each of two chains. */
async function depositTwice(): Promise<void> {
  const chains = ['alpha', 'outland']
  const sent = await Promise.all(
    chains.map((chain) => deposit(client, { chain, asset: 1, amount })),
  )
  messageIds.push(...sent.map(({ messageId }) => messageId))
}

async function claimOf(who: TandemClient): Promise<bigint> {
  const { claims } = await getAccount(who)
  return claims.find(({ asset }) => asset === 1)?.amount18 ?? 0n
}

/** Transactions that the relayer's keys sent to the hub. */
async function relayedToHub(): Promise<number> {
  const counts = relayers.map((address) => client.on('hub').getTransactionCount({ address }))
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

/** Waits until all deposits are credited, and checks that each is credited once. */
async function untilCredited(): Promise<void> {
  const expected = BigInt(messageIds.length) * amount18
  await eventually('all deposits', async () => (await claimOf(client)) >= expected, 90_000)
  expect(await claimOf(client)).toBe(expected)
  const logs = await client.on('hub').getLogs({
    address: contractOf(client, 'hub', 'mailbox'),
    event: processed,
    fromBlock: 1n,
  })
  const delivered = logs.map(({ args }) => args.messageId)
  expect(delivered).toHaveLength(messageIds.length)
  expect(new Set(delivered)).toEqual(new Set(messageIds))
  await eventually('a balance sheet without anything in flight', async () => {
    const sheets = await getBalanceSheet(client)
    return sheets.every(({ difference, depositsInFlight }) => difference + depositsInFlight === 0n)
  })
}

describe('deposits under way', { timeout: 150_000 }, () => {
  test('are credited once when the relayer is killed between sending and noting it', async () => {
    const before = await relayedToHub()
    const pid = running.pidOf('relayer')
    setFuse(running.directory, 'relayer:broadcast')
    await depositTwice()
    await untilDead(pid)
    await untilCredited()
    // What was sent was sent again as it was: as many transactions as messages.
    expect(await relayedToHub()).toBe(before + 2)
  })

  test('are credited once when Redis is killed among them', async () => {
    const before = await relayedToHub()
    const pid = running.pidOf('redis')
    await depositTwice()
    process.kill(pid, 'SIGKILL')
    await depositTwice()
    await untilReplaced(running, 'redis', pid)
    await untilCredited()
    expect(await relayedToHub()).toBe(before + 4)
  })
})

/** Everything that must be as it was when the network comes back. */
async function books() {
  const holders = [client.account!.address, till.payer.address, till.address, ...relayers]
  const accounts = await Promise.all(
    client.network.chains.flatMap(({ chainId }) =>
      holders.map(async (address) => {
        const chain = client.on(chainId)
        const has = client.network.assets[0]!.tokens[`${chainId}`] !== undefined
        const token = has ? tokenOf(client, chainId, 1).address : undefined
        return {
          chainId,
          address,
          nonce: await chain.getTransactionCount({ address }),
          coins: await chain.getBalance({ address }),
          tokens:
            token === undefined
              ? 0n
              : await chain.readContract({
                  address: token,
                  abi: erc20Abi,
                  functionName: 'balanceOf',
                  args: [address],
                }),
        }
      }),
    ),
  )
  return { accounts, account: await getAccount(client), sheets: await getBalanceSheet(client) }
}

/** Checks that every block that was published before is there, the same. */
async function expectBlocksKept(before: ReadonlyMap<number, readonly Hash[]>): Promise<void> {
  const after = await publishedHashes(client)
  for (const [chainId, hashes] of before) {
    expect(after.get(chainId)!.slice(0, hashes.length)).toEqual(hashes)
  }
}

describe('a network that is stopped and started again', { timeout: 200_000 }, () => {
  test('on order goes on with the same blocks, books and receipts (I3, I6)', async () => {
    const bundle = await till.next()
    const sent = await send(client, bundle)
    await till.settled()
    const before = await books()
    const blocks = await publishedHashes(client)
    expect(await running.end('SIGTERM')).toMatchObject({ code: 0 })
    // Each rollup goes on from its state at the end: nothing is derived again.
    for (const [chainId, hashes] of blocks) {
      const folder = join(running.directory, 'sequencer', 'snapshots', `${chainId}`)
      expect(listSnapshots(folder)[0]?.number).toBeGreaterThanOrEqual(hashes.length)
    }

    expect((await running.up(['--bare'])).logId).toBe(client.network.logId)
    expect(await books()).toEqual(before)
    await expectBlocksKept(blocks)
    expect(await send(client, bundle)).toMatchObject({ receipt: sent.receipt })
    await till.pay()
    await till.settled()
  })

  test('after a kill of everything at once has all that was acknowledged (I6, I16)', async () => {
    const blocks = await publishedHashes(client)
    await depositTwice()
    const bundle = await till.next()
    const sent = await send(client, bundle)
    const pids = running.processes().map(({ pid }) => pid)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await Promise.all(pids.map(untilDead))

    await running.up(['--bare'])
    const again = await insist(() => send(client, bundle))
    expect(again.receipt).toEqual(sent.receipt)
    await till.settled()
    await expectBlocksKept(blocks)
    await untilCredited()
    last = { bundle, sent }
  })

  test('in the end every block is that of an undisturbed run (I3, I19)', async () => {
    const published = await publishedHashes(client)
    const undisturbed = await deriveUndisturbed(running.directory, client.network)
    for (const [chainId, hashes] of published) {
      expect(undisturbed.hashes.get(chainId)!.slice(0, hashes.length)).toEqual(hashes)
    }
    records = undisturbed.records
    const entryIds = records.flatMap(({ entries }) => entries.map(({ entryId }) => entryId))
    expect(new Set(entryIds).size).toBe(entryIds.length)
  })
})

describe('the successor of a wiped network', { timeout: 200_000 }, () => {
  let successor: TandemClient

  beforeAll(async () => {
    await running.end('SIGTERM')
    const network = await running.up(['--bare', '--fresh'])
    expect(network.logId).not.toBe(client.network.logId)
    successor = await openDepositor(network, openFaucet(network))
  }, 200_000)

  test('does not stand by receipts of the other log', async () => {
    await expect(verifyReceipt(client, last.sent.receipt)).resolves.toBeUndefined()
    await expect(verifyReceipt(successor, last.sent.receipt)).rejects.toMatchObject({
      code: 'BAD_RECEIPT',
    })
    expect(await successor.rpc('tandem_getReceipt', [last.sent.bundleHash])).toBe(null)
  })

  test('refuses cancellations that were signed for the other log', async () => {
    const replacementUuid = 'c0ffee00-0000-4000-8000-000000000003'
    const sender = till.payer.address
    const signature = await till.payer.client.account!.signTypedData!({
      domain: tandemDomain(client.network.logId as Hash),
      types: cancelBundleTypes,
      primaryType: 'CancelBundle',
      message: { replacementUuid, sender },
    })
    const cancel = successor.rpc('eth_cancelBundle', [{ replacementUuid, sender, signature }])
    expect((await refusalOf(successor, cancel)).errorName).toBe('BAD_SIGNATURE')
  })

  test('refuses marks that were signed for the other log', async () => {
    const { entries, chains } = records.findLast((record) =>
      record.entries.some(({ marks }) => marks !== undefined),
    )!
    const entry = entries.findIndex(({ marks }) => marks !== undefined)
    const legs = chains.flatMap((chain) => chain.legs)
    const leg = legs.find(({ origin }) => origin.type === 'entry' && origin.entry === entry)!
    const data = parseTransaction(leg.rawTx).data as Hex
    const { args } = decodeFunctionData({ abi: markFeedsAbi, data })
    const [update, signatures] = args as unknown as [FeedUpdate, readonly Hex[]]
    const timestampMs = Number(update.timestampMs)
    const signed = encodeFeedUpdate({ update: { ...update, timestampMs }, signatures })
    const publish = successor.rpc('tandem_publishMarks', [signed])
    expect((await refusalOf(successor, publish)).errorName).toBe('BAD_SIGNATURE')
  })

  test('refuses system legs, and credits no deposit that the other one took', async () => {
    const legs = records.flatMap(({ chains }) =>
      chains.flatMap(({ chainId, legs: own }) => own.map((leg) => ({ chainId, ...leg }))),
    )
    const system = legs.filter(({ origin }) => origin.type !== 'entry').slice(-5)
    for (const leg of system) {
      expect((await refusalOf(successor, sendAlone(successor, leg))).errorName).toBe('UNSUPPORTED')
    }
    const mailbox = contractOf(client, 'hub', 'mailbox').toLowerCase()
    const hub = successor.chain('hub').chainId
    const deliveries = legs.filter(
      ({ chainId, rawTx, origin }) =>
        chainId === hub &&
        origin.type === 'entry' &&
        parseTransaction(rawTx).to?.toLowerCase() === mailbox,
    )
    expect(deliveries).toHaveLength(messageIds.length)
    for (const leg of deliveries) {
      const hash = (await sendAlone(successor, leg)) as Hash
      const { status } = await successor.on('hub').waitForTransactionReceipt({ hash })
      expect(status).toBe('reverted')
    }
    const account = (await getAccount(client)).account
    expect((await getAccount(successor, { account })).claims).toEqual([])
  })

  test('serves its own users as if nothing had been sent', async () => {
    await deposit(successor, { chain: 'alpha', asset: 1, amount })
    await eventually('the deposit', async () => (await claimOf(successor)) === amount18, 60_000)
    const sheets = await getBalanceSheet(successor)
    expect(sheets.map(({ difference }) => difference)).toEqual(sheets.map(() => 0n))
  })

  test('confirms what rollups took on the sequencer’s word though its relayer dies, and pays what waited for that (V25)', async () => {
    const expiryS = Math.floor(Date.now() / 1000) + 3_600
    const { account } = await getAccount(successor)
    const { address } = successor.account!
    await openFaucet(successor.network)({ chain: 'hub', address, tokens: [] })
    await grantCredit(successor, { chain: 'alpha', amount18: usd18(amount18 / 2n), expiryS })
    const pid = running.pidOf('relayer')
    process.kill(pid, 'SIGKILL')
    const part = amount18 / 4n
    await sendCall(successor, {
      chainId: successor.chain('alpha').chainId,
      to: contractOf(successor, 'alpha', 'spokeCredit'),
      data: encodeFunctionData({
        abi: spokeCreditAbi,
        functionName: 'giveBack',
        args: [account, part],
      }),
    })
    const open = (await getFastRoutes(successor)).find(({ origin, destination }) => {
      return origin === 'alpha' && destination === 'hub'
    })
    expect(open!.unconfirmedUsd6).toBe(part / 10n ** 12n + 1n)
    const chain = 'alpha'
    const order = { asset: 1, amount18: asAmount18(part), chain, timeoutMs: 60_000 }
    const { messageId } = await withdraw(successor, order)
    await waitForMessage(successor, { messageId, destination: chain, timeoutMs: 60_000 })
    await eventually('every cap to be free', async () => {
      return (await getFastRoutes(successor)).every(({ unconfirmedUsd6 }) => unconfirmedUsd6 === 0n)
    })
    expect((await getFastRoutes(successor)).some(({ paused }) => paused)).toBe(false)
    const sheets = await getBalanceSheet(successor)
    expect(sheets.map(({ paymentsInFlight }) => paymentsInFlight)).toEqual(sheets.map(() => 0n))
  })
})
