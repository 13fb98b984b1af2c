import { assert } from '../../../sdk/protocol/assert.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { BlockEnv, ChainHead, SealedBlock } from '../../core/entries/execution.ts'
import { readAccounts } from './accounts.ts'
import type { DriverAlert } from './alert.ts'
import { endLeftNodes, type AnvilNode, type AnvilOptions } from './anvil-node.ts'
import { NodeLostError, type ChainDriver } from './driver.ts'
import { createGate } from './gate.ts'
import {
  NodeGoneError,
  NodeRpcError,
  NodeTimeoutError,
  type IpcConnection,
  type NodeCall,
} from './ipc.ts'
import { receiptsRootOf } from './receipts-root.ts'
import { resumeFrom, startFromGenesis } from './restore.ts'
import { emptyPool, rewind, seal, sendLegs, StrayNodeError, type Running } from './sealing.ts'
import { createSerial, createSignal, type Signal } from './serial.ts'
import { lookAfter, simulateCalls } from './simulate.ts'
import { listSnapshots, writeSnapshotAside } from './snapshot.ts'
import { needsTrial, tryCalls } from './trial.ts'

/** What makes a rollup's driver. */
export type AnvilDriverOptions = Omit<AnvilOptions, 'state'> & {
  genesisFile: string
  /** Where snapshots are kept. */
  snapshotDirectory: string
  alert: (alert: DriverAlert) => void
}

const dumpTimeoutMs = 60_000
const readTimeoutMs = 15_000
/** Reads that a node answers at once. */
const readsMax = 32

/** Makes the driver of one rollup; `start` starts its node. */
export function createAnvilDriver(options: AnvilDriverOptions): ChainDriver {
  const { chainId, snapshotDirectory } = options
  const serial = createSerial()
  const owner = ownNode(options)
  const { onNode } = owner
  const decided = createSignal()
  const inTurn = <T>(job: (state: Running) => Promise<T>) => serial(() => onNode(job))
  const reading = <T>(job: (state: Running) => Promise<T>) =>
    onNode((state) => state.gate.shared(() => job(state)))
  return {
    chainId,
    start: () => serial(owner.start),
    restore: () => serial(owner.start),
    stop: () => {
      decided.notify()
      return serial(owner.stop)
    },
    head: () => headOf(owner.current().published),
    accounts: (addresses) =>
      reading(async ({ node, published }) => ({
        head: headOf(published),
        facts: await readAccounts(node.reads, published.number, addresses),
      })),
    simulate: async (env, calls) => {
      if (!needsTrial(calls)) {
        return await reading((state) =>
          onParent(state, env, (rpc) => simulateCalls(rpc, chainId, env, calls)),
        )
      }
      return await onceDecided(decided, () =>
        inTurn(async (state) => {
          // A trial needs the head itself: it waits until the block on top of it is decided.
          if (state.sealed !== undefined) return undefined
          if (env.parentHash !== state.published.hash) return stale(state.published)
          return await tryCalls(state, env, { chainId, calls })
        }),
      )
    },
    look: (env, calls, what) =>
      reading((state) =>
        onParent(state, env, (rpc) => lookAfter(rpc, chainId, { env, calls, what })),
      ),
    read: <T>(ask: (head: ChainHead) => NodeCall) => reading((state) => read<T>(state, ask)),
    stage: (legs) =>
      inTurn(async (state) => {
        const refused = await sendLegs(state, legs)
        // A hint only: `seal` sends again and tells what the node said.
        if (refused !== undefined) await emptyPool(state)
      }),
    seal: (plan) => {
      // Found while the node still takes the legs that were staged.
      const receiptsRoot = receiptsRootOf(plan)
      return inTurn((state) => seal(state, { plan, receiptsRoot }, options))
    },
    publish: () =>
      serial(async () => {
        // A node that was lost since then starts again from what the log says.
        publishSealed(owner.current())
        decided.notify()
      }),
    rollback: () =>
      inTurn(async (state) => {
        await emptyPool(state)
        await rewind(state)
        decided.notify()
      }),
    snapshot: async () => {
      const { head, dump } = await onceDecided(decided, () => inTurn(dumpHead))
      await writeSnapshotAside({ directory: snapshotDirectory, head, dump })
      return head
    },
  }
}

