import { existsSync, readFileSync } from 'node:fs'
import { runQuietly } from './command.mjs'
import { step, SetupError } from './progress.mjs'

const majorMin = 7

/** Makes sure that a `redis-server` of version 7 or newer is on PATH; installs it through apt. */
export async function installRedis() {
  const found = await redisVersion()
  if (found !== undefined) return assertRecent(found)
  const elevate = await elevation()
  if (existsSync('/usr/bin/apt-get') && elevate !== undefined) {
    await step('installing redis-server through apt', () => aptInstall(elevate))
    const installed = await redisVersion()
    if (installed !== undefined) return assertRecent(installed)
  }
  throw new SetupError('redis-server is not on PATH.', [howToInstall()])
}

async function redisVersion() {
  const { code, output } = await runQuietly('redis-server', ['--version'])
  return code === 0 ? /v=(\d+)\.[\d.]+/.exec(output)?.[0] : undefined
}

function assertRecent(version) {
  const major = Number(/\d+/.exec(version)?.[0])
  if (major >= majorMin) return
  throw new SetupError(`redis-server is too old: ${version}; needed: ${majorMin} or newer.`, [
    howToInstall(),
  ])
}

/** Words that go before a command to run it as root; undefined where that needs a password. */
async function elevation() {
  if (process.getuid?.() === 0) return []
  const { code } = await runQuietly('sudo', ['-n', 'true'])
  return code === 0 ? ['sudo', '-n'] : undefined
}

async function aptInstall(elevate) {
  const apt = async (...args) => {
    const [file, ...rest] = [
      ...elevate,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-q',
      ...args,
    ]
    return await runQuietly(file, rest)
  }
  const installOnly = ['install', '-y', '--no-install-recommends', 'redis-server']
  if ((await apt(...installOnly)).code === 0) return
  // Package lists are absent on a fresh machine and old on most others.
  await apt('update')
  const { code, output } = await apt(...installOnly)
  if (code === 0) return
  throw new SetupError(`apt-get could not install redis-server (code ${code}).`, [
    ...output.trimEnd().split('\n').slice(-4),
    howToInstall(),
  ])
}

function howToInstall() {
  if (process.platform === 'darwin') return 'Install it: brew install redis'
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const ids = /^ID(?:_LIKE)?=.*$/gm
  const family = (release.match(ids) ?? []).join(' ')
  if (/debian|ubuntu/.test(family)) return 'Install it: sudo apt-get install -y redis-server'
  if (/fedora|rhel/.test(family))
    return 'Install it: sudo dnf install -y redis (or valkey-compat-redis)'
  if (/arch/.test(family)) return 'Install it: sudo pacman -S --noconfirm redis'
  if (/suse/.test(family)) return 'Install it: sudo zypper install -y redis'
  if (/alpine/.test(family)) return 'Install it: apk add redis'
  return 'Install Redis 7 or newer so that `redis-server` is on PATH: https://redis.io/docs/install'
}
