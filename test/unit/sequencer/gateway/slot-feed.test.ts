import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, type RawData } from 'ws'
import { createTandemClient } from '../../../../sdk/client/create-client.ts'
import { watchSlots, type SlotFeedError } from '../../../../sdk/client/actions/watch-slots.ts'
import { bytesToHex } from '../../../../sdk/protocol/bytes.ts'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import { checkSlotFrame, recordHash, type SlotFrame } from '../../../../sdk/protocol/slot-feed.ts'
import { createSignal } from '../../../../sequencer/shell/drivers/serial.ts'
import { createSlotFeed, type SlotFeed } from '../../../../sequencer/shell/gateway/slot-feed.ts'
import {
  serveWebSockets,
  type ServedSockets,
} from '../../../../sequencer/shell/gateway/websocket.ts'
import { digestSigner } from '../../../../sequencer/shell/signing.ts'
import { networkFixture } from '../../../fixtures/network.ts'
import { counterLeg, startHarness } from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, logId, SEQUENCER_KEY } from '../../../fixtures/sequencer/world.ts'

const slots = 90
let records: Uint8Array[]
let hashes: Hash[]

beforeAll(async () => {
  const { answer, process, settle } = await startHarness('slot feed')
  const { port, engine } = process()
  for (let nonce = 0; nonce < slots; nonce++) {
    await answer(port.sendTransaction(counterLeg(CHAIN_IDS[1], nonce, [{ do: 'add', value: 1 }])))
  }
  await settle()
  records = []
  for await (const { record } of engine.options.log.read(0)) records.push(record)
  hashes = records.map((record, height) => recordHash(logId, height, record))
})

/** A log of which a test decides how much is durable. */
let tip: number
let reads: number
let durable: ReturnType<typeof createSignal>
let feed: SlotFeed
let server: Server
let sockets: ServedSockets
let wsUrl: string
const failures: unknown[] = []

