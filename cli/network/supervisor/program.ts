import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Service } from './supervised.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Where Node keeps what it compiled, so that a dozen processes do not each do it again. */
const compileCache = fileURLToPath(new URL('../../../.build/compile-cache', import.meta.url))

/**
 * Gives a program of Tandem as a service: a Node process that says over its channel when it is
 * ready, and stops when the channel closes.
 *
 * @param options.file - The program, from the project's root or absolute.
 */
export function programService(options: {
  name: string
  file: string
  args: readonly string[]
}): Service {
  const { name, file, args } = options
  return {
    name,
    marker: `${file} ${args.join(' ')}`,
    launch: (output) => {
      const child = fork(file, args, {
        cwd: root,
        stdio: ['ignore', output, output, 'ipc'],
        execArgv: [],
        env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
      })
      return { child, ready: untilReady(child) }
    },
  }
}

async function untilReady(child: ReturnType<typeof fork>): Promise<void> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [unknown]
    if ((message as { type?: unknown } | null)?.type === 'ready') return
  }
}
