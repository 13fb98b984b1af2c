import { existsSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { hexToBytes } from 'viem'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import { killNode, spawnAnvil, untilAnswering, type AnvilNode } from '../anvil/node.ts'
import type { Layout } from '../layout.ts'
import { Ticker } from './ticker.ts'
import type { Service } from './supervised.ts'

/** Constant price of gas on the chains that mine their own blocks, wei. */
const BASE_FEE_WEI = 1_000_000_000
const BLOCK_TIME_MS = 1_000
/** Empty blocks alone are written this often; a block with transactions is written at once. */
const IDLE_WRITE_MS = 30_000
/** Old states that a node answers for, in blocks. */
const HISTORY_BLOCKS = 256

/** A node refuses blocks older than its own beginning, which would be now. */
const LONG_AGO_S = 1_600_000_000

/**
 * Gives a chain that the sequencer does not order as a service: one node, one block a second.
 *
 * A block with transactions is on disk before the next one is mined: a crash of the node costs one
 * block at most, so whatever lies under one more block is final.
 */
export function standaloneChainService(options: {
  name: string
  chainId: number
  port: number
  layout: Layout
  /** Told when a block could not be mined or written; the next second tries again. */
  trouble: (error: unknown) => void
}): Service {
  const { name, chainId, port, layout, trouble } = options
  const stateFile = join(layout.chains, `${chainId}.json`)
  return {
    name,
    marker: `--chain-id ${chainId} --port ${port}`,
    launch: (output) => {
      const known = existsSync(stateFile)
      const from = known
        ? ['--load-state', stateFile, '--timestamp', `${LONG_AGO_S}`]
        : ['--init', join(layout.genesis, `${chainId}.json`), '--timestamp', `${nowS()}`]
      const args = [...from, '--prune-history', `${HISTORY_BLOCKS}`]
      const node = spawnAnvil({ chainId, port, baseFeeWei: BASE_FEE_WEI, args, output })
      const miner = new Miner(node, stateFile, trouble)
      node.child.once('exit', () => void miner.stop())
      return {
        child: node.child,
        ready: begin(node, miner, known),
        askToStop: async () => {
          await miner.stop()
          await miner.write()
          await killNode(node)
        },
      }
    },
  }
}

async function begin(node: AnvilNode, miner: Miner, known: boolean): Promise<void> {
  await untilAnswering(node)
  if (known) await correctRestored(node)
  await miner.start()
}

/**
 * Sets right what loading a state gets wrong: BLOCKHASH gives made-up values until a block was mined
 * and taken back.
 */
async function correctRestored({ rpc }: AnvilNode): Promise<void> {
  const head = await rpc<{ timestamp: Hex }>('eth_getBlockByNumber', ['latest', false])
  await rpc('evm_mine', [{ timestamp: Number(head.timestamp) }])
  await rpc('anvil_rollback', [1])
}

/** Owner of a node's clock and of the file with its state. */
class Miner {
  private readonly node: AnvilNode
  private readonly stateFile: string
  private readonly ticker: Ticker
  private writtenMs = 0
  /** A block with transactions was mined and is not written. */
  private unwritten = false

  constructor(node: AnvilNode, stateFile: string, trouble: (error: unknown) => void) {
    this.node = node
    this.stateFile = stateFile
    this.ticker = new Ticker(BLOCK_TIME_MS, () => this.turn(), trouble)
  }

  /** Mines the first block and then one every second. */
  async start(): Promise<void> {
    await this.turn()
    this.ticker.start()
  }

  async stop(): Promise<void> {
    await this.ticker.stop()
  }

  /** Writes the state so that after a crash the file is either the old or the new one. */
  async write(): Promise<void> {
    const packed = await this.node.rpc<Hex>('anvil_dumpState')
    await mkdir(dirname(this.stateFile), { recursive: true, mode: 0o700 })
    const fresh = `${this.stateFile}.new`
    const file = await open(fresh, 'w', 0o600)
    try {
      await file.writeFile(gunzipSync(hexToBytes(packed)))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, this.stateFile)
    this.writtenMs = Date.now()
    this.unwritten = false
  }

  /** One block, unless the last one must be written first. */
  private async turn(): Promise<void> {
    if (this.unwritten) await this.write()
    const { rpc } = this.node
    await rpc('anvil_setNextBlockBaseFeePerGas', [`0x${BASE_FEE_WEI.toString(16)}`])
    await rpc('evm_mine', [{ timestamp: await this.nextTimestampS() }])
    const block = await rpc<{ transactions: unknown[] }>('eth_getBlockByNumber', ['latest', false])
    this.unwritten = block.transactions.length > 0
    if (this.unwritten || Date.now() - this.writtenMs >= IDLE_WRITE_MS) await this.write()
  }

  /** The wall clock, unless it went back. */
  private async nextTimestampS(): Promise<number> {
    const head = await this.node.rpc<{ timestamp: Hex }>('eth_getBlockByNumber', ['latest', false])
    return Math.max(nowS(), Number(head.timestamp))
  }
}

function nowS(): number {
  return Math.floor(Date.now() / 1_000)
}
