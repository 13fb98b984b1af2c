import type { Hex } from 'viem'
import { toEventSelector } from 'viem/utils'
import type { Core } from '../../fixtures/relayer/core-contracts.ts'
import { rpc } from '../../fixtures/relayer/processes.ts'

/** When (ms, monotonic) each message was first seen in an event of a Mailbox. */
export type Sightings = { seen: ReadonlyMap<Hex, number>; stop: () => void }

const LOOK_MS = 10

/** Watches a Mailbox's events from the next block on. */
export async function watchEvents(
  core: Core,
  name: 'DispatchId' | 'ProcessId',
): Promise<Sightings> {
  const seen = new Map<Hex, number>()
  const topic = toEventSelector(`${name}(bytes32)`)
  let next = Number(await core.node.getBlockNumber()) + 1
  let stopped = false
  const look = async () => {
    const head = Number(await rpc(core.url, 'eth_blockNumber', []))
    if (head < next) return
    const atMs = performance.now()
    const filter = {
      address: core.contracts.mailbox,
      topics: [topic],
      fromBlock: `0x${next.toString(16)}`,
      toBlock: `0x${head.toString(16)}`,
    }
    const logs = (await rpc(core.url, 'eth_getLogs', [filter])) as { topics: Hex[] }[]
    for (const { topics } of logs) {
      const id = topics[1]
      if (id !== undefined && !seen.has(id)) seen.set(id, atMs)
    }
    next = head + 1
  }
  const round = async () => {
    await look().catch(() => {})
    if (!stopped) setTimeout(() => void round(), LOOK_MS)
  }
  void round()
  return {
    seen,
    stop: () => {
      stopped = true
    },
  }
}
