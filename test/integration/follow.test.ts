import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { encodeFunctionData, encodePacked, keccak256, type Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { slotInboxAbi } from '../../sdk/abi/slot-inbox.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import { decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import { deliverCall } from '../../sequencer/core/slots/system-calls.ts'
import { LieError } from '../../sequencer/follow/lie.ts'
import { followNetwork } from '../../sequencer/follow/start-follow.ts'
import { openDisk } from '../../sequencer/shell/log/disk.ts'
import { openFileLog } from '../../sequencer/shell/log/file-log.ts'
import type { LogStore } from '../../sequencer/shell/log/log-store.ts'
import { systemSigner } from '../../sequencer/shell/signing.ts'
import { partiesOf } from '../../sequencer/shell/drivers/transaction.ts'
import { connectIpc } from '../../sequencer/shell/drivers/ipc.ts'
import { testGateway } from '../fixtures/rollup/gateway.ts'
import { lyingLog, type Draft } from '../fixtures/follow/liar.ts'
import { eventually } from '../fixtures/relayer/processes.ts'
import { postAll, startSettlementNode } from '../fixtures/follow/settlement-node.ts'
import { startSmallSequencer, type SmallSequencer } from '../fixtures/follow/small-sequencer.ts'

// Goal: whoever has the genesis and l1 rebuilds every rollup to the same blocks, and a sequencer that
// signs and posts what is not so is caught at the slot and the leg.

const payee = `0x${'aa'.repeat(20)}` as const
const stray = `0x${'ab'.repeat(20)}` as const
let sequencer: SmallSequencer
/** Last slot that the tests look at: the sequencer goes on with its heartbeats meanwhile. */
let tip = 0
/** Slots by what stands in them. */
const slotOf = { transfer: 0, message: 0, item: 0 }
/** What a leg on one rollup gives to a later one on another. */
const result = keccak256('0x7e51')

beforeAll(async () => {
  sequencer = await startSmallSequencer()
  const { port, leg, messageLeg } = sequencer
  const send = async (legs: Parameters<typeof port.sendBundle>[0]['legs']) => {
    const receipt = await port.sendBundle({ legs, canRevert: legs.map(() => false) })
    const slot = Number(receipt.preconfirmation.slot)
    // Each in a superblock of its own, and the last one with a slot behind it.
    await eventually('a later slot', () => sequencer.engine.publishedSlot > slot)
    return slot
  }
  slotOf.transfer = await send([
    await leg(902, { to: payee, value: 1n }),
    await leg(903, { to: payee, value: 2n }),
  ])
  slotOf.message = await send([
    await messageLeg(902, 903, '0x1234'),
    await leg(901, { to: payee, value: 3n }),
  ])
  slotOf.item = await send(await itemLegs())
  await send([await leg(903, { to: payee, value: 4n })])
  await stopAndResume(903)
  await send([await leg(903, { to: payee, value: 5n })])
  tip = sequencer.engine.publishedSlot
}, 60_000)

afterAll(() => sequencer?.remove())

/** A leg that sends an item, and one that was signed before and fails without it. */
async function itemLegs() {
  const { network, leg } = sequencer
  const inbox = network.chains.find(({ chainId }) => chainId === 902)!.contracts['slotInbox']!
  const { address } = developmentKey('faucet')
  const call = (functionName: 'send' | 'take', args: readonly unknown[]) =>
    encodeFunctionData({ abi: slotInboxAbi, functionName, args } as never)
  const label = keccak256('0x1abe1')
  return [
    await leg(902, { to: inbox, data: call('send', [903, address, label, result]) }),
    await leg(903, { to: inbox, data: call('take', [902, address, label]) }),
  ]
}

test('an item that a leg sends is where a later leg on another rollup takes it', async () => {
  const bytes = await sequencer.log.readOne(slotOf.item)
  const legs = legsOn(decodeSlotRecord(bytes!) as Draft, 903)
  const told = legs.map(({ origin, status }) => `${origin.type} ${status}`)
  expect(told).toEqual(['open 1', 'delivery 1', 'entry 1'])
  // The same call alone finds nothing: what is taken is gone.
  const [, take] = await itemLegs()
  const alone = sequencer.port.sendBundle({ legs: [take!], canRevert: [false] })
  await expect(alone).rejects.toMatchObject({ errorName: 'LEG_FAILED' })
})

/** A node is made to do something else than was promised, with real means; its rollup goes on later. */
async function stopAndResume(chainId: number): Promise<void> {
  const { port, leg, hooks } = sequencer
  const stopped = () => port.status().stopped.map((item) => item.chainId)
  hooks.beforeSeal = async (id, ipcPath) => {
    if (id !== chainId) return
    const node = await connectIpc(ipcPath)
    // Whatever is called there fails from now on.
    await node.call('anvil_setCode', [stray, '0xfe'])
    node.close()
  }
  const legs = [
    await leg(902, { to: stray, value: 1n }),
    await leg(chainId, { to: stray, value: 1n }),
  ]
  await port.sendBundle({ legs, canRevert: [false, false] })
  await eventually('a stop', () => stopped().includes(chainId))
  const refusal = () => port.resume(chainId).then(() => 'resumed', String)
  await eventually(
    'its superblock is closed',
    async () => !(await refusal()).includes('being made'),
  )
  expect(await refusal()).toContain('cannot be derived')
  hooks.beforeSeal = undefined
  await resumeByCommand(chainId)
  expect(stopped()).toEqual([])
}

/** `tandem resume` against this process. */
async function resumeByCommand(chainId: number): Promise<void> {
  const { port, config, layout, network } = sequencer
  const operator = config.leader
  const gateway = await testGateway(port, undefined, { operator, logId: config.logId })
  const file = join(layout.root, 'network-here.json')
  const here = { ...network.sequencer, rpcUrl: gateway.url }
  writeFileSync(file, JSON.stringify({ ...network, sequencer: here }))
  try {
    const shown = await tandem(['resume', '--network', file])
    expect(shown.result).toMatchObject({ chainId, reason: expect.stringContaining('status') })
    const { code, result } = await tandem(['resume', '--network', file, '--chain', `${chainId}`])
    expect(result).toMatchObject({ chain: shown.result.chain, chainId, resumed: true })
    expect(code).toBe(0)
  } finally {
    await gateway.close()
  }
}

/** Runs the command line; its one line of JSON is the result. */
async function tandem(args: readonly string[]) {
  const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
  const child = spawn(process.execPath, [cli, ...args])
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ])
  return { code, result: out === '' ? undefined : JSON.parse(out), err }
}

