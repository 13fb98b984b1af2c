import {
  encodeFunctionData,
  encodePacked,
  keccak256,
  parseEventLogs,
  toFunctionSelector,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { earlyMessagesAbi } from '../../sdk/abi/early-messages.ts'
import { receiptSlasherAbi } from '../../sdk/abi/receipt-slasher.ts'
import { sendCall } from '../../sdk/client/actions/send-call.ts'
import {
  NoProofError,
  slashAgainstPosted,
  slashForgedDelivery,
  slashTwoReceipts,
} from '../../sdk/client/actions/slash.ts'
import { contractOf } from '../../sdk/client/contracts.ts'
import { createTandemClient, type TandemClient } from '../../sdk/client/create-client.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import { decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import type { RecordedLeg } from '../../sdk/protocol/slot.ts'
import type { PostedSlot } from '../../sdk/protocol/posting.ts'
import { slotReceiptsDigest } from '../../sdk/protocol/receipt-hash.ts'
import type { SignedReceipt } from '../../sdk/protocol/receipt.ts'
import { deliverCall } from '../../sequencer/core/slots/system-calls.ts'
import { postedSlot } from '../../sequencer/shell/posting/batch.ts'
import { openLedger } from '../../sequencer/shell/posting/ledger.ts'
import { digestSigner, systemSigner } from '../../sequencer/shell/signing.ts'
import {
  postAll,
  startSettlementNode,
  type SettlementNode,
} from '../fixtures/follow/settlement-node.ts'
import { startSmallSequencer, type SmallSequencer } from '../fixtures/follow/small-sequencer.ts'
import {
  checkpointOf,
  deliverForged,
  forgedReport,
  SENT_ID,
  thievish,
} from '../fixtures/follow/thief.ts'
import { eventually } from '../fixtures/relayer/processes.ts'

// Goal: whoever holds two objects of the sequencer's that contradict each other takes its bond on l1; what
// an honest sequencer signs takes nothing.

const bondWei = 10n ** 19n
let sequencer: SmallSequencer
let l1: SettlementNode
let client: TandemClient
let receipt: SignedReceipt

beforeAll(async () => {
  sequencer = await startSmallSequencer(thievish)
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
  const call = { ...deliverCall(beta, config.system, { way: 'mailbox', bytes: message }), nonce: 3 }
  return { rawTx: sign(903, call).rawTx, id: keccak256(message) }
}

const capReached = toFunctionSelector('FastCapReached(uint256,uint64,uint64)')
const routePaused = toFunctionSelector('RoutePaused(uint32)')
const refusedBy = (selector: Hex) => {
  const reason = expect.stringContaining(selector)
  return { refusal: { error: 'LEG_FAILED', values: { chainId: 901, reason } } }
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
    const honest = await checkpointOf(5, sent.id)
    await expect(mined(slashForgedDelivery(client, sent.rawTx, honest))).rejects.toThrow(/reverted/)
    expect(await bond()).toBe(bondWei)
    await mined(slashForgedDelivery(client, delivery('0xbad0').rawTx, honest))
    expect(await bond()).toBe(0n)
  })

  test('is taken by what a thief at its keys forged, who got no more than the cap, and his route is closed (I22, V25)', async () => {
    const { port, leg, network } = sequencer
    const earlyMessages = network.chains.find(({ chainId }) => chainId === 901)!.contracts[
      'earlyMessages'
    ] as Address
    const forge = (sequence: number, dollars: bigint) => {
      const { bytes } = forgedReport(sequencer, { nonce: sequence, dollars })
      return deliverForged(sequencer, { bytes, sequence: BigInt(sequence) })
    }
    const eventsOf = (logs: RecordedLeg['logs']) =>
      parseEventLogs({ abi: earlyMessagesAbi, logs: logs as never }).map(
        ({ eventName }) => eventName,
      )

    // One more dollar than a route takes; then what it takes, and one dollar more.
    await expect(forge(1, 10_000_001n)).rejects.toMatchObject(refusedBy(capReached))
    const taken = await forge(2, 9_999_999n)
    expect(taken.status).toBe(1)
    expect(eventsOf(taken.logs)).toEqual(['AcceptedEarly'])
    await expect(forge(3, 1n)).rejects.toMatchObject(refusedBy(capReached))

    // Anybody shows the hub the message and what alpha's validator signed at its nonce.
    const { bytes } = forgedReport(sequencer, { nonce: 2, dollars: 9_999_999n })
    const sent = await checkpointOf(2, SENT_ID)
    const data = encodeFunctionData({
      abi: earlyMessagesAbi,
      functionName: 'proveForged',
      args: [bytes, sent],
    })
    const shown = await leg(901, { to: earlyMessages, data })
    const { preconfirmation } = await port.sendBundle({ legs: [shown], canRevert: [false] })
    const record = await sequencer.log.readOne(Number(preconfirmation.slot))
    const logs = decodeSlotRecord(record!).chains.flatMap(({ legs }) => legs.flatMap((l) => l.logs))
    expect(eventsOf(logs)).toEqual(['ForgeryProven', 'PauseSet'])
    await expect(forge(4, 1n)).rejects.toMatchObject(refusedBy(routePaused))

    // The same message, as the system key signed it, takes the bond.
    await mined(slashForgedDelivery(client, taken.rawTx, sent))
    expect(await bond()).toBe(0n)
  })
})