beforeEach(async () => {
  tip = records.length - 1
  reads = 0
  durable = createSignal()
  feed = createSlotFeed({
    logId,
    durable,
    signDigest: digestSigner(SEQUENCER_KEY),
    log: {
      tip: () => tip,
      first: () => 1,
      readOne: async (height) => {
        reads += 1
        return height <= tip ? records[height] : undefined
      },
      read: async function* (from) {
        for (let height = from; height <= tip; height++) {
          reads += 1
          yield { height, record: records[height]! }
        }
      },
    },
  })
  server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  sockets = serveWebSockets({
    server,
    endpointAt: () => undefined,
    feed,
    fail: (error) => failures.push(error),
  })
  wsUrl = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterEach(async () => {
  sockets.close()
  await new Promise((resolve) => server.close(resolve))
  expect(failures).toEqual([])
})

function clientOf(change: { address?: `0x${string}`; logId?: Hash } = {}) {
  const network = networkFixture()
  const { address } = privateKeyToAccount(SEQUENCER_KEY)
  const sequencer = { ...network.sequencer, wsUrl, address: change.address ?? address }
  return createTandemClient({ network: { ...network, logId: change.logId ?? logId, sequencer } })
}

/** A frame's text: the server sends no other frames. */
const textOf = (data: RawData) => (data as Buffer).toString('utf8')

/** Takes slots until one has a height. */
async function takeUntil(
  options: Parameters<typeof watchSlots>[1] & object,
  height: number,
  client = clientOf(),
) {
  const heights: number[] = []
  for await (const slot of watchSlots(client, options)) {
    expect(slot.hash).toBe(hashes[slot.height])
    heights.push(slot.height)
    if (slot.height >= height) break
  }
  return heights
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('the feed of slots', () => {
  test('tells every slot from the first on, without a gap, as the log has them (I1)', async () => {
    expect(await takeUntil({ from: 0 }, tip)).toEqual(range(0, records.length - 1))
  })

  test('goes on behind a known slot, and tells new ones as they become durable', async () => {
    tip = 20
    const after = { height: 17, hash: hashes[17]! }
    const taken = takeUntil({ after }, 40)
    while (tip < 40) {
      await expect.poll(() => feed.readers()).toBe(1)
      tip += 1
      durable.notify()
    }
    expect(await taken).toEqual(range(18, 40))
    await expect.poll(() => feed.readers()).toBe(0)
  })

  test('is followed without a gap over lost connections', async () => {
    const heights: number[] = []
    for await (const { height } of watchSlots(clientOf(), { from: 3 })) {
      heights.push(height)
      if (height === 9) sockets.close()
      if (height === 9) {
        sockets = serveWebSockets({
          server,
          endpointAt: () => undefined,
          feed,
          fail: () => undefined,
        })
      }
      if (height === 30) break
    }
    expect(heights).toEqual(range(3, 30))
  })

  test('keeps nothing for a reader that does not read, and loses nothing for it', async () => {
    // Frames far larger than what the connection's own buffers hold.
    const whole = 2_000
    const many = Array.from({ length: whole }, (_, i) => records[i === 0 ? 0 : 1 + (i % 80)]!)
    const large = createSlotFeed({
      logId,
      durable,
      signDigest: () => `0x${'11'.repeat(200_000)}`,
      log: {
        tip: () => whole - 1,
        first: () => 1,
        readOne: async (height) => many[height],
        read: async function* (from) {
          for (let height = from; height < whole; height++) {
            reads += 1
            yield { height, record: many[height]! }
          }
        },
      },
    })
    sockets.close()
    sockets = serveWebSockets({
      server,
      endpointAt: () => undefined,
      feed: large,
      fail: (error) => failures.push(error),
    })
    const reader = new WebSocket(`${wsUrl}feed?from=0`)
    await new Promise((resolve) => reader.once('open', resolve))
    reader.pause()
    // It reads on until the connection is full, and then no further.
    let before = -1
    await expect
      .poll(
        () => {
          const still = reads > 0 && reads === before
          before = reads
          return still
        },
        { interval: 150 },
      )
      .toBe(true)
    expect(reads).toBeLessThan(100)
    const heights: number[] = []
    reader.on('message', (data) => {
      heights.push((JSON.parse(textOf(data)) as SlotFrame).height)
    })
    reader.resume()
    await expect.poll(() => heights.length, { timeout: 10_000 }).toBeGreaterThan(120)
    expect(heights).toEqual(range(0, heights.length - 1))
    reader.terminate()
  }, 20_000)

  test('cuts off a reader that takes nothing at all', async () => {
    const impatient = createSlotFeed(
      {
        logId,
        durable,
        signDigest: () => `0x${'11'.repeat(4_000_000)}`,
        log: {
          tip: () => 100,
          first: () => 1,
          readOne: async (height) => records[height],
          read: async function* (from) {
            for (let height = from; height < 100; height++)
              yield { height, record: records[height]! }
          },
        },
      },
      50,
    )
    sockets.close()
    sockets = serveWebSockets({
      server,
      endpointAt: () => undefined,
      feed: impatient,
      fail: (error) => failures.push(error),
    })
    const reader = new WebSocket(`${wsUrl}feed?from=0`)
    reader.on('error', () => undefined)
    await new Promise((resolve) => reader.once('open', resolve))
    reader.pause()
    await expect.poll(() => impatient.readers()).toBe(0)
    reader.terminate()
  })

  test.each([
    ['a height that is not there yet', '9999', 'at most the next height'],
    ['what is no height', '-1', 'decimal digits'],
  ])('refuses %s by name', async (_what, from, rule) => {
    const reader = new WebSocket(`${wsUrl}feed?from=${from}`)
    const end = await new Promise((resolve) => {
      reader.once('message', (data) => resolve(JSON.parse(textOf(data))))
    })
    expect(end).toMatchObject({
      type: 'end',
      error: 'INVALID_REQUEST',
      message: expect.stringContaining(rule),
    })
    const client = clientOf()
    const refused = takeUntil({ from: 9_999 }, 10_000, client)
    await expect(refused).rejects.toMatchObject({
      fault: 'refused',
    } satisfies Partial<SlotFeedError>)
  })
})

describe('a client of the feed', () => {
  test('takes the word of the network’s sequencer alone', async () => {
    const client = clientOf({ address: `0x${'12'.repeat(20)}` })
    await expect(takeUntil({ from: 1 }, 5, client)).rejects.toMatchObject({ fault: 'signature' })
  })

  test('does not go on from a slot that is not the parent (I1)', async () => {
    const after = { height: 4, hash: hashes[3]! }
    await expect(takeUntil({ after }, 8)).rejects.toMatchObject({ fault: 'parent' })
  })

  test('finds every kind of lie in a frame', () => {
    const frame: SlotFrame = {
      ...{ type: 'slot', version: 1, height: 7, hash: hashes[7]!, signature: '0x' },
      record: bytesToHex(records[7]!),
    }
    const expected = { height: 7, parentHash: hashes[6]! }
    const faultOf = (change: Partial<SlotFrame>, wanted = expected, of: Hash = logId) =>
      checkSlotFrame(of, { ...frame, ...change }, wanted).fault
    expect(faultOf({})).toBeUndefined()
    expect(faultOf({ height: 8 })).toBe('height')
    expect(faultOf({ record: bytesToHex(records[8]!) })).toBe('height')
    expect(faultOf({ hash: hashes[8]! })).toBe('hash')
    expect(faultOf({ record: '0x01' })).toBe('record')
    expect(faultOf({}, { ...expected, parentHash: hashes[5]! })).toBe('parent')
    expect(faultOf({}, expected, `0x${'c'.repeat(64)}`)).toBe('hash')
    // Whatever bit of the record is turned, the frame is not believed.
    for (let at = 0; at < records[7]!.length; at += 7) {
      const bytes = Uint8Array.from(records[7]!)
      bytes[at] = bytes[at]! ^ 1
      expect(faultOf({ record: bytesToHex(bytes) })).toBeDefined()
    }
    const first = { ...frame, height: 0, hash: hashes[0]!, record: bytesToHex(records[0]!) }
    expect(checkSlotFrame(logId, first, { height: 0 }).fault).toBeUndefined()
    expect(checkSlotFrame(`0x${'c'.repeat(64)}`, first, { height: 0 }).fault).toBe('network')
  })
})