/** Posts a log to a settlement chain of its own and follows it from there. */
async function followed(log: Pick<LogStore, 'read' | 'readOne' | 'tip'>, until?: number) {
  const { network, layout } = sequencer
  const node = await startSettlementNode(sequencer)
  const directory = mkdtempSync(join(tmpdir(), 'tandem-follow-'))
  try {
    await postAll(node, sequencer, log)
    const progress: number[] = []
    const result = await followNetwork({
      ...{ network, directory, until, genesis: layout.genesis, l1Url: node.url },
      progress: ({ slot }) => progress.push(slot),
    })
    return { result, progress }
  } finally {
    await node.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The log up to the tests' last slot. */
function frozen(): LogStore {
  const { log } = sequencer
  return {
    ...log,
    tip: () => tip,
    readOne: (height) => log.readOne(height),
    read: async function* (from) {
      for await (const item of log.read(from)) {
        if (item.height > tip) return
        yield item
      }
    },
  }
}

/** Hash of each block as the sequencer's next block on that rollup names it. */
async function parentsInLog(): Promise<Map<string, string>> {
  const parents = new Map<string, string>()
  for await (const { record } of sequencer.log.read(1)) {
    for (const { chainId, env } of decodeSlotRecord(record).chains) {
      parents.set(`${chainId}:${env.number - 1}`, env.parentHash)
    }
  }
  return parents
}

async function lieFoundIn(lie: (drafts: Draft[]) => void): Promise<LieError> {
  const log = await lyingLog(frozen(), sequencer.config.logId, lie)
  const error = await followed(log).then(
    () => new Error('nothing was found'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof LieError) return error
  throw error
}

const draftAt = (drafts: Draft[], slot: number) => drafts[slot - 1]!
const legsOn = (draft: Draft, chainId: number) =>
  draft.chains.find((chain) => chain.chainId === chainId)!.legs

describe('a follower', { timeout: 60_000 }, () => {
  test('rebuilds every rollup from l1 alone to the same blocks (I3)', async () => {
    const { result, progress } = await followed(frozen())
    expect(result.slot).toBe(tip)
    expect(progress.length).toBeGreaterThan(2)
    expect(result.heads.every(({ number }) => number > 1)).toBe(true)
    // The sequencer is further by now: what it called the parent of its next block is what was rebuilt.
    const parents = await parentsInLog()
    const later = result.heads.filter(({ chainId, number }) => parents.has(`${chainId}:${number}`))
    expect(later.length).toBeGreaterThan(0)
    const same = later.filter(({ chainId, number, hash }) => {
      return parents.get(`${chainId}:${number}`) === hash
    })
    expect(same).toEqual(later)
  })

  test('stops where it is told to', async () => {
    const { result } = await followed(frozen(), slotOf.transfer)
    expect(result.slot).toBe(slotOf.transfer)
  })
})

/** Runs `tandem replay` on a log that is written to a place of its own. */
async function replayed(
  log: Pick<LogStore, 'read'>,
  args: readonly string[],
  damage: (segment: string) => void = () => undefined,
) {
  const state = mkdtempSync(join(tmpdir(), 'tandem-replayed-'))
  try {
    const copy = (await openFileLog(await openDisk(join(state, 'log')))).log
    for await (const { height, record } of log.read(0)) await copy.append(height, record)
    await copy.close()
    damage(join(state, 'log', '0000000000000001.log'))
    return await tandem([
      ...['replay', '--network', sequencer.layout.networkFile, '--state', state],
      ...args,
    ])
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
}

describe('a replay of the log of this machine', { timeout: 60_000 }, () => {
  test('derives every block again with the hashes that the log has (I3)', async () => {
    const { code, result } = await replayed(frozen(), ['--verify'])
    expect(result).toMatchObject({ ok: true, verified: true, slot: tip })
    expect(result.blocks).toBeGreaterThan(3)
    expect(code).toBe(0)
  })

  test('names the first leg that does something else than the log says', async () => {
    const log = await lyingLog(frozen(), sequencer.config.logId, (drafts) => {
      legsOn(draftAt(drafts, slotOf.transfer), 903)[1]!.gasUsed += 1n
    })
    const { code, result } = await replayed(log, ['--verify'])
    const difference = { slot: slotOf.transfer, chainId: 903, leg: 1, what: 'gasUsed differs' }
    expect(result).toMatchObject({ ok: false, difference })
    expect(code).toBe(3)
    // What only an execution shows is not seen without one.
    expect((await replayed(log, [])).code).toBe(0)
  })

  test('refuses a flipped bit with its file and offset', async () => {
    const { code, err } = await replayed(frozen(), [], (segment) => {
      const bytes = readFileSync(segment)
      bytes[bytes.length >> 1]! ^= 1
      writeFileSync(segment, bytes)
    })
    expect(code).toBe(1)
    expect(err).toMatch(/segment: 0000000000000001\.log; offset: \d+; height: \d+/)
  })
})

type Lie = {
  what: string
  lie: (drafts: Draft[]) => void
  at: () => { slot?: number; chainId?: number; leg?: number }
}

const lies: Lie[] = [
  {
    what: 'another use of gas',
    lie: (drafts) => (legsOn(draftAt(drafts, slotOf.transfer), 903)[1]!.gasUsed += 1n),
    at: () => ({ slot: slotOf.transfer, chainId: 903, leg: 1 }),
  },
  {
    what: 'a log that nobody wrote',
    lie: (drafts) => {
      const leg = legsOn(draftAt(drafts, slotOf.transfer), 902)[1]!
      leg.logs = [{ address: payee, topics: [], data: '0x01' }]
    },
    at: () => ({ slot: slotOf.transfer, chainId: 902, leg: 1 }),
  },
  {
    what: 'a required leg that failed (I4)',
    lie: (drafts) => (legsOn(draftAt(drafts, slotOf.transfer), 903)[1]!.status = 0),
    at: () => ({ slot: slotOf.transfer, chainId: 903, leg: 1 }),
  },
  {
    what: 'a message that nobody sent (I14)',
    lie: (drafts) => {
      const legs = legsOn(draftAt(drafts, slotOf.message), 903)
      forgeDelivery(legs.find(({ origin }) => origin.type === 'delivery')!)
    },
    at: () => ({ slot: slotOf.message, chainId: 903, leg: 1 }),
  },
  {
    what: 'an item that nobody sent (I14)',
    lie: (drafts) => {
      const legs = legsOn(draftAt(drafts, slotOf.item), 903)
      forgeItem(legs.find(({ origin }) => origin.type === 'delivery')!)
    },
    at: () => ({ slot: slotOf.item, chainId: 903, leg: 1 }),
  },
  {
    what: 'another block than the legs give',
    lie: (drafts) => {
      const notes = drafts.slice(slotOf.transfer).flatMap((draft) => draft.notes.sealed)
      const note = notes.find(({ chainId }) => chainId === 902)!
      note.header = `${note.header.slice(0, -2)}ff` as typeof note.header
    },
    at: () => ({ chainId: 902 }),
  },
  {
    what: 'another native state',
    lie: (drafts) => (draftAt(drafts, slotOf.message).header.nativeRoot = keccak256('0x02')),
    at: () => ({ slot: slotOf.message }),
  },
  {
    what: 'another block than the one that was withheld',
    lie: (drafts) => {
      const note = drafts.flatMap(({ notes }) => notes.resumed)[0]!
      note.slot = slotOf.transfer
    },
    at: () => ({ chainId: 903 }),
  },
  {
    what: 'time that stands still (I13)',
    lie: (drafts) => {
      const { timestampMs } = draftAt(drafts, slotOf.message).header
      draftAt(drafts, slotOf.message + 1).header.timestampMs = timestampMs
    },
    at: () => ({ slot: slotOf.message + 1 }),
  },
  {
    what: 'a block of l1 that is none (I17)',
    lie: (drafts) => {
      for (const { header } of drafts.slice(slotOf.message)) {
        header.l1Origin = { number: 1, hash: keccak256('0x01') }
      }
    },
    at: () => ({ slot: slotOf.message + 1 }),
  },
]

/** What a thief of the system key would put there: a message in the name of another contract. */
function forgeDelivery(leg: Draft['chains'][number]['legs'][number]): void {
  const { config } = sequencer
  const chain = config.chains.find(({ chainId }) => chainId === 903)!
  const word = `0x${'0'.repeat(24)}${payee.slice(2)}` as const
  const message = encodePacked(
    ['uint8', 'uint32', 'uint32', 'bytes32', 'uint32', 'bytes32', 'bytes'],
    [3, 77, 902, word, 903, word, '0x99'],
  )
  const sign = systemSigner(developmentKey('system').privateKey)
  const delivery = deliverCall(chain, config.system, { way: 'mailbox', bytes: message })
  Object.assign(leg, sign(903, { ...delivery, nonce: 5 }))
}

/** The item that was sent, with another result in it. */
function forgeItem(leg: Draft['chains'][number]['legs'][number]): void {
  const { config } = sequencer
  const chain = config.chains.find(({ chainId }) => chainId === 903)!
  const input = partiesOf(leg.rawTx).input
  const forged = input.replace(result.slice(2), '99'.repeat(32)) as Hex
  expect(forged).not.toBe(input)
  const sign = systemSigner(developmentKey('system').privateKey)
  const put = deliverCall(chain, config.system, { way: 'inbox', bytes: forged })
  Object.assign(leg, sign(903, { ...put, nonce: 5 }))
}

describe('a sequencer that signs and posts what is not so is caught', { timeout: 60_000 }, () => {
  test.each(lies)('$what', async ({ lie, at }) => {
    const found = await lieFoundIn(lie)
    expect(found.place).toMatchObject(at())
    expect(found.finding.posted).not.toBe(found.finding.recomputed)
  })
})
