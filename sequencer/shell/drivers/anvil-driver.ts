import { endRecorded } from '../../../sdk/process/pids.ts'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { ChainHead, Difference, SealedBlock } from '../../core/execution.ts'
import type { SignedLeg } from '../../core/leg.ts'
import { readAccounts } from './accounts.ts'
import type { AnvilNode, AnvilOptions } from './anvil-node.ts'
import { compareBlock, sealedBlock, type NodeBlock, type NodeReceipt } from './block.ts'
import { NodeLostError, type BlockPlan, type ChainDriver, type SealResult } from './driver.ts'
import {
  batchCallsMax,
  NodeGoneError,
  NodeRpcError,
  NodeTimeoutError,
  type NodeCall,
} from './ipc.ts'
import { resumeFrom, startFromGenesis } from './restore.ts'
import { createSerial } from './serial.ts'
import { simulateCalls } from './simulate.ts'
import { listSnapshots, writeSnapshot } from './snapshot.ts'

/** Something that an operator should know about a rollup's node. */
export type DriverAlert =
  | { kind: 'node-lost'; chainId: number; reason: string }
  | { kind: 'foreign-transactions'; chainId: number; hashes: readonly Hash[] }
  | { kind: 'foreign-blocks'; chainId: number; head: Hash; published: Hash }
  | { kind: 'snapshot-unusable'; chainId: number; path: string; reason: string }

/** What makes a rollup's driver. */
export type AnvilDriverOptions = Omit<AnvilOptions, 'state'> & {
  genesisFile: string
  /** Where snapshots are kept. */
  snapshotDirectory: string
  alert: (alert: DriverAlert) => void
}

type Running = {
  node: AnvilNode
  published: SealedBlock
  /** Mined and compared, waits for `publish` or `rollback`. */
  sealed?: SealedBlock | undefined
  /** Hashes of the legs in the node's pool, in order. */
  staged: Hash[]
}

/** Times that a block into which somebody else's transactions came is made again. */
const sealAttempts = 3
const mineTimeoutMs = 30_000
const dumpTimeoutMs = 60_000
const readTimeoutMs = 15_000

