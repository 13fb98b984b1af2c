import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const project = join(import.meta.dirname, '..', '..', '..')
const doubles = join(project, 'test', 'fixtures', 'setup')
let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'setup-'))
  for (const folder of ['cli/setup', 'cli/package']) {
    cpSync(join(project, folder), join(root, folder), { recursive: true })
  }
  cpSync(join(doubles, 'npm-cli.js'), join(root, 'npm', 'npm-cli.js'))
  writeFileSync(join(root, 'npm', 'package.json'), '{"type":"module"}')
  cpSync(join(doubles, 'program.ts'), join(root, 'cli', 'main.ts'))
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({
      type: 'module',
      dependencies: { node: '1' },
      devDependencies: { vitest: '1' },
    }),
  )
  redis('7.0.15')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function script(name: string, text: string): void {
  mkdirSync(join(root, 'bin'), { recursive: true })
  const file = join(root, 'bin', name)
  writeFileSync(file, `#!/bin/sh\n${text}\n`)
  chmodSync(file, 0o755)
}

function redis(version: string): void {
  script('redis-server', `echo "Redis server v=${version} sha=0 bits=64"`)
}

/** A PATH on which no Redis can be found but the one that a test puts there. */
function toolsWithoutRedis(): string {
  const tools = join(root, 'tools')
  mkdirSync(tools)
  for (const tool of ['sh', 'env', 'cp', 'touch', 'test'])
    symlinkSync(`/usr/bin/${tool}`, join(tools, tool))
  return `${join(root, 'bin')}:${tools}`
}

const environment = () => ({
  HOME: process.env['HOME'],
  PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
  npm_execpath: join(root, 'npm', 'npm-cli.js'),
  npm_config_omit: 'dev',
  npm_config_registry: 'http://127.0.0.1:1/',
})

const program = () => [join(root, 'cli', 'setup', 'setup.mjs')] as const

function setup(...args: string[]) {
  return setupWith({}, ...args)
}

function setupWith(variables: Record<string, string>, ...args: string[]) {
  const env = { ...environment(), ...variables }
  const options = { cwd: root, env, encoding: 'utf8' } as const
  return spawnSync(process.execPath, [...program(), ...args], options)
}

type Call = { args: string[]; env: Record<string, string> }

/** How npm was called since the last look. */
function npmCalls(): Call[] {
  const file = join(root, 'calls.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  rmSync(file)
  return lines.map((line) => JSON.parse(line) as Call)
}

const groups = () => npmCalls().map(({ args }) => args.find((arg) => arg.endsWith('=dev')))

describe('set-up', () => {
  test('installs run-time packages once, then starts the program with its arguments', () => {
    expect(setup('start', '--once')).toMatchObject({ status: 7, stdout: 'up network up --once\n' })
    expect(groups()).toEqual(['--omit=dev'])
    expect(setup('start')).toMatchObject({ status: 7, stderr: '' })
    expect(groups()).toEqual([])
  })

  test('installs development packages after the Node that they need', () => {
    expect(setup('packages').status).toBe(0)
    expect(groups()).toEqual(['--omit=dev', '--include=dev'])
  })

  test('follows a changed lock, and never removes development packages on the way', () => {
    setup('start')
    npmCalls()
    writeFileSync(join(root, 'package-lock.json'), '{"changed":1}')
    setup('start')
    expect(groups()).toEqual(['--omit=dev'])
    setup('packages')
    npmCalls()
    writeFileSync(join(root, 'package-lock.json'), '{"changed":2}')
    setup('start')
    expect(groups()).toEqual(['--include=dev'])
    // A folder that was installed by hand has no stamp.
    rmSync(join(root, 'node_modules', '.tandem-setup.json'))
    setup('start')
    expect(groups()).toEqual(['--include=dev'])
  })

  test("keeps npm's settings of place and drops those of the command that runs now", () => {
    setup('start')
    const { env } = npmCalls()[0]!
    expect(env['npm_config_registry']).toBe('http://127.0.0.1:1/')
    expect(env['npm_config_omit']).toBeUndefined()
  })

  test('says in npm’s words why an installation failed, and tries again next time', () => {
    writeFileSync(join(root, 'npm-fails'), '')
    const { status, stderr } = setup('start')
    expect(status).toBe(1)
    expect(stderr).toMatch(/npm install failed with code 1\.\nnpm error code E404/)
    expect(stderr).not.toMatch(/at .*\.mjs/)
    rmSync(join(root, 'npm-fails'))
    expect(setup('start').status).toBe(7)
  })

  test('takes over from a set-up that was killed while it installed', () => {
    const { pid } = spawnSync('true')
    mkdirSync(join(root, 'node_modules'))
    writeFileSync(join(root, 'node_modules', '.tandem-setup.lock'), String(pid))
    expect(setup('start').status).toBe(7)
  })

  test('names a Redis that is too old and the way to a newer one', () => {
    redis('6.0.16')
    const { status, stderr } = setup('start')
    expect(status).toBe(1)
    expect(stderr).toMatch(/redis-server is too old: v=6\.0\.16; needed: 7 or newer\.\nInstall/)
  })

  test.runIf(existsSync('/usr/bin/apt-get'))('installs Redis through apt where it may', () => {
    script(
      'apt-get',
      `echo "$@" >> apt-calls
case "$*" in
  *update*) touch lists ;;
  *install*) test -f lists || exit 100; cp bin/absent bin/redis-server ;;
esac`,
    )
    script('sudo', 'shift; exec "$@"')
    cpSync(join(root, 'bin', 'redis-server'), join(root, 'bin', 'absent'))
    rmSync(join(root, 'bin', 'redis-server'))
    expect(setupWith({ PATH: toolsWithoutRedis() }, 'start')).toMatchObject({ status: 7 })
    const calls = readFileSync(join(root, 'apt-calls'), 'utf8').trim().split('\n')
    // Installed from the lists that are there, else from fresh ones.
    expect(calls.map((call) => call.split(' ')[1])).toEqual(['install', 'update', 'install'])
  })

  test('puts back the manifest that a killed packing left replaced', () => {
    const whole = readFileSync(join(root, 'package.json'))
    mkdirSync(join(root, '.build'))
    writeFileSync(join(root, '.build', 'package.json.saved'), whole)
    writeFileSync(join(root, 'package.json'), '{"type":"module"}')
    setup('start')
    expect(readFileSync(join(root, 'package.json'))).toEqual(whole)
  })
})

describe('the program in the foreground', () => {
  async function started() {
    setup('packages')
    const child = spawn(process.execPath, [...program(), 'start', 'wait'], {
      cwd: root,
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    await once(child.stdout, 'data')
    return { child, closed: once(child, 'close'), output: () => output }
  }

  test('is stopped once by a Ctrl-C that arrives twice, and its exit code is passed on', async () => {
    const { child, closed, output } = await started()
    child.kill('SIGINT')
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect(await closed).toEqual([3, null])
    expect(output()).toMatch(/stop 1\n$/)
  })

  test('does not outlive a set-up that was killed', async () => {
    const { child, closed, output } = await started()
    child.kill('SIGKILL')
    await closed
    expect(output()).toMatch(/alone\n$/)
  })
})
