import { keccak256 } from 'viem'
import type { Hash } from '../../sdk/protocol/hex.ts'
import type { WireReceipt } from '../../sdk/protocol/wire.ts'
import { plainLeg, type Leg, type Sender } from '../bench/bundles/legs.ts'
import type { BenchFiles } from '../bench/bundles/network.ts'

/** One bundle that somebody sent, and what he was told. */
export type Sent = { legs: readonly Leg[]; hashes: readonly Hash[]; receipts: WireReceipt[] }

/** Senders that never rest: each sends one bundle after the other, the same again until it is answered. */
export type Traffic = {
  sent: Sent[]
  /** Answers that were no receipt, while the sequencer ran. */
  faults: string[]
  /** Sends a bundle once more; gives its receipt. */
  again: (bundle: Sent) => Promise<WireReceipt>
  stop: () => Promise<void>
}

const retryMs = 25
const callTimeoutMs = 5_000

/** Asks a sequencer over HTTP; undefined when nobody answers. */
export async function ask(
  { network }: BenchFiles,
  path: string,
  { method, params }: { method: string; params: readonly unknown[] },
): Promise<{ result?: unknown; error?: { message: string } } | undefined> {
  try {
    const response = await fetch(new URL(path, network.sequencer.rpcUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(callTimeoutMs),
    })
    return (await response.json()) as { result?: unknown; error?: { message: string } }
  } catch {
    // It is dead, or on its way up.
    return undefined
  }
}

/** Starts the senders; every bundle has a leg on each rollup. */
export function startTraffic(files: BenchFiles, senders: readonly Sender[]): Traffic {
  const sent: Sent[] = []
  const faults: string[] = []
  let stopped = false
  const send = async ({ legs }: Sent): Promise<WireReceipt | undefined> => {
    const answer = await ask(files, '/', { method: 'eth_sendBundle', params: [{ txs: legs }] })
    const receipt = (answer?.result as { receipt?: WireReceipt } | undefined)?.receipt
    if (receipt !== undefined) return receipt
    const { error } = answer ?? {}
    // What comes too early, or is on its way out, says so; anything else is a fault.
    if (error !== undefined && !/not ready|stopping/i.test(error.message))
      faults.push(error.message)
    return undefined
  }
  const insist = async (bundle: Sent): Promise<WireReceipt | undefined> => {
    while (!stopped) {
      const receipt = await send(bundle)
      if (receipt !== undefined) return receipt
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
    return undefined
  }
  const loops = senders.map(async (sender) => {
    while (!stopped) {
      const legs = files.rollups.map((chainId) => plainLeg(sender, chainId))
      const bundle: Sent = { legs, hashes: legs.map(({ rawTx }) => keccak256(rawTx)), receipts: [] }
      sent.push(bundle)
      const receipt = await insist(bundle)
      if (receipt !== undefined) bundle.receipts.push(receipt)
    }
  })
  return {
    sent,
    faults,
    again: async (bundle) => {
      const receipt = await insist(bundle)
      if (receipt === undefined) throw new Error('the traffic has stopped')
      bundle.receipts.push(receipt)
      return receipt
    },
    stop: async () => {
      stopped = true
      await Promise.all(loops)
    },
  }
}
