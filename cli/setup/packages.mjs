import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { runQuietly } from './command.mjs'
import { withSetupLock } from './lock.mjs'
import { step, SetupError } from './progress.mjs'

// npm's own settings that say where packages come from. All others belong to the command that npm
// is running now (its prefix, its omitted groups) and would change what is installed.
const keptSettings = [
  'registry',
  'cache',
  'userconfig',
  'globalconfig',
  'cafile',
  'offline',
  'prefer_offline',
  'proxy',
  'https_proxy',
  'noproxy',
  'strict_ssl',
]

/** Node of the project, once its packages are there. */
export function projectNode(root) {
  return join(
    root,
    'node_modules',
    'node',
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  )
}

/**
 * Installs what is missing: the run-time packages, or with `development` all packages.
 *
 * Run-time packages come first and bring Node 24. Everything else is installed under that Node:
 * under an older one npm leaves packages out without a word when their `engines` ask for more.
 */
export async function installPackages(root, { development }) {
  const wanted = fingerprint(root)
  const stamp = readStamp(root)
  // Never prunes: where development packages are installed already, they stay and follow the lock.
  const all = development || stamp.development !== undefined || hasDevelopmentPackages(root)
  if (stamp.runtime === wanted && (!all || stamp.development === wanted)) {
    if (existsSync(projectNode(root))) return
  }
  const npm = findNpm()
  await withSetupLock(root, () => installMissing(root, { npm, wanted, all }))
}

async function installMissing(root, { npm, wanted, all }) {
  if (!nodeRuns(root)) {
    const group = hasDevelopmentPackages(root) ? 'include' : 'omit'
    await step('installing run-time packages', () => install(root, npm, process.execPath, group))
    writeStamp(root, { runtime: wanted })
    if (!nodeRuns(root)) throw noNode()
  }
  if (all && readStamp(root).development !== wanted) {
    const title = 'installing development packages'
    await step(title, () => install(root, npm, projectNode(root), 'include'))
    writeStamp(root, { runtime: wanted, development: wanted })
  }
  if (readStamp(root).runtime !== wanted) {
    await step('updating run-time packages', () => install(root, npm, projectNode(root), 'omit'))
    writeStamp(root, { runtime: wanted })
  }
}

async function install(root, npm, node, group) {
  const args = [npm, 'install', `--${group}=dev`, '--no-save', '--no-audit', '--no-fund']
  const { code, output } = await runQuietly(node, args, { cwd: root, env: npmEnvironment() })
  if (code === 0) return
  const lines = output
    .trimEnd()
    .split('\n')
    .filter((line) => /npm (error|ERR!)/.test(line))
  throw new SetupError(`npm install failed with code ${code}.`, [
    ...(lines.length > 0 ? lines : output.trimEnd().split('\n')).slice(0, 12),
    'Is a package registry within reach? What is installed so far is kept; run the command again.',
  ])
}

/** Hash of all that decides what is installed: the lock, the dependencies named, the platform. */
function fingerprint(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { dependencies, devDependencies, optionalDependencies, overrides, allowScripts } = manifest
  const lock = join(root, 'package-lock.json')
  return createHash('sha256')
    .update(
      JSON.stringify([
        dependencies,
        devDependencies,
        optionalDependencies,
        overrides,
        allowScripts,
      ]),
    )
    .update(existsSync(lock) ? readFileSync(lock) : '')
    .update(`${process.platform} ${process.arch}`)
    .digest('hex')
}

function stampFile(root) {
  return join(root, 'node_modules', '.tandem-setup.json')
}

function readStamp(root) {
  try {
    return JSON.parse(readFileSync(stampFile(root), 'utf8'))
  } catch {
    // Absent or cut short by a crash: the same as never installed.
    return {}
  }
}

function writeStamp(root, stamp) {
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(`${stampFile(root)}.new`, JSON.stringify(stamp))
  renameSync(`${stampFile(root)}.new`, stampFile(root))
}

function hasDevelopmentPackages(root) {
  return existsSync(join(root, 'node_modules', 'vitest', 'package.json'))
}

/** Whether the project's Node is there and whole. */
function nodeRuns(root) {
  return spawnSync(projectNode(root), ['--version'], { stdio: 'ignore' }).status === 0
}

function noNode() {
  return new SetupError('The package `node` is installed without its program.', [
    `rule: its install script must run; platform: ${process.platform} ${process.arch}`,
    'Remove node_modules and run the command again, without --ignore-scripts.',
  ])
}

/** npm that runs this, else the one on PATH, else the one beside Node. */
function findNpm() {
  const named = process.env.npm_execpath
  if (named !== undefined && basename(named) === 'npm-cli.js') return named
  const folders = (process.env.PATH ?? '').split(delimiter)
  for (const folder of folders) {
    const candidate = join(folder, 'npm')
    if (existsSync(candidate) && realpathSync(candidate).endsWith('npm-cli.js')) {
      return realpathSync(candidate)
    }
  }
  const beside = join(
    dirname(process.execPath),
    '..',
    'lib',
    'node_modules',
    'npm',
    'bin',
    'npm-cli.js',
  )
  if (existsSync(beside)) return beside
  throw new SetupError('npm is not on PATH.', ['Install npm 10 or newer, then run `npm start`.'])
}

function npmEnvironment() {
  const kept = new Set(keptSettings.map((name) => `npm_config_${name}`))
  const entries = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('npm_') || kept.has(name),
  )
  // Set by surrounding tools, it would leave groups out whatever the command line says.
  return Object.fromEntries(entries.filter(([name]) => name !== 'NODE_ENV'))
}
