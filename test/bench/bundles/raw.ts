import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BLOCK_GAS_LIMIT, GENESIS_TIMESTAMP_S } from '../../../sequencer/shell/config.ts'
import { startAnvil, type AnvilNode } from '../../../sequencer/shell/drivers/anvil-node.ts'
import { batchCallsMax } from '../../../sequencer/shell/drivers/ipc.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import { processorMs } from '../processor.ts'
import { round } from '../report.ts'
import type { Leg } from './legs.ts'

const baseFeePerGas = 1_000_000_000n
/** Bundles between two blocks: about what a superblock of 100 ms holds. */
const bundlesPerBlock = 100

/**
 * Puts bundles straight into fresh nodes with the same genesis, in the same order, all chains at
 * once, and mines: no log, no simulation, no comparison, no receipts.
 *
 * @param warm - Bundles before the clock starts.
 * @returns Bundles a second, and processor time per bundle of the nodes and of this process.
 */
export async function rawRate(
  genesisFile: (chainId: number) => string,
  {
    chainIds,
    warm,
    timed,
  }: {
    chainIds: readonly number[]
    warm: readonly (readonly Leg[])[]
    timed: readonly (readonly Leg[])[]
  },
): Promise<{ bundlesPerSecond: number; processorMsPerBundle: { nodes: number; client: number } }> {
  const directory = mkdtempSync(join(tmpdir(), 'tandem-raw-'))
  const nodes = new Map<number, AnvilNode>()
  try {
    for (const chainId of chainIds) {
      nodes.set(
        chainId,
        // oxlint-disable-next-line no-await-in-loop -- a node at a time, as on two cores
        await startAnvil({
          chainId,
          state: { genesisFile: genesisFile(chainId) },
          genesisTimestampS: GENESIS_TIMESTAMP_S,
          baseFeePerGas,
          gasLimit: BLOCK_GAS_LIMIT,
          directory,
          pidFile: join(directory, 'pids.json'),
        }),
      )
    }
    await put(nodes, warm)
    const pids = [...nodes.values()].map(({ pid }) => pid)
    const before = { nodes: processorMs(pids), client: processorMs([process.pid]) }
    const startMs = performance.now()
    await put(nodes, timed)
    const seconds = (performance.now() - startMs) / 1_000
    return {
      bundlesPerSecond: timed.length / seconds,
      processorMsPerBundle: {
        nodes: round((processorMs(pids) - before.nodes) / timed.length),
        client: round((processorMs([process.pid]) - before.client) / timed.length),
      },
    }
  } finally {
    await Promise.all([...nodes.values()].map((node) => node.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
}

async function put(
  nodes: ReadonlyMap<number, AnvilNode>,
  bundles: readonly (readonly Leg[])[],
): Promise<void> {
  for (let from = 0; from < bundles.length; from += bundlesPerBlock) {
    const legs = bundles.slice(from, from + bundlesPerBlock).flat()
    await Promise.all(
      [...nodes].map(([chainId, node]) =>
        putBlock(
          node,
          legs.filter((leg) => leg.chainId === chainId).map(({ rawTx }) => rawTx),
        ),
      ),
    )
  }
}

async function putBlock({ rpc }: AnvilNode, rawTxs: readonly Hex[]): Promise<void> {
  for (let from = 0; from < rawTxs.length; from += batchCallsMax) {
    const part = rawTxs.slice(from, from + batchCallsMax)
    const answers = await rpc.batch(
      part.map((rawTx) => ({ method: 'eth_sendRawTransaction', params: [rawTx] })),
    )
    for (const answer of answers) if ('error' in answer) throw answer.error
  }
  await rpc.call('evm_mine')
}