/** Makes the driver of one rollup; `start` starts its node. */
export function createAnvilDriver(options: AnvilDriverOptions): ChainDriver {
  const { chainId, alert } = options
  const serial = createSerial()
  let running: Running | undefined
  let lostReason = 'it was not started'

  async function lose(node: AnvilNode, reason: string): Promise<void> {
    if (running?.node !== node) return
    running = undefined
    lostReason = reason
    alert({ kind: 'node-lost', chainId, reason })
    await node.stop()
  }

  /** Runs a job on the node; a node that does not answer is ended, so that nothing half-done stays. */
  async function onNode<T>(job: (state: Running) => Promise<T>): Promise<T> {
    const state = running
    if (state === undefined) throw new NodeLostError(chainId, lostReason)
    try {
      return await job(state)
    } catch (error) {
      const silent = error instanceof NodeGoneError || error instanceof NodeTimeoutError
      if (!silent && !(error instanceof StrayNodeError)) throw error
      await lose(state.node, error.message)
      throw new NodeLostError(chainId, error.message, error)
    }
  }

  async function start(): Promise<SealedBlock> {
    if (running !== undefined) {
      const { node } = running
      running = undefined
      await node.stop()
    }
    lostReason = 'it is starting'
    endRecorded(options.pidFile, ({ name }) => name === `node-${chainId}`)
    const { node, head } = await startNewest(options)
    running = { node, published: head, staged: [] }
    void node.gone.then((reason) => lose(node, reason))
    return head
  }

  return {
    chainId,
    start: () => serial(start),
    restore: () => serial(start),
    head: () => {
      if (running === undefined) throw new NodeLostError(chainId, lostReason)
      return headOf(running.published)
    },
    accounts: (addresses) =>
      onNode(async ({ node, published }) => ({
        head: headOf(published),
        facts: await readAccounts(node.rpc, published.number, addresses),
      })),
    simulate: (env, calls) =>
      onNode(async ({ node, published }) => {
        if (env.parentHash !== published.hash) return { kind: 'stale', head: headOf(published) }
        return await simulateCalls(node.rpc, chainId, env, calls)
      }),
    read: <T>(ask: (head: ChainHead) => NodeCall) =>
      onNode(async (state) => {
        const head = headOf(state.published)
        const { method, params } = ask(head)
        try {
          return await state.node.rpc.call<T>(method, params, readTimeoutMs)
        } catch (error) {
          // Two blocks later the node has forgotten the head that the question was put at.
          if (!(error instanceof NodeRpcError) || state.published.hash === head.hash) throw error
          const again = ask(headOf(state.published))
          return await state.node.rpc.call<T>(again.method, again.params, readTimeoutMs)
        }
      }),
    stage: (legs) =>
      serial(() =>
        onNode(async (state) => {
          const refused = await sendLegs(state, legs)
          // A hint only: `seal` sends again and tells what the node said.
          if (refused !== undefined) await emptyPool(state)
        }),
      ),
    seal: (plan) => serial(() => onNode((state) => seal(state, plan, options))),
    publish: () =>
      serial(async () => {
        // A node that was lost since then starts again from what the log says.
        if (running === undefined) throw new NodeLostError(chainId, lostReason)
        assert(running.sealed !== undefined, 'a sealed block is published')
        running.published = running.sealed
        running.sealed = undefined
      }),
    rollback: () =>
      serial(() =>
        onNode(async (state) => {
          await emptyPool(state)
          await rewind(state)
        }),
      ),
    snapshot: () =>
      serial(() =>
        onNode(async (state) => {
          assert(state.sealed === undefined, 'a snapshot shows a published head')
          const dump = await state.node.rpc.call<Hash>('anvil_dumpState', [], dumpTimeoutMs)
          writeSnapshot(options.snapshotDirectory, state.published, dump)
          return headOf(state.published)
        }),
      ),
    stop: () =>
      serial(async () => {
        const state = running
        running = undefined
        lostReason = 'it was stopped'
        await state?.node.stop()
      }),
  }
}

function headOf({ number, hash, timestampS }: SealedBlock): ChainHead {
  return { number, hash, timestampS }
}

async function startNewest(
  options: AnvilDriverOptions,
): Promise<{ node: AnvilNode; head: SealedBlock }> {
  for (const file of listSnapshots(options.snapshotDirectory)) {
    try {
      return await resumeFrom(file, options)
    } catch (error) {
      const { message: reason } = error as Error
      options.alert({
        kind: 'snapshot-unusable',
        chainId: options.chainId,
        path: file.path,
        reason,
      })
    }
  }
  return await startFromGenesis(options)
}

async function seal(
  state: Running,
  plan: BlockPlan,
  { chainId, alert }: AnvilDriverOptions,
): Promise<SealResult> {
  assert(state.sealed === undefined, 'one sealed block waits at most')
  assert(plan.env.parentHash === state.published.hash, 'a plan follows the published head')
  for (let attempt = 1; ; attempt++) {
    const stray = await strayHead(state)
    if (stray !== undefined) {
      alert({ kind: 'foreign-blocks', chainId, head: stray, published: state.published.hash })
      await rewind(state)
    }
    const refused = await fillPool(state, plan.legs)
    if (refused !== undefined) return { kind: 'difference', difference: refused }
    const { block, receipts } = await mine(state, plan)
    const difference = compareBlock(plan, block, receipts)
    if (difference === undefined) {
      state.sealed = sealedBlock(block)
      state.staged = []
      return { kind: 'sealed', block: state.sealed }
    }
    const ours = new Set(plan.legs.map(({ hash }) => hash))
    const foreign = block.transactions.filter((hash) => !ours.has(hash))
    if (foreign.length > 0) alert({ kind: 'foreign-transactions', chainId, hashes: foreign })
    const disturbed = difference.what === 'order' || difference.what === 'count'
    if (!disturbed || attempt === sealAttempts) return { kind: 'difference', difference }
    await emptyPool(state)
    await rewind(state)
  }
}

