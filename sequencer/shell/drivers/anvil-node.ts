import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { anvilBinary } from '../../../sdk/process/anvil-binary.ts'
import {
  endRecorded,
  endUnrecorded,
  forgetProcess,
  recordProcess,
} from '../../../sdk/process/pids.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import { connectIpc, type IpcConnection } from './ipc.ts'

/** How a rollup's node is started; every value is part of the chain's definition. */
export type AnvilOptions = {
  chainId: number
  /** Genesis file for a chain from its start, or a snapshot's file to go on from. */
  state: { genesisFile: string } | { snapshotFile: string }
  /** EVM time of block 0, in seconds. */
  genesisTimestampS: number
  /** Constant base fee of every block. */
  baseFeePerGas: bigint
  /** Gas limit of every block. */
  gasLimit: bigint
  /** Directory of mode 0700 for the node's socket. */
  directory: string
  /** Where the node's pid is written, so that it can be ended after a crash of ours. */
  pidFile: string
}

/** A running node and the connections to it. */
export type AnvilNode = {
  pid: number
  ipcPath: string
  /** For what changes the node: it answers one message after the other. */
  rpc: IpcConnection
  /** For what only reads, which so does not wait behind a message full of transactions. */
  reads: IpcConnection
  /** Settles with a sentence when the process has ended or the connection broke. */
  gone: Promise<string>
  /** Ends the node; its state is in the log, so nothing is lost. */
  stop: () => Promise<void>
}

const startTimeoutMs = 15_000
const connectRetryMs = 10
/** A unix socket's path has room for 104 bytes on the tightest platform. */
const socketPathBytesMax = 100

/**
 * Starts a rollup's node and connects to it.
 *
 * @throws {@link NodeStartError} when it ends or does not answer in time.
 */
export async function startAnvil(options: AnvilOptions): Promise<AnvilNode> {
  const { chainId, directory, pidFile } = options
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const ipcPath = socketPath(directory, chainId)
  rmSync(ipcPath, { force: true })

  const child = spawn(anvilBinary(), nodeArguments(options, ipcPath), {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own: a Ctrl-C in the terminal must reach us first, and us alone.
    detached: true,
  })
  const lastWords = collectErrors(child)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it could not be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}`))
  })
  const pid = child.pid
  if (pid === undefined) throw new NodeStartError(chainId, await ended)
  recordProcess(pidFile, { name: `node-${chainId}`, pid, marker: ipcPath })

  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    forgetProcess(pidFile, pid)
    rmSync(ipcPath, { force: true })
  }
  try {
    const rpc = await connectWhenUp(ipcPath, ended, chainId, lastWords)
    const reads = await connectIpc(ipcPath)
    const broken = Promise.race([rpc.closed, reads.closed])
    const gone = Promise.race([ended, broken.then(() => 'its connection broke')])
    return {
      pid,
      ipcPath,
      rpc,
      reads,
      gone,
      stop: async () => {
        rpc.close()
        reads.close()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function nodeArguments(options: AnvilOptions, ipcPath: string): string[] {
  const { chainId, state, genesisTimestampS, baseFeePerGas, gasLimit } = options
  const from =
    'genesisFile' in state ? ['--init', state.genesisFile] : ['--load-state', state.snapshotFile]
  return [
    ...from,
    ...['--accounts', '0', '--no-mining', '--order', 'fifo', '--silent'],
    ...['--ipc', ipcPath, '--host', '127.0.0.1', '--port', '0'],
    ...['--chain-id', String(chainId), '--timestamp', String(genesisTimestampS)],
    ...['--hardfork', 'cancun', '--gas-limit', String(gasLimit)],
    ...['--block-base-fee-per-gas', String(baseFeePerGas)],
    // The bare flag would break restoring; without it every block's state goes to disk.
    ...['--prune-history', '2', '--transaction-block-keeper', '256'],
    // The core reserves balances; the pool's own check refuses a sender funded in the same block.
    '--disable-pool-balance-checks',
  ]
}

/** Ends the nodes of a rollup that an earlier process left, recorded or not. */
export function endLeftNodes(options: Omit<AnvilOptions, 'state'>): void {
  const { chainId, directory, pidFile } = options
  endRecorded(pidFile, ({ name }) => name === `node-${chainId}`)
  endUnrecorded(anvilBinary(), `--ipc ${socketPath(directory, chainId)} `)
}

/** Where the network's directory lies too deep for a socket's path, one in the temporary files serves. */
function socketPath(directory: string, chainId: number): string {
  const near = join(directory, `${chainId}.ipc`)
  if (Buffer.byteLength(near) <= socketPathBytesMax) return near
  const tag = createHash('sha256').update(directory).digest('hex').slice(0, 8)
  const far = join(tmpdir(), `tandem-${userInfo().uid}-${tag}`)
  mkdirSync(far, { recursive: true, mode: 0o700 })
  const { uid, mode } = lstatSync(far)
  // Anyone may make a directory there before us: it must be ours and ours alone.
  if (uid !== userInfo().uid || (mode & 0o077) !== 0) {
    throw new NodeStartError(chainId, `the directory ${far} is not private`)
  }
  return join(far, `${chainId}.ipc`)
}

async function connectWhenUp(
  ipcPath: string,
  ended: Promise<string>,
  chainId: number,
  lastWords: () => string,
): Promise<IpcConnection> {
  const deadlineMs = performance.now() + startTimeoutMs
  let reason: string | undefined
  void ended.then((why) => (reason = why))
  for (;;) {
    try {
      return await connectIpc(ipcPath)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw error
    }
    if (reason !== undefined) throw new NodeStartError(chainId, `${reason} ${lastWords()}`.trim())
    if (performance.now() > deadlineMs) {
      throw new NodeStartError(chainId, `it did not listen within ${startTimeoutMs} ms`)
    }
    await sleep(connectRetryMs)
  }
}

function collectErrors(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-2_000)
  })
  return () => text.trim()
}

/** A rollup's node did not come up. */
export class NodeStartError extends BaseError {
  override readonly name = 'NodeStartError'

  constructor(chainId: number, reason: string) {
    super(`The node of chain ${chainId} did not start.`, {
      code: 'NODE_START',
      retryable: true,
      metaMessages: [reason],
    })
  }
}
