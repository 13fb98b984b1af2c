import { existsSync, renameSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { hexToBytes } from 'viem'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { Rpc } from '../anvil/rpc.ts'
import { killNode, spawnAnvil, untilAnswering, type AnvilNode } from '../anvil/node.ts'
import type { Layout } from '../layout.ts'
import { BlockJournal } from './block-journal.ts'
import { Gate } from './gate.ts'
import { Ticker } from './ticker.ts'
import type { Service } from './supervised.ts'

/** Constant price of gas on the chains that mine their own blocks, wei. */
const BASE_FEE_WEI = 1_000_000_000
const BLOCK_TIME_MS = 1_000
/** Empty blocks that are only listed before the whole state is written again. */
const LISTED_BLOCKS_MAX = 128
/** Old states that a node answers for, in blocks. */
const HISTORY_BLOCKS = 256

/** A node refuses blocks older than its own beginning, which would be now. */
const LONG_AGO_S = 1_600_000_000

/**
 * Gives a chain that the sequencer does not order as a service: one node, one block a second.
 *
 * Every block is on disk before the next one is mined: a crash of the node costs one block at most,
 * so whatever lies under one more block is final.
 */
export function standaloneChainService(options: {
  name: string
  chainId: number
  port: number
  layout: Layout
  /** Where the node itself listens; clients come through `port` once it is set right. */
  nodePort: number
  /** Told when a block could not be mined or written; the next second tries again. */
  trouble: (error: unknown) => void
}): Service {
  const { name, chainId, port, nodePort, layout, trouble } = options
  const stateFile = join(layout.chains, `${chainId}.json`)
  return {
    name,
    marker: `--chain-id ${chainId} --port ${nodePort}`,
    launch: (output) => {
      const known = existsSync(stateFile)
      const from = known
        ? ['--load-state', stateFile, '--timestamp', `${LONG_AGO_S}`]
        : ['--init', join(layout.genesis, `${chainId}.json`), '--timestamp', `${nowS()}`]
      const args = [...from, '--prune-history', `${HISTORY_BLOCKS}`]
      const baseFeeWei = BASE_FEE_WEI
      const node = spawnAnvil({ chainId, port: nodePort, baseFeeWei, args, output })
      const gate = new Gate(port, nodePort)
      const miner = new Miner(node, stateFile, trouble)
      node.child.once('exit', () => {
        gate.close()
        miner.abandon()
      })
      return {
        child: node.child,
        ready: begin({ node, miner, gate, known }),
        askToStop: async () => {
          gate.close()
          await miner.stop()
          await miner.write()
          await killNode(node)
        },
      }
    },
  }
}

async function begin(chain: { node: AnvilNode; miner: Miner; gate: Gate; known: boolean }) {
  const { node, miner, gate, known } = chain
  await untilAnswering(node)
  if (known) await miner.restore()
  await miner.start()
  await gate.open()
}

type Head = { number: number; timestampS: number; hashes: readonly Hex[] }

async function headOf(rpc: Rpc): Promise<Head> {
  const block = await rpc<{ number: Hex; timestamp: Hex; transactions: Hex[] }>(
    'eth_getBlockByNumber',
    ['latest', false],
  )
  return {
    number: Number(block.number),
    timestampS: Number(block.timestamp),
    hashes: block.transactions,
  }
}

/** Owner of a node's clock and of the files with its state. */
class Miner {
  private readonly node: AnvilNode
  private readonly stateFile: string
  private readonly journal: BlockJournal
  private readonly ticker: Ticker
  /** The last block is not on disk yet. */
  private unwritten: Head | undefined
  private abandoned = false

  constructor(node: AnvilNode, stateFile: string, trouble: (error: unknown) => void) {
    this.node = node
    this.stateFile = stateFile
    this.journal = new BlockJournal(`${stateFile}.blocks`)
    this.ticker = new Ticker(BLOCK_TIME_MS, () => this.turn(), trouble)
  }

  /**
   * Sets right what loading a state gets wrong, and mines the empty blocks again that came after it.
   *
   * BLOCKHASH gives made-up values until a block was mined and taken back.
   */
  async restore(): Promise<void> {
    const { rpc } = this.node
    const loaded = await headOf(rpc)
    await this.mine(loaded.timestampS)
    await rpc('anvil_rollback', [1])
    for (const { number, timestampS } of this.journal.read()) {
      // A list that is older than the state begins with blocks that the state has.
      if (number > loaded.number) await this.mine(timestampS)
    }
    await this.write()
  }

  /** Mines the first block and then one every second. */
  async start(): Promise<void> {
    await this.turn()
    this.ticker.start()
  }

  async stop(): Promise<void> {
    await this.ticker.stop()
    await this.journal.close()
  }

  /** The node is gone: what is under way may not touch its files any more. */
  abandon(): void {
    this.abandoned = true
    void this.stop()
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
    // The next node may have begun from the file that is there: this one has no say any more.
    if (this.abandoned) return
    renameSync(fresh, this.stateFile)
    await this.journal.clear()
    this.unwritten = undefined
  }

  /** One block, unless the last one must be written first. */
  private async turn(): Promise<void> {
    if (this.unwritten !== undefined) await this.keep(this.unwritten)
    const { timestampS } = await headOf(this.node.rpc)
    // The wall clock, unless it went back.
    await this.mine(Math.max(nowS(), timestampS))
    this.unwritten = await headOf(this.node.rpc)
    await this.keep(this.unwritten)
  }

  private async mine(timestampS: number): Promise<void> {
    const { rpc } = this.node
    await rpc('anvil_setNextBlockBaseFeePerGas', [`0x${BASE_FEE_WEI.toString(16)}`])
    await rpc('evm_mine', [{ timestamp: timestampS }])
  }

  /** Brings the last block to disk: by its two numbers if it is empty, else with the whole state. */
  private async keep(head: Head): Promise<void> {
    const written = existsSync(this.stateFile)
    if (head.hashes.length > 0 || !written || this.journal.length >= LISTED_BLOCKS_MAX) {
      await this.write()
    } else {
      await this.journal.append(head)
      this.unwritten = undefined
    }
  }
}

function nowS(): number {
  return Math.floor(Date.now() / 1_000)
}
