import { readFileSync } from 'node:fs'
import type { Hex } from 'viem'
import { dispatchMany, flood } from '../../fixtures/relayer/flood.ts'
import { eventually, type Started } from '../../fixtures/relayer/processes.ts'
import { startStack, type Stack } from '../../fixtures/relayer/stack.ts'
import { countOption } from '../arguments.ts'
import { percentiles, progress, round, type Report } from '../report.ts'
import { watchEvents, type Sightings } from './sightings.ts'

export const summary = 'messages between two plain nodes, signed by validators, one relayer process'

const SEND_MAX = 100
const DEADLINE_MS = 600_000

/** Measures throughput, latency, the critical lane beside a backlog, takeover, memory, cold start. */
export async function run(options: ReadonlyMap<string, string>): Promise<Report> {
  const messages = countOption(options, 'messages', 2_000)
  const backlog = countOption(options, 'backlog', 2_000)
  const seconds = countOption(options, 'seconds', 10)
  const stack = await startStack({ trustOwner: true })
  try {
    const dispatched = await watchEvents(stack.east, 'DispatchId')
    const delivered = await watchEvents(stack.west, 'ProcessId')
    const sights = { dispatched, delivered }
    const { relayer, coldStartMs, messagesPerSecond } = await throughput(stack, sights, messages)
    const deliveredMs = await latency(stack, sights, { perSecond: messagesPerSecond / 2, seconds })
    const rssMb = residentMb(relayer)
    const criticalMs = await criticalBeside(stack, sights, backlog)
    const takeoverMs = await takeover(stack, sights, relayer)
    dispatched.stop()
    delivered.stop()
    return {
      ...{ messagesPerSecond: round(messagesPerSecond), deliveredMs, criticalMs, takeoverMs },
      ...{ rssMb, coldStartMs: round(coldStartMs), messages, backlog, seconds },
    }
  } finally {
    await stack.stop()
  }
}

type Sights = { dispatched: Sightings; delivered: Sightings }

async function throughput(stack: Stack, { dispatched, delivered }: Sights, messages: number) {
  progress(`${messages} messages wait for the relayer`)
  await flood(stack, messages)
  await eventually('all are dispatched', () => dispatched.seen.size >= messages, DEADLINE_MS)
  const validator = stack.network.validators[0]!.url
  await eventually(
    'all are signed',
    async () => (await fetch(`${validator}/v1/checkpoints/${messages - 1}`)).ok,
    DEADLINE_MS,
  )
  const startedAt = performance.now()
  const relayer = await stack.startRelayer(undefined, { TANDEM_LOG_LEVEL: 'info' })
  const coldStartMs = performance.now() - startedAt
  await eventually('all are delivered', () => delivered.seen.size >= messages, DEADLINE_MS)
  const times = [...delivered.seen.values()]
  const elapsedMs = Math.max(...times) - startedAt - coldStartMs
  return { relayer, coldStartMs, messagesPerSecond: (messages * 1_000) / elapsedMs }
}

/** Sends at a steady rate, whatever comes back; gives the times from sight to sight. */
async function latency(
  stack: Stack,
  sights: Sights,
  { perSecond, seconds }: { perSecond: number; seconds: number },
) {
  progress(`${round(perSecond)} messages/s for ${seconds} s`)
  const before = new Set(sights.dispatched.seen.keys())
  const startedAt = performance.now()
  let done = 0
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) - done
    if (due > 0) await dispatchMany(stack, Math.min(due, SEND_MAX), 4)
    done += Math.min(Math.max(due, 0), SEND_MAX)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const samples = await delays(sights, before, done)
  const { p50, p99 } = percentiles(samples)
  return { p50, p99, perSecond: round((done * 1_000) / (performance.now() - startedAt)) }
}

async function delays({ dispatched, delivered }: Sights, before: ReadonlySet<Hex>, count: number) {
  const fresh = () => [...dispatched.seen].filter(([id]) => !before.has(id))
  await eventually('all are sent', () => fresh().length >= count, DEADLINE_MS)
  await eventually(
    'all are delivered',
    () => fresh().every(([id]) => delivered.seen.has(id)),
    DEADLINE_MS,
  )
  return fresh().map(([id, atMs]) => Math.max(0, (delivered.seen.get(id) ?? 0) - atMs))
}

/** Sends liquidations one by one while transfers wait by the thousand. */
async function criticalBeside(stack: Stack, sights: Sights, backlog: number) {
  progress(`liquidations beside ${backlog} transfers`)
  const { dispatched, delivered } = sights
  await flood(stack, backlog)
  const samples: number[] = []
  let waiting = 0
  while (delivered.seen.size < dispatched.seen.size || samples.length < 20) {
    const before = new Set(dispatched.seen.keys())
    waiting = Math.max(waiting, dispatched.seen.size - delivered.seen.size)
    await dispatchMany(stack, 1, 0)
    const last = await eventually('the dispatch', () => {
      const fresh = [...dispatched.seen].filter(([id]) => !before.has(id))
      return fresh.at(-1)
    })
    const at = await eventually('its delivery', () => delivered.seen.get(last[0]), DEADLINE_MS)
    samples.push(Math.max(0, at - last[1]))
  }
  const { p50, p99, count } = percentiles(samples)
  return { p50, p99, count, waiting }
}

/** Kills the relayer that works, beside one that stands by: milliseconds to the next delivery. */
async function takeover(stack: Stack, sights: Sights, relayer: Started) {
  progress('takeover after kill -9')
  await stack.startRelayer(undefined, { TANDEM_LOG_LEVEL: 'info', TANDEM_RELAYER_PORT: '0' })
  const killedAt = performance.now()
  await relayer.kill()
  const after = async (messageClass: number) => {
    const before = new Set(sights.dispatched.seen.keys())
    await dispatchMany(stack, 1, messageClass)
    const [id] = await eventually('the dispatch', () =>
      [...sights.dispatched.seen].find(([one]) => !before.has(one)),
    )
    return id
  }
  const [critical, other] = [await after(0), await after(4)]
  const until = (id: Hex) =>
    eventually('the delivery', () => sights.delivered.seen.get(id), DEADLINE_MS)
  const [criticalAt, otherAt] = [await until(critical), await until(other)]
  return { critical: round(criticalAt - killedAt), other: round(otherAt - killedAt) }
}

function residentMb({ child }: Started): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_000)
}
