import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import { anvilBinary } from './binary.ts'
import { nodeRpc, type Rpc } from './rpc.ts'

/** Rules that every chain of the local network runs under; also the drivers' nodes. */
export const NODE_RULES = ['--hardfork', 'cancun', '--gas-limit', '1000000000', '--accounts', '0']

/** A node that runs as a child of this process. */
export type AnvilNode = {
  url: string
  port: number
  pid: number
  child: ChildProcess
  rpc: Rpc
  /** Ends the node at once: it keeps nothing that was not asked for. */
  kill: () => Promise<void>
}

/** What {@link startAnvil} starts. */
export type AnvilOptions = {
  chainId: number
  port: number
  /** Arguments besides the common rules, the chain id and the port. */
  args: readonly string[]
  /** File descriptor or `'ignore'` for what the node prints. */
  output?: number | 'ignore' | undefined
  startTimeoutMs?: number | undefined
}

/**
 * Starts a node in a process group of its own, so that a Ctrl-C in the terminal does not reach it,
 * and waits until it answers.
 *
 * @throws {@link NodeStartError} when it ends or stays silent instead.
 */
export async function startAnvil(options: AnvilOptions): Promise<AnvilNode> {
  const { chainId, port, args, output = 'ignore', startTimeoutMs = 20_000 } = options
  const command = ['--chain-id', `${chainId}`, '--port', `${port}`, ...NODE_RULES, ...args]
  const child = spawn(anvilBinary(), command, {
    stdio: ['ignore', output, output],
    detached: true,
  })
  // An exit is looked for below; without a listener a failed spawn would end this process.
  child.on('error', () => undefined)
  const url = `http://127.0.0.1:${port}`
  const rpc = nodeRpc(url)
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  const deadlineMs = Date.now() + startTimeoutMs
  while (!(await answers(rpc, chainId))) {
    const ended = child.exitCode !== null || child.signalCode !== null || child.pid === undefined
    if (ended || Date.now() > deadlineMs) {
      if (child.pid !== undefined) await kill()
      throw new NodeStartError(chainId, port, ended ? 'it ended' : 'it did not answer in time')
    }
    await delay(10)
  }
  return { url, port, pid: child.pid!, child, rpc, kill }
}

async function answers(rpc: Rpc, chainId: number): Promise<boolean> {
  try {
    return Number(await rpc<string>('eth_chainId')) === chainId
  } catch {
    // Nobody listens yet: what else may be wrong shows in the node's exit.
    return false
  }
}

/** A node could not be started. */
export class NodeStartError extends BaseError {
  override readonly name = 'NodeStartError'

  constructor(chainId: number, port: number, reason: string) {
    super(`The node of chain ${chainId} did not start: ${reason}.`, {
      code: 'NODE_START',
      retryable: true,
      metaMessages: [`port: ${port}`],
    })
  }
}
