import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseEther } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { DEVELOPMENT_MNEMONIC, developmentKeyIndex } from '../../../sdk/protocol/roles.ts'
import { eventually, rpc } from '../../fixtures/relayer/processes.ts'
import {
  getJson,
  nonceOf,
  sendMany,
  startStack,
  untilDelivered,
  wastedNonces,
  type Stack,
} from '../../fixtures/relayer/stack.ts'

type Message = {
  stage: string
  reason?: { code: string; text: string }
  timeline: { event: string }[]
}

const signer = developmentKey('relayer-transfer').address

let stack: Stack
let sent = 0

const messageOf = (id: string) => getJson<Message>(`${stack.relayerUrl}/v1/messages/${id}`)

async function untilFinal(ids: readonly string[]): Promise<readonly Message[]> {
  return await eventually('all are final', async () => {
    const messages = await Promise.all(ids.map(messageOf))
    return messages.every(({ stage }) => stage === 'final') && messages
  })
}

beforeAll(async () => {
  stack = await startStack({ blockTimeS: 1, reorgPeriod: 2 })
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

test('rows 16 and 17: a nonce used from outside and a transaction lost from the pool delay a delivery, no more', async () => {
  const { east, west, relayerUrl } = stack
  const relayer = await stack.startRelayer()
  const account = mnemonicToAccount(DEVELOPMENT_MNEMONIC, {
    addressIndex: developmentKeyIndex('relayer-transfer'),
  })
  await sendMany(east, west, 2)
  sent += 2
  const outside = { account, to: account.address, value: 1n, chain: west.node.chain } as const
  await west.node.sendTransaction({ ...outside, nonce: await nonceOf(west, signer) })
  const { sent: ids } = await untilDelivered(east, west, sent)
  await untilFinal(ids)

  await rpc(west.url, 'evm_setIntervalMining', [0])
  await sendMany(east, west, 2, 'dropped')
  sent += 2
  const pool = () =>
    west.node.getTxpoolContent().then(({ pending }) => Object.values(pending)[0] ?? {})
  const [first] = Object.values(
    await eventually('both in the pool', async () => {
      const counts = await getJson<Record<string, number>>(`${relayerUrl}/v1/messages/counts`)
      return counts['broadcast'] === 2 && (await pool())
    }),
  )
  await west.node.dropTransaction({ hash: first!.hash })
  await rpc(west.url, 'evm_setIntervalMining', [1])
  const { sent: all, done } = await untilDelivered(east, west, sent)
  await untilFinal(all)
  expect(new Set(done).size).toBe(sent)
  await relayer.kill()
}, 90_000)

test('row 19: two relayers on one Redis and one key deliver once, and one that is told to stop stops', async () => {
  const { east, west } = stack
  const wastedBefore = await wastedNonces(west, signer)
  const one = await stack.startRelayer()
  const other = await stack.startRelayer(undefined, { TANDEM_RELAYER_PORT: '0' })
  await sendMany(east, west, 6, 'two')
  sent += 6
  await untilDelivered(east, west, sent)
  expect(await wastedNonces(west, signer)).toBe(wastedBefore)
  const exited = once(other.child, 'exit')
  const startedAt = performance.now()
  other.child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  await one.kill()
}, 90_000)

test('row 27: a message whose validator is down says whose signature is missing, and goes when it is back', async () => {
  const { east, west } = stack
  const relayer = await stack.startRelayer()
  await stack.validators.get(east.chainId)!.kill()
  await sendMany(east, west, 1, 'unsigned')
  sent += 1
  const ids = await eventually('the dispatch', async () => {
    const found = await east.events('DispatchId')
    return found.length === sent && found
  })
  const id = ids.at(-1)!
  const message = await eventually('the reason', async () => {
    const found = await messageOf(id)
    return found.stage === 'awaiting_signatures' && found
  })
  expect(message.reason?.code).toBe('below_quorum')
  const validator = developmentKey(`validator-${east.chainId}`).address.toLowerCase()
  expect(message.reason?.text).toContain(`0 of 1 signatures; ${validator}: has no checkpoint`)
  stack.validators.set(east.chainId, await stack.startValidator(east.chainId))
  await untilDelivered(east, west, sent)
  await relayer.kill()
}, 90_000)

test('rows 12 and 13: a dispatch that its origin takes back is never delivered, and one that moves is delivered once', async () => {
  const { east, west } = stack
  const relayer = await stack.startRelayer()
  await rpc(east.url, 'evm_setIntervalMining', [0])
  const snapshot = await east.node.snapshot()
  await sendMany(east, west, 1, 'vanishes')
  await east.node.mine({ blocks: 1 })
  const [gone] = (await east.events('DispatchId')).slice(-1)
  await eventually('it is seen', async () => (await messageOf(gone!)).stage === 'awaiting_finality')
  await east.node.revert({ id: snapshot })
  await sendMany(east, west, 1, 'instead')
  sent += 1
  await east.node.mine({ blocks: 4 })
  await rpc(east.url, 'evm_setIntervalMining', [1])
  const { done } = await untilDelivered(east, west, sent)
  expect(done).not.toContain(gone)
  await eventually('it is orphaned', async () => (await messageOf(gone!)).stage === 'orphaned')
  await relayer.kill()
}, 90_000)

test('row 15: a delivery that its destination takes back is made again without anyone’s help', async () => {
  const { east, west } = stack
  const relayer = await stack.startRelayer()
  await rpc(west.url, 'evm_setIntervalMining', [0])
  await west.node.mine({ blocks: 1 })
  const snapshot = await west.node.snapshot()
  await sendMany(east, west, 1, 'again')
  sent += 1
  const waiting = await eventually('it is in the pool', async () => {
    const { pending } = await west.node.getTxpoolStatus()
    return pending > 0
  })
  expect(waiting).toBe(true)
  await west.node.mine({ blocks: 1 })
  const [id] = (await east.events('DispatchId')).slice(-1)
  await eventually('it is included', async () => (await messageOf(id!)).stage === 'included')
  await west.node.revert({ id: snapshot })
  await west.node.setBalance({ address: signer, value: parseEther('1000') })
  await west.node.mine({ blocks: 2 })
  await rpc(west.url, 'evm_setIntervalMining', [1])
  await untilDelivered(east, west, sent)
  const [message] = await untilFinal([id!])
  expect(message?.timeline.map(({ event }) => event)).toContain('unmined')
  await relayer.kill()
}, 90_000)
