import { encodeFunctionData, encodePacked, keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { receiptSlasherAbi } from '../../sdk/abi/receipt-slasher.ts'
import { sendCall } from '../../sdk/client/actions/send-call.ts'
import {
  NoProofError,
  slashAgainstPosted,
  slashForgedDelivery,
  slashTwoReceipts,
  type SignedCheckpoint,
} from '../../sdk/client/actions/slash.ts'
import { contractOf } from '../../sdk/client/contracts.ts'
import { createTandemClient, type TandemClient } from '../../sdk/client/create-client.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import type { PostedSlot } from '../../sdk/protocol/posting.ts'
import { slotReceiptsDigest } from '../../sdk/protocol/receipt-hash.ts'
import type { SignedReceipt } from '../../sdk/protocol/receipt.ts'
import { deliverCall } from '../../sequencer/core/system-calls.ts'
import { postedSlot } from '../../sequencer/shell/posting/batch.ts'
import { openLedger } from '../../sequencer/shell/posting/ledger.ts'
import { digestSigner, systemSigner } from '../../sequencer/shell/signing.ts'
import {
  postAll,
  startSettlementNode,
  type SettlementNode,
} from '../fixtures/follow/settlement-node.ts'
import { startSmallSequencer, type SmallSequencer } from '../fixtures/follow/small-sequencer.ts'
import { eventually } from '../fixtures/relayer/processes.ts'

// Goal: whoever holds two objects of the sequencer's that contradict each other takes its bond on l1; what
// an honest sequencer signs takes nothing.

const bondWei = 10n ** 19n
let sequencer: SmallSequencer
let l1: SettlementNode
let client: TandemClient
let receipt: SignedReceipt

beforeAll(async () => {
  sequencer = await startSmallSequencer()
  l1 = await startSettlementNode(sequencer)
  const { network, port, leg, engine } = sequencer
  const chains = network.chains.map((chain) =>
    chain.kind === 'settlement' ? { ...chain, rpcUrl: l1.url } : chain,
  )
  const account = privateKeyToAccount(developmentKey('liquidator').privateKey)
  client = createTandemClient({ network: { ...network, chains }, account })
  const legs = [await leg(902, { to: `0x${'aa'.repeat(20)}`, value: 1n })]
  receipt = await port.sendBundle({ legs, canRevert: [false] })
  const { slot } = receipt.preconfirmation
  await eventually('the slot to be visible', () => BigInt(engine.publishedSlot) > slot)
  await postAll(l1, sequencer, sequencer.log)
}, 60_000)

afterAll(async () => {
  await sequencer?.remove()
  await l1?.stop()
})

/** Mines until something on l1 is done. */
async function mined<T>(work: Promise<T>): Promise<T> {
  let done = false
  void work.finally(() => (done = true)).catch(() => undefined)
  await eventually('a block with it', async () => {
    await l1.mine()
    return done
  })
  return work
}

const slasher = () => contractOf(client, 900, 'receiptSlasher')
const bond = () =>
  client.on(900).readContract({
    address: slasher(),
    abi: receiptSlasherAbi,
    functionName: 'bondWei',
  })

beforeEach(async () => {
  const data = encodeFunctionData({ abi: receiptSlasherAbi, functionName: 'deposit' })
  const valueWei = bondWei - (await bond())
  await mined(sendCall(client, { chainId: 900, to: slasher(), data, valueWei }))
  expect(await bond()).toBe(bondWei)
})

/** What a sequencer signs that answers two clients differently. */
function otherReceipt(slot = receipt.preconfirmation.slot): SignedReceipt {
  const receiptRoot: Hash = keccak256('0x0123')
  const sign = digestSigner(developmentKey('sequencer').privateKey)
  const digest = slotReceiptsDigest(sequencer.config.logId, { slot, view: 0n, receiptRoot })
  return {
    ...receipt,
    preconfirmation: { ...receipt.preconfirmation, slot },
    receiptRoot,
    signature: sign(digest),
  }
}

/** The slots of the first batch on l1, as anybody reads them. */
async function slotsOfBatch(): Promise<PostedSlot[]> {
  const { config, log } = sequencer
  const records: Uint8Array[] = []
  for await (const { record } of log.read(0)) records.push(record)
  const ledger = openLedger(l1.client, contractOf(client, 900, 'slotLedger'))
  const [first] = await ledger.batches(0, (await l1.client.head()).number)
  return records
    .slice(0, first!.count)
    .map((record, height) => postedSlot(config.logId, height, record))
}

/** A delivery to beta in the name of alpha's mailbox, signed by the system key. */
function delivery(body: Hex): { rawTx: Hex; id: Hash } {
  const { config } = sequencer
  const beta = config.chains.find(({ chainId }) => chainId === 903)!
  const word: Hash = `0x${'0'.repeat(63)}1`
  const message = encodePacked(
    ['uint8', 'uint32', 'uint32', 'bytes32', 'uint32', 'bytes32', 'bytes'],
    [3, 5, 902, word, 903, word, body],
  )
  const sign = systemSigner(developmentKey('system').privateKey)
  const call = { ...deliverCall(beta, config.system, message), nonce: 3 }
  return { rawTx: sign(903, call).rawTx, id: keccak256(message) }
}

async function checkpoint(messageId: Hash): Promise<SignedCheckpoint> {
  const [merkleTreeHook, root]: [Hash, Hash] = [keccak256('0x01'), keccak256('0x02')]
  const domain = keccak256(
    encodePacked(['uint32', 'bytes32', 'string'], [902, merkleTreeHook, 'HYPERLANE']),
  )
  const content = keccak256(
    encodePacked(['bytes32', 'bytes32', 'uint32', 'bytes32'], [domain, root, 5, messageId]),
  )
  const validator = privateKeyToAccount(developmentKey('validator-902').privateKey)
  const signatures = await validator.signMessage({ message: { raw: content } })
  return { merkleTreeHook, root, index: 5, messageId, signatures }
}

describe('the sequencer’s bond', { timeout: 60_000 }, () => {
  test('is taken by two receipts for one slot, and one alone proves nothing (I8)', async () => {
    await expect(slashTwoReceipts(client, receipt, receipt)).rejects.toBeInstanceOf(NoProofError)
    await mined(slashTwoReceipts(client, receipt, otherReceipt()))
    expect(await bond()).toBe(0n)
  })

  test('is taken by a receipt that the posted slot does not bear out (I8)', async () => {
    const posted = { batch: 0n, slots: await slotsOfBatch() }
    await expect(slashAgainstPosted(client, receipt, posted)).rejects.toBeInstanceOf(NoProofError)
    await mined(slashAgainstPosted(client, otherReceipt(1n), posted))
    expect(await bond()).toBe(0n)
  })

  test('is taken by a delivery of what nobody sent, never by one of what was sent (V25)', async () => {
    const sent = delivery('0x01')
    const honest = await checkpoint(sent.id)
    await expect(mined(slashForgedDelivery(client, sent.rawTx, honest))).rejects.toThrow(/reverted/)
    expect(await bond()).toBe(bondWei)
    await mined(slashForgedDelivery(client, delivery('0xbad0').rawTx, honest))
    expect(await bond()).toBe(0n)
  })
})
