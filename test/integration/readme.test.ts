import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocksOf, commandsOf, ROOT } from '../fixtures/docs/blocks.ts'
import { compileSolidity } from '../fixtures/docs/solidity.ts'
import { TestNetwork } from '../fixtures/running-network.ts'

// Goal: whatever the README tells a reader to type or paste works as it stands there. Commands get
// the directory and ports of this test's network; nothing else is changed.

const run = promisify(execFile)
const blocks = blocksOf('README.md')
const commands = blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf)
const network = new TestNetwork()
const home = mkdtempSync(join(tmpdir(), 'tandem-reader-'))
const traderKey = generatePrivateKey()
const trader = privateKeyToAccount(traderKey).address

beforeAll(async () => {
  await network.up()
  symlinkSync(network.directory, join(home, '.tandem'))
})

afterAll(async () => {
  await network.remove()
  rmSync(home, { recursive: true, force: true })
})

test('every block has a language that this test knows how to run', () => {
  const known = ['sh', 'ts', 'solidity']
  expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([])
  const runners = [/^npm start\b/, /^npm test$/, /^npm run tandem -- /, /^curl -s http:\/\/127/]
  expect(commands.filter((command) => !runners.some((known) => known.test(command)))).toEqual([])
})

describe('commands on the running network', () => {
  const answer = (command: string) => run('bash', ['-c', adapted(command)], { cwd: ROOT })

  test.each(commands.filter((command) => command.startsWith('npm run tandem')))(
    '%s',
    async (command) => {
      expect((await answer(command)).stdout).not.toBe('')
    },
  )

  test.each(commands.filter((command) => command.startsWith('curl')))('%s', async (command) => {
    expect(JSON.parse((await answer(command)).stdout)).toHaveProperty('result')
  })
})

describe('code on the running network', () => {
  const code = blocks.filter(({ language }) => language === 'ts')
  const folder = join(ROOT, '.build', 'docs')

  beforeAll(async () => {
    const fund = adapted(`npm run tandem -- faucet ${trader}`)
    await run('bash', ['-c', fund], { cwd: ROOT })
    mkdirSync(folder, { recursive: true })
  })

  test.each(code)('README.md line $line', async ({ code: text, line }) => {
    const file = join(folder, `readme-${line}.ts`)
    writeFileSync(file, text)
    const env = { ...process.env, TRADER_KEY: traderKey }
    const { stdout } = await run(process.execPath, [file], { cwd: home, env })
    expect(stdout).toMatch(/bundle 0x[0-9a-f]{64} in slot \d+|healthy/)
  })
})

test('the protocol in Solidity compiles against the kit', () => {
  for (const { code } of blocks.filter(({ language }) => language === 'solidity')) {
    expect(compileSolidity(code)).toEqual([])
  }
})

test('npm test is what runs this', () => {
  const { scripts } = createRequire(import.meta.url)('../../package.json') as {
    scripts: Record<string, string>
  }
  expect(scripts['test']).toContain('setup.mjs test')
})

describe('starts', () => {
  const argumentsOf = (command: string) => command.split(' -- ')[1]?.split(' ') ?? []
  const starts = commands.filter((command) => command.startsWith('npm start'))
  const lasting = starts.filter((command) => !/--(help|once)/.test(command))

  test.each(lasting)('%s: comes up and stops at Ctrl-C', async (command) => {
    await withNetwork(async (other) => {
      await other.up(argumentsOf(command))
      expect((await other.end('SIGINT')).code).toBe(0)
    })
  })

  test('npm start -- --once: ends with one JSON object that says that all went well', async () => {
    await withNetwork(async (other) => {
      expect(await lastLineOf(other, ['--once'])).toMatchObject({ ok: true })
    })
  })

  test('npm start -- --help: lists the options', async () => {
    const { stdout } = await run('npm', ['start', '--', '--help'], { cwd: ROOT })
    expect(stdout).toContain('--once')
  })
})

async function withNetwork(work: (other: TestNetwork) => Promise<void>): Promise<void> {
  const other = new TestNetwork()
  try {
    await work(other)
  } finally {
    await other.remove()
  }
}

function adapted(command: string): string {
  const at = command
    .replaceAll('127.0.0.1:9500', `127.0.0.1:${network.portBase}`)
    .replace('npm run', 'npm run --silent')
  if (!at.includes('tandem --') || at.includes('--help')) return at
  return at.includes('network status')
    ? `${at} --dir ${network.directory}`
    : `${at} --network ${network.networkFile}`
}

async function lastLineOf(other: TestNetwork, args: readonly string[]): Promise<unknown> {
  const child = await other.launch(args)
  let output = ''
  child.stdout!.on('data', (data: Buffer) => (output += data.toString()))
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`It ended with ${code}.\n${other.output}\n${output}`)
  return JSON.parse(output.trim().split('\n').at(-1)!)
}
