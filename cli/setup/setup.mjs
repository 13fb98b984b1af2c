// What `npm start` and `npm test` run first. Plain JavaScript on built-in modules only: nothing is
// installed yet, and the Node that runs it may be older than the project's own.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { restoreManifest } from '../package/manifest.mjs'
import { runForeground } from './command.mjs'
import { installPackages, projectNode } from './packages.mjs'
import { SetupError } from './progress.mjs'
import { installRedis } from './redis.mjs'

const nodeMajorMin = 20

const tasks = {
  start: { development: false, redis: true, program: ['cli/main.ts', 'network', 'up'] },
  genesis: { development: true, redis: false, program: ['cli/main.ts', 'network', 'genesis'] },
  test: { development: true, redis: true, program: ['test/run.ts'] },
  packages: { development: true, redis: false, program: undefined },
}

async function main([name, ...args]) {
  const task = tasks[name]
  if (task === undefined) {
    throw new SetupError(`Unknown task "${name}".`, [`known: ${Object.keys(tasks).join(', ')}`])
  }
  const major = Number(process.versions.node.split('.')[0])
  if (major < nodeMajorMin) {
    throw new SetupError(`Node ${process.versions.node} is too old.`, [
      `needed: ${nodeMajorMin} or newer; it installs the exact version that Tandem runs on`,
    ])
  }
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
  restoreManifest(root)
  await installPackages(root, task)
  if (task.redis) await installRedis()
  if (task.program === undefined) return 0
  const [file, ...rest] = task.program
  return await runForeground(projectNode(root), [join(root, file), ...rest, ...args], {
    cwd: root,
    env: programEnvironment(root),
  })
}

/** The environment without npm's own variables, and with the project's Node first on PATH. */
function programEnvironment(root) {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`
  return { ...Object.fromEntries(entries), PATH: path }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`${[error.message, ...error.lines].join('\n')}\n`)
  process.exitCode = 1
}
