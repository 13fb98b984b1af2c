import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFunctionData, erc20Abi, type Address } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forceBundle, signIntent } from '../../sdk/client/actions/force-bundle.ts'
import { createTandemClient, type TandemClient } from '../../sdk/client/create-client.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import { ENTRY_KIND } from '../../sdk/protocol/entry.ts'
import { decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import type { RecordedEntry, SlotRecord } from '../../sdk/protocol/slot.ts'
import { LieError } from '../../sequencer/follow/lie.ts'
import { followNetwork } from '../../sequencer/follow/start-follow.ts'
import { openInbox } from '../../sequencer/shell/l1/inbox.ts'
import { openLedger } from '../../sequencer/shell/posting/ledger.ts'
import { startSettlement, type Settlement } from '../../sequencer/shell/posting/settlement.ts'
import { createTags } from '../../sequencer/shell/posting/tags.ts'
import { lyingLog } from '../fixtures/follow/liar.ts'
import {
  postAll,
  startSettlementNode,
  type SettlementNode,
} from '../fixtures/follow/settlement-node.ts'
import { startSmallSequencer, type SmallSequencer } from '../fixtures/follow/small-sequencer.ts'
import { eventually } from '../fixtures/relayer/processes.ts'

// Goal: whoever the sequencer leaves out reaches every rollup by l1, with whole bundles and without coins
// there (I11, I12), and a log that passes over it is caught.

let sequencer: SmallSequencer
let l1: SettlementNode
let settlement: Settlement
let client: TandemClient
const depth = 6

beforeAll(async () => {
  sequencer = await startSmallSequencer()
  l1 = await startSettlementNode(sequencer)
  const { network, engine, log, config } = sequencer
  const contracts = network.chains.find(({ kind }) => kind === 'settlement')!.contracts
  const ledger = openLedger(l1.client, contracts['slotLedger'] as Address)
  settlement = startSettlement({
    l1: l1.client,
    ledger,
    poster: { turn: () => ledger.position() },
    tags: createTags(log),
    inbox: openInbox(l1.client, contracts['bundleInbox'] as Address),
    forcedWithinBlocks: config.forcedWithinBlocks,
    origin: () => engine.state.l1Origin,
    onOrigin: (origin, forced) => engine.dispatch({ type: 'l1', origin, forced }),
    onConflict: (error) => {
      throw error
    },
    pollMs: 20,
    observe: () => undefined,
  })
  const chains = network.chains.map((chain) =>
    chain.kind === 'settlement' ? { ...chain, rpcUrl: l1.url } : chain,
  )
  const account = privateKeyToAccount(developmentKey('liquidator').privateKey)
  client = createTandemClient({ network: { ...network, chains }, account })
}, 60_000)

afterAll(async () => {
  await settlement?.stop()
  await sequencer?.remove()
  await l1?.stop()
})

/** Puts an intent of calls into the inbox and buries it deep enough. */
async function force(calls: Parameters<typeof signIntent>[1]['calls']) {
  const signed = await signIntent(client, { calls })
  const forcing = forceBundle(client, signed)
  let done = false
  void forcing.finally(() => (done = true)).catch(() => undefined)
  await eventually('the bundle in a block', async () => {
    await l1.mine()
    return done
  })
  await l1.mine(depth + 1)
  return forcing
}

async function records(): Promise<SlotRecord[]> {
  const all: SlotRecord[] = []
  for await (const { record } of sequencer.log.read(1)) all.push(decodeSlotRecord(record))
  return all
}

async function forcedEntry(
  index: number,
): Promise<{ record: SlotRecord; entry: RecordedEntry; place: number }> {
  let found: { record: SlotRecord; entry: RecordedEntry; place: number } | undefined
  await eventually('the forced entry in the log', async () => {
    for (const record of await records()) {
      const place = record.entries.findIndex(({ forced }) => forced?.index === index)
      const entry = record.entries[place]
      if (entry !== undefined) found = { record, entry, place }
    }
    return found !== undefined
  })
  return found!
}

const tokenOf = (chainId: number) =>
  sequencer.network.assets[0]!.tokens[`${chainId}`]!.address as Address

/** A call that succeeds for whoever makes it; the other one fails. */
const approve = (chainId: number) => ({
  chainId,
  target: tokenOf(chainId),
  gas: 100_000n,
  data: encodeFunctionData({
    abi: erc20Abi,
    functionName: 'approve',
    args: [`0x${'ab'.repeat(20)}`, 7n],
  }),
})
const overdraw = (chainId: number) => ({
  ...approve(chainId),
  data: encodeFunctionData({
    abi: erc20Abi,
    functionName: 'transfer',
    args: [`0x${'ab'.repeat(20)}`, 7n],
  }),
})

const legsOf = ({ record, place }: { record: SlotRecord; place: number }) =>
  record.chains.flatMap(({ chainId, legs }) =>
    legs
      .filter(({ origin }) => origin.type === 'entry' && origin.entry === place)
      .map(({ status }) => ({ chainId, status })),
  )

describe('a bundle that is forced by l1', { timeout: 60_000 }, () => {
  test('runs whole on every rollup it names, in one slot, without coins of its owner (I11)', async () => {
    const { index, l1Block } = await force([approve(902), approve(903)])
    const found = await forcedEntry(Number(index))
    expect(found.entry).toMatchObject({
      kind: ENTRY_KIND.forced,
      forced: { l1Block: Number(l1Block) },
    })
    expect(found.entry.voided).toBeUndefined()
    expect(legsOf(found)).toEqual([
      { chainId: 902, status: 1 },
      { chainId: 903, status: 1 },
    ])
    const { forcedCursor, l1Origin } = found.record.header
    expect(forcedCursor).toBe(Number(index) + 1)
    expect(l1Origin.number).toBeGreaterThanOrEqual(Number(l1Block))
    expect(l1Origin.number).toBeLessThan(Number(l1Block) + sequencer.config.forcedWithinBlocks)
  })

  test('is voided as a whole when one of its calls fails: no leg of it is anywhere (I12)', async () => {
    const { index } = await force([approve(902), overdraw(903)])
    const found = await forcedEntry(Number(index))
    expect(found.entry.voided).toMatchObject({ leg: 1 })
    expect(legsOf(found)).toEqual([])
  })

  test('that nobody signed is voided, and those after it stand', async () => {
    const { intent } = await signIntent(client, { calls: [approve(902)], nonce: 1n })
    const other = await signIntent(client, { calls: [approve(902)], nonce: 2n })
    const forcing = forceBundle(client, { intent, signature: other.signature })
    let done = false
    void forcing.finally(() => (done = true)).catch(() => undefined)
    await eventually('the bundle in a block', async () => {
      await l1.mine()
      return done
    })
    const after = await force([approve(903)])
    const first = await forcedEntry(Number((await forcing).index))
    expect(first.entry.voided).toBeDefined()
    expect((await forcedEntry(Number(after.index))).entry.voided).toBeUndefined()
  })

  test('is seen by a follower, and a log that passes over it is a lie at the next one (I11)', async () => {
    const { network, layout, log, config, engine } = sequencer
    // The one without effect: no block tells of it, the inbox alone does.
    const voided = await forcedEntry(1)
    const after = await forcedEntry(2)
    const last = await forcedEntry(3)
    await eventually(
      'a later superblock',
      () => engine.publishedSlot > last.record.header.height + 1,
    )
    const tip = engine.publishedSlot
    const frozen = {
      ...log,
      tip: () => tip,
      readOne: (height: number) => log.readOne(height),
      read: async function* (from: number) {
        for await (const item of log.read(from)) if (item.height <= tip) yield item
      },
    }
    const directory = mkdtempSync(join(tmpdir(), 'tandem-forced-'))
    const follow = () =>
      followNetwork({
        ...{ network, directory, genesis: layout.genesis, l1Url: l1.url },
        progress: () => undefined,
      })
    try {
      const before = await l1.rpc<string>('evm_snapshot')
      const { height } = voided.record.header
      const liar = await lyingLog(frozen, config.logId, (drafts) => {
        const draft = drafts[height - 1]!
        draft.entries = draft.entries.filter(({ forced }) => forced?.index !== 1)
        draft.header.laneCounts[voided.entry.lane]! -= 1
        for (const { header } of drafts.slice(height - 1)) header.forcedCursor -= 1
      })
      await postAll(l1, sequencer, liar)
      const lie = await follow().catch((error: unknown) => error)
      expect(lie).toBeInstanceOf(LieError)
      const { place, finding } = lie as LieError
      expect(place).toEqual({ slot: after.record.header.height, entry: after.place })
      expect(finding.what).toMatch(/inbox’s order/)
      await l1.rpc('evm_revert', [before])
      await postAll(l1, sequencer, frozen)
      expect((await follow()).slot).toBe(tip)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
