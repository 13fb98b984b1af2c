import { openFileLog } from '../../sequencer/shell/log/file-log.ts'
import { followDouble } from '../fixtures/follow/double-follower.ts'
import { randomOf, type Random } from '../fixtures/sequencer/random.ts'
import { createInbox } from './inbox.ts'
import {
  auditAnswers,
  auditForced,
  auditLegsAlone,
  auditLog,
  auditReaders,
  BrokenInvariant,
  readLog,
} from './audit.ts'
import { auditPoints } from './audit-points.ts'
import { createClients } from './clients.ts'
import { memoryDisk } from '../fixtures/sequencer/memory-disk.ts'
import {
  boot,
  createWorld,
  freshMachines,
  type Process,
  type World,
} from '../fixtures/sequencer/world.ts'

/** What a seed's run was like. */
export type RunSummary = {
  slots: number
  entries: number
  crashes: number
  nodeDeaths: number
  refused: number
}

/** How much happens in one run. */
export type RunOptions = { actions?: number | undefined }

/** Steps that a run may take until everything is answered. */
const stepsMax = 20_000

/**
 * Runs the sequencer with everything around it under one seed: clients that send, repeat and split
 * what they sent, a process that is killed anywhere, torn writes, nodes that die, blocks that differ
 * once, a clock that jumps. Checks every invariant that can hold here.
 *
 * @throws BrokenInvariant with the invariant's name.
 */
export async function runSeed(seed: string, options: RunOptions = {}): Promise<RunSummary> {
  const random = randomOf(seed)
  const world = createWorld(random)
  const clients = createClients(random.fork('clients'))
  const faults = random.fork('faults')
  const settlement = random.fork('settlement')
  const inbox = createInbox(settlement)
  const rates = {
    crash: faults.pick([0, 0.01, 0.03]),
    nodeDeath: faults.pick([0, 0.02, 0.2]),
    difference: faults.pick([0, 0.01]),
    jump: faults.pick([0, 0.02]),
    burst: faults.pick([1, 4, 12]),
    damage: faults.fork('damage').pick([0, 0.3]),
  }
  let process = await world.boot()
  const summary: RunSummary = { slots: 0, entries: 0, crashes: 0, nodeDeaths: 0, refused: 0 }
  for (let action = 0; action < (options.actions ?? 30); action++) {
    for (let i = faults.below(rates.burst) + 1; i > 0; i--) clients.act(process)
    if (settlement.chance(0.3)) inbox.grow()
    if (settlement.chance(0.4)) inbox.tell(process)
    for (let i = random.below(25); i > 0; i--) await world.scheduler.step()
    healthy(world)
    auditQueues(process)
    if (faults.chance(rates.jump))
      world.scheduler.jump(faults.pick([1, 700, 5_000, 3_600_000, -700, -5_000, -3_600_000]))
    if (faults.chance(rates.nodeDeath)) {
      faults.pick([...world.machines.values()]).node = undefined
      summary.nodeDeaths += 1
    }
    if (faults.chance(rates.difference))
      faults.pick([...world.machines.values()]).differsOnce = true
    if (faults.chance(rates.crash)) {
      world.kill(faults)
      clients.abandon()
      await auditPoints(world.disk, world.points)
      if (faults.chance(rates.damage)) damageNewest(world.points, faults)
      summary.crashes += 1
      process = await world.boot()
      auditLog(await readLog(world.disk))
    }
  }
  const { held } = process.engine.state
  await drain(world, () =>
    clients.requests.every(({ open, entryId }) => open === 0 || held.has(entryId)),
  )
  inbox.tellAll(process)
  await drain(world, () => process.engine.state.forcedCursor === inbox.forced.length)
  const probe = clients.probe(process)
  await drain(world, () => probe.open === 0)
  await settleHeads(world, process)
  await auditPoints(world.disk, world.points)
  await auditAll(world, clients.requests)
  auditForced(await readLog(world.disk), inbox.forced)
  await followDouble((await openFileLog(world.disk)).log, inbox.forced)
  const records = await readLog(world.disk)
  summary.slots = records.length
  summary.entries = records.reduce((sum, { entries }) => sum + entries.length, 0)
  summary.refused = clients.requests.reduce((sum, { refusals }) => sum + refusals.length, 0)
  return summary
}

async function auditAll(
  world: World,
  requests: ReturnType<typeof createClients>['requests'],
): Promise<void> {
  const records = await readLog(world.disk)
  auditLog(records)
  const hashes = auditReaders(world.seen, records)
  auditAnswers(requests, records)
  auditLegsAlone(requests, records)
  const replayed = await replayFromGenesis(world)
  for (const [key, hash] of hashes) {
    if (replayed.get(key) === hash) continue
    throw new BrokenInvariant('I3', `block ${key} is ${hash}, replayed ${replayed.get(key)}`)
  }
}

/** Derives every rollup again on nodes that start from genesis, from the same log. */
async function replayFromGenesis(world: World): Promise<Map<string, string>> {
  world.generation += 1
  world.scheduler.forget()
  world.machines = freshMachines()
  world.points = memoryDisk()
  world.seen = []
  await boot(world, world.disk)
  const hashes = new Map<string, string>()
  for (const { blocks } of world.seen) {
    for (const { chainId, block } of blocks) hashes.set(`${chainId}:${block.number}`, block.hash)
  }
  return hashes
}

/** Flips a bit of the newest recovery point: a restart falls back to the one before. */
function damageNewest(points: World['points'], random: Random): void {
  const newest = points.names().toSorted().at(-1)
  if (newest !== undefined) points.flip(newest, random.below(points.size(newest) * 8))
}

/** Everything that waits is in one place, whence it goes on: nothing is forgotten. */
function auditQueues({ engine }: Process): void {
  const { pending, ready, reading, held, formation } = engine.state
  const known = new Set([
    ...ready,
    ...reading.values(),
    ...[...held.values()].map(({ entry }) => entry),
    ...(formation?.entries ?? []),
    ...(formation?.carried ?? []),
    ...(formation?.refused ?? []).map(({ entry }) => entry),
  ])
  for (const entry of pending.values()) {
    if (!known.has(entry)) throw new BrokenInvariant('liveness', `${entry.entryId} is forgotten`)
  }
}

function healthy(world: World): void {
  if (world.failures.length > 0) throw world.failures[0]
  const stopped = world.events.find((event) => event.type === 'stopped')
  if (stopped !== undefined) throw new BrokenInvariant('I19', JSON.stringify(stopped))
}

async function drain(world: World, done: () => boolean): Promise<void> {
  for (let i = 0; !done(); i++) {
    if (i > stepsMax) throw new BrokenInvariant('liveness', 'a request was never answered')
    await world.scheduler.step()
    healthy(world)
  }
}

/** Goes on until everything that is durable is visible. */
async function settleHeads(world: World, { engine }: Process): Promise<void> {
  await drain(world, () => {
    const { superblock } = engine.state
    return superblock.phase === 'none' && superblock.published === superblock.number
  })
}