/** Attempts something as often as a sealed block is in its way: then it gives nothing. */
async function onceDecided<T>(decided: Signal, attempt: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const done = await attempt()
    if (done !== undefined) return done
    await decided.next()
  }
}

function publishSealed(state: Running): void {
  assert(state.sealed !== undefined, 'a sealed block is published')
  state.published = state.sealed
  state.sealed = undefined
}

/** Runs a job on the head that an environment follows. */
async function onParent<T>(
  { node, published }: Running,
  env: BlockEnv,
  job: (rpc: IpcConnection) => Promise<T>,
): Promise<T | ReturnType<typeof stale>> {
  return env.parentHash === published.hash ? await job(node.reads) : stale(published)
}

type Owner = {
  /** @throws {@link NodeLostError} when there is no node. */
  current: () => Running
  /** Runs a job on the node; one that does not answer is ended, so that nothing half-done stays. */
  onNode: <T>(job: (state: Running) => Promise<T>) => Promise<T>
  start: () => Promise<SealedBlock>
  stop: () => Promise<void>
}

/** Keeps the one node of a rollup: starts it, notices its death, ends it. */
function ownNode(options: AnvilDriverOptions): Owner {
  const { chainId, alert } = options
  let running: Running | undefined
  let lostReason = 'it was not started'

  const current = () => {
    if (running === undefined) throw new NodeLostError(chainId, lostReason)
    return running
  }
  const lose = async (node: AnvilNode, reason: string) => {
    if (running?.node !== node) return
    running = undefined
    lostReason = reason
    alert({ kind: 'node-lost', chainId, reason })
    await node.stop()
  }
  const end = async (reason: string) => {
    const state = running
    running = undefined
    lostReason = reason
    await state?.node.stop()
  }
  return {
    current,
    onNode: async (job) => {
      const state = current()
      try {
        return await job(state)
      } catch (error) {
        const silent = error instanceof NodeGoneError || error instanceof NodeTimeoutError
        if (!silent && !(error instanceof StrayNodeError)) throw error
        await lose(state.node, error.message)
        throw new NodeLostError(chainId, error.message, error)
      }
    },
    start: async () => {
      await end('it is starting')
      endLeftNodes(options)
      const { node, head } = await startNewest(options)
      running = { node, published: head, staged: [], gate: createGate(readsMax) }
      void node.gone.then((reason) => lose(node, reason))
      return head
    },
    stop: () => end('it was stopped'),
  }
}

/** The published head's state; undefined while a sealed block lies on top of it. */
async function dumpHead({
  node,
  published,
  sealed,
}: Running): Promise<{ head: ChainHead; dump: Hex } | undefined> {
  if (sealed !== undefined) return undefined
  const dump = await node.rpc.call<Hex>('anvil_dumpState', [], dumpTimeoutMs)
  return { head: headOf(published), dump }
}

async function read<T>(state: Running, ask: (head: ChainHead) => NodeCall): Promise<T> {
  const head = headOf(state.published)
  const { reads } = state.node
  const { method, params } = ask(head)
  try {
    return await reads.call<T>(method, params, readTimeoutMs)
  } catch (error) {
    // Two blocks later the node has forgotten the head that the question was put at.
    if (!(error instanceof NodeRpcError) || state.published.hash === head.hash) throw error
    const again = ask(headOf(state.published))
    return await reads.call<T>(again.method, again.params, readTimeoutMs)
  }
}

function stale(published: SealedBlock): { kind: 'stale'; head: ChainHead } {
  return { kind: 'stale', head: headOf(published) }
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