/** Makes the pool hold exactly the plan's legs; gives the leg that the node refuses, if any. */
async function fillPool(
  state: Running,
  legs: readonly SignedLeg[],
): Promise<Difference | undefined> {
  const sent = state.staged
  const ahead = sent.length <= legs.length && sent.every((hash, i) => hash === legs[i]?.hash)
  if (!ahead || (await poolSize(state)) !== sent.length) await emptyPool(state)
  for (let attempt = 1; ; attempt++) {
    const from = state.staged.length
    const refused = await sendLegs(state, legs.slice(from))
    if (refused === undefined && (await poolSize(state)) === legs.length) return undefined
    // Something else stood in the pool, perhaps in a leg's place: once more on an empty one.
    await emptyPool(state)
    if (attempt < sealAttempts) continue
    const { index = 0, reason = 'the pool holds other transactions' } = refused ?? {}
    return {
      index: from + index,
      what: 'order',
      expected: legs[from + index]?.hash ?? 'nothing',
      actual: reason,
    }
  }
}

/** Sends legs in order; gives the first that the node refuses. */
async function sendLegs(
  state: Running,
  legs: readonly SignedLeg[],
): Promise<{ index: number; reason: string } | undefined> {
  for (let from = 0; from < legs.length; from += batchCallsMax) {
    const part = legs.slice(from, from + batchCallsMax)
    const answers = await state.node.rpc.batch(
      part.map(({ rawTx }) => ({ method: 'eth_sendRawTransaction', params: [rawTx] })),
    )
    for (const [i, answer] of answers.entries()) {
      if ('error' in answer) return { index: from + i, reason: answer.error.rpcMessage }
    }
    state.staged.push(...part.map(({ hash }) => hash))
  }
  return undefined
}

async function poolSize({ node }: Running): Promise<number> {
  const { pending, queued } = await node.rpc.call<{ pending: Hash; queued: Hash }>('txpool_status')
  return Number(pending) + Number(queued)
}

async function emptyPool(state: Running): Promise<void> {
  await state.node.rpc.call('anvil_dropAllTransactions')
  state.staged = []
}

async function mine(
  { node }: Running,
  { env }: BlockPlan,
): Promise<{ block: NodeBlock; receipts: readonly NodeReceipt[] }> {
  const { rpc } = node
  // Every time: a rollback does not bring it back.
  await rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${env.baseFeePerGas.toString(16)}`])
  await rpc.call('evm_mine', [{ timestamp: env.timestampS }], mineTimeoutMs)
  const tag = `0x${env.number.toString(16)}`
  const [block, receipts] = await Promise.all([
    rpc.call<NodeBlock | null>('eth_getBlockByNumber', [tag, false], mineTimeoutMs),
    rpc.call<readonly NodeReceipt[] | null>('eth_getBlockReceipts', [tag], mineTimeoutMs),
  ])
  if (block === null || receipts === null) {
    throw new StrayNodeError(`Block ${env.number} is absent after it was mined.`)
  }
  return { block, receipts }
}

/** Hash of the node's head where it is not the published one: somebody else mined. */
async function strayHead({ node, published }: Running): Promise<Hash | undefined> {
  const { hash } = await node.rpc.call<NodeBlock>('eth_getBlockByNumber', ['latest', false])
  return hash === published.hash ? undefined : hash
}

/** Takes the node back to the published head. */
async function rewind(state: Running): Promise<void> {
  const { node, published } = state
  state.sealed = undefined
  const head = Number(await node.rpc.call<Hash>('eth_blockNumber'))
  const depth = head - published.number
  try {
    if (depth > 0) await node.rpc.call('anvil_rollback', [depth])
  } catch (error) {
    if (!(error instanceof NodeRpcError)) throw error
    throw new StrayNodeError(`The node cannot go back ${depth} blocks: ${error.rpcMessage}.`)
  }
  const stray = await strayHead(state)
  if (stray !== undefined) {
    throw new StrayNodeError(`The node stands at ${stray} and not at ${published.hash}.`)
  }
}

/** A node's chain is not the one that was published: it is made again from the log. */
class StrayNodeError extends Error {
  override readonly name = 'StrayNodeError'
}
