import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROCESS_ID_TOPIC } from '../../relayer/shell/chains/logs.ts'
import { flood } from '../fixtures/relayer/flood.ts'
import { eventually } from '../fixtures/relayer/processes.ts'
import { startStack, type Stack } from '../fixtures/relayer/stack.ts'

/** Messages of the soak: `TANDEM_SOAK=100000` for the design's number. */
const messages = Number(process.env['TANDEM_SOAK'] ?? 4_000)
const PARTS = 4

let stack: Stack

beforeAll(async () => {
  stack = await startStack({ trustOwner: true })
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

const residentMb = (pid: number | undefined) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024

test(
  `row 31: ${messages} messages leave memory and Redis as they were after the first quarter`,
  async () => {
    const { west, redisUrl } = stack
    const relayer = await stack.startRelayer(undefined, { TANDEM_LOG_LEVEL: 'info' })
    const redis = new Redis(redisUrl)
    const sizes: { residentMb: number; redisMb: number }[] = []
    for (let part = 1; part <= PARTS; part++) {
      await flood(stack, messages / PARTS)
      const wanted = (messages / PARTS) * part
      await eventually(
        `${wanted} are delivered`,
        async () => (await delivered(west.url, west.contracts.mailbox)) >= wanted,
        messages * 20,
      )
      const info = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]
      sizes.push({ residentMb: residentMb(relayer.child.pid), redisMb: Number(info) / 2 ** 20 })
    }
    redis.disconnect()
    process.stdout.write(`${JSON.stringify(sizes)}\n`)
    const [first, last] = [sizes[0]!, sizes.at(-1)!]
    expect(last.residentMb).toBeLessThan(first.residentMb * 1.3 + 20)
    // Twenty thousand finished messages are kept, not more.
    expect(last.redisMb).toBeLessThan(200)
  },
  Math.max(240_000, messages * 30),
)

/** Messages that a Mailbox has processed, by its logs' count. */
async function delivered(url: string, mailbox: string): Promise<number> {
  const filter = { address: mailbox, topics: [PROCESS_ID_TOPIC], fromBlock: '0x0' }
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getLogs', params: [filter] }),
  })
  return ((await response.json()) as { result: unknown[] }).result.length
}
