import { spawn, type ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Service } from './supervised.ts'

/**
 * Gives the network's own Redis as a service: every write on disk before its answer, nothing ever
 * evicted, apart from any other Redis of the machine.
 */
export function redisService(options: { port: number; directory: string }): Service {
  const { port, directory } = options
  return {
    name: 'redis',
    // Redis rewrites its command line to this.
    marker: `redis-server 127.0.0.1:${port}`,
    launch: (output) => {
      const child = spawn(
        'redis-server',
        [
          ...['--bind', '127.0.0.1', '--port', `${port}`, '--dir', directory],
          ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
          ...['--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
        ],
        { stdio: ['ignore', output, output], detached: true },
      )
      return { child, ready: untilAnswering(child, port) }
    },
  }
}

async function untilAnswering(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    if (await ping(port)) return
    await delay(20)
  }
}

/** A Redis that still reads its file answers with an error, one that serves with PONG. */
function ping(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'))
    socket.setTimeout(1_000, () => socket.destroy())
    socket.once('data', (data) => {
      resolve(data.toString().startsWith('+PONG'))
      socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(false))
  })
}
