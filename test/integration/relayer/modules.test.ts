import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { eventually } from '../../fixtures/relayer/processes.ts'
import { getJson, startStack, type Stack } from '../../fixtures/relayer/stack.ts'

type Ism = { kind: string; buildable: boolean; reason: string; children: readonly Ism[] }
type Message = { stage: string; reason?: { code: string; text: string }; ism?: Ism }

let stack: Stack
let sent = 0

/** Deploys a recipient on west that asks for a module. */
async function recipientWith(module: Hex): Promise<Hex> {
  const { west } = stack
  const recipient = await west.deploy('TestRecipient')
  await west.send('TestRecipient', recipient, 'setInterchainSecurityModule', [module])
  return recipient
}

async function dispatchTo(recipient: Hex): Promise<Hex> {
  const { east, west } = stack
  await east.dispatch(west.chainId, recipient, '0xc0ffee')
  sent += 1
  return await eventually('the dispatch', async () => {
    const ids = await east.events('DispatchId')
    return ids.length === sent && ids.at(-1)
  })
}

const messageOf = (id: Hex) => getJson<Message>(`${stack.relayerUrl}/v1/messages/${id}`)

const untilDelivered = (id: Hex) =>
  eventually('it is delivered', async () => (await stack.west.events('ProcessId')).includes(id))

/** Deploys a static module through its factory. */
async function deployStatic(factoryName: string, values: readonly Hex[], threshold: number) {
  const { west } = stack
  const factory = await west.deploy(factoryName)
  await west.send(factoryName, factory, 'deploy', [values, threshold])
  return await west.read(factoryName, factory, 'getAddress', [values, threshold])
}

beforeAll(async () => {
  stack = await startStack()
  await stack.startRelayer()
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

test('a module that asks for a Merkle proof gets the path of the message’s leaf', async () => {
  const validator = developmentKey(`validator-${stack.east.chainId}`).address
  const module = await deployStatic('StaticMerkleRootMultisigIsmFactory', [validator], 1)
  const recipient = await recipientWith(module)
  for (let i = 0; i < 3; i++) await untilDelivered(await dispatchTo(recipient))
}, 60_000)

test('an aggregation is met by its modules together; a paused one among them is named until it goes on', async () => {
  const { west } = stack
  const validator = developmentKey(`validator-${stack.east.chainId}`).address
  const merkle = await deployStatic('StaticMerkleRootMultisigIsmFactory', [validator], 1)
  const pausable = await west.deploy('PausableIsm', [west.owner])
  const module = await deployStatic('StaticAggregationIsmFactory', [merkle, pausable], 2)
  const recipient = await recipientWith(module)
  await west.send('PausableIsm', pausable, 'pause', [])
  const id = await dispatchTo(recipient)
  const waiting = await eventually('it waits', async () => {
    const found = await messageOf(id)
    return found.stage === 'awaiting_signatures' && found
  })
  expect(waiting.reason?.code).toBe('below_threshold')
  expect(waiting.ism).toMatchObject({
    kind: 'aggregation',
    buildable: false,
    children: [
      { kind: 'merkleRootMultisig', buildable: true },
      { kind: 'pausable', buildable: false, reason: 'it is paused' },
    ],
  })
  await west.send('PausableIsm', pausable, 'unpause', [])
  await untilDelivered(id)
}, 60_000)

test('a module that trusts one relayer gets its deliveries from that signer, one by one; another’s waits', async () => {
  const { west } = stack
  const ours = developmentKey('relayer-transfer').address
  const args = [west.contracts.mailbox, ours]
  const recipient = await recipientWith(await west.deploy('TrustedRelayerIsm', args))
  const ids = [await dispatchTo(recipient), await dispatchTo(recipient)]
  for (const id of ids) await untilDelivered(id)

  const foreign = await west.deploy('TrustedRelayerIsm', [west.contracts.mailbox, west.owner])
  const id = await dispatchTo(await recipientWith(foreign))
  const waiting = await eventually('it waits', async () => {
    const found = await messageOf(id)
    return found.stage === 'awaiting_signatures' && found
  })
  expect(waiting.reason).toMatchObject({ code: 'other_relayer' })
}, 60_000)
