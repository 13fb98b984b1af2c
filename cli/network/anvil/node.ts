import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import { anvilBinary } from '../../../sdk/process/anvil-binary.ts'
import { freePort } from '../ports.ts'
import { nodeRpc, type Rpc } from './rpc.ts'

/** Rules that every chain of the local network runs under; the drivers' nodes have the same. */
const NODE_RULES = [
  ...['--hardfork', 'cancun', '--gas-limit', '1000000000'],
  ...['--accounts', '0', '--order', 'fifo', '--no-mining', '--silent'],
]

/** A node that runs as a child of this process and mines when told to. */
export type AnvilNode = { chainId: number; port: number; child: ChildProcess; rpc: Rpc }

/** What {@link spawnAnvil} starts. */
export type AnvilOptions = {
  chainId: number
  port: number
  /** Constant price of gas, wei. */
  baseFeeWei: number
  /** Arguments besides the common rules. */
  args: readonly string[]
  /** File descriptor for what the node prints; default nowhere. */
  output?: number | undefined
}

/**
 * Starts a node in a process group of its own, so that a Ctrl-C in the terminal does not reach it.
 * It may not answer yet: see {@link untilAnswering}.
 */
export function spawnAnvil(options: AnvilOptions): AnvilNode {
  const { chainId, port, baseFeeWei, args, output = 'ignore' } = options
  const child = spawn(
    anvilBinary(),
    [
      ...['--chain-id', `${chainId}`, '--port', `${port}`],
      ...['--block-base-fee-per-gas', `${baseFeeWei}`],
      ...NODE_RULES,
      ...args,
    ],
    { stdio: ['ignore', output, output], detached: true },
  )
  // A failed spawn shows as a child without a pid; unheard, the event would end this process.
  child.on('error', () => undefined)
  return { chainId, port, child, rpc: nodeRpc(urlOf(port)) }
}

/**
 * Waits until a node answers.
 *
 * @throws {@link NodeStartError} when it ends or stays silent instead.
 */
export async function untilAnswering(node: AnvilNode, timeoutMs = 20_000): Promise<void> {
  const { chainId, port, child, rpc } = node
  const deadlineMs = Date.now() + timeoutMs
  while (!(await answers(rpc, chainId))) {
    if (hasEnded(child)) throw new NodeStartError(chainId, port, 'it ended')
    if (Date.now() > deadlineMs)
      throw new NodeStartError(chainId, port, 'it did not answer in time')
    await delay(10)
  }
}

/** Runs work on a node that is thrown away afterwards: base fee 0, on a free port. */
export async function withScratchAnvil<T>(
  chainId: number,
  args: readonly string[],
  work: (rpc: Rpc, url: string) => Promise<T>,
): Promise<T> {
  const node = spawnAnvil({ chainId, port: await freePort(), baseFeeWei: 0, args })
  try {
    await untilAnswering(node)
    return await work(node.rpc, urlOf(node.port))
  } finally {
    await killNode(node)
  }
}

/** Ends a node at once; it keeps nothing that was not asked for before. */
export async function killNode({ child }: AnvilNode): Promise<void> {
  if (hasEnded(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null
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
