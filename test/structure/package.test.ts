import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const bin = join(project, 'node_modules', '.bin')
const megabytesMax = 60

/** The environment of somebody who has Node and npm and none of this project's packages. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST)/.test(name))
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const path = folders.filter((folder) => !folder.includes('node_modules')).join(delimiter)
  return { ...Object.fromEntries(entries), PATH: path }
}

function run(cwd: string, environment: NodeJS.ProcessEnv, file: string, ...args: string[]): string {
  return execFileSync(file, args, { cwd, env: environment, encoding: 'utf8', stdio: 'pipe' })
}

const parts = ['sdk', 'contracts', 'cli', 'package.json', 'LICENSE', 'README.md']
let work = ''
let source = ''
let empty = ''

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'package-'))
  source = join(work, 'source')
  empty = join(work, 'empty')
  const configurations = globSync('tsconfig*.json', { cwd: project })
  for (const part of [...parts, ...configurations].filter((name) =>
    existsSync(join(project, name)),
  )) {
    cpSync(join(project, part), join(source, part), { recursive: true })
  }
  symlinkSync(join(project, 'node_modules'), join(source, 'node_modules'))
  const environment = plainEnvironment()
  const withNode = { ...environment, PATH: `${bin}${delimiter}${environment['PATH']}` }
  run(source, withNode, 'npm', 'pack', '--pack-destination', work)
  cpSync(join(project, 'test', 'fixtures', 'integrator'), empty, { recursive: true })
  const tarball = globSync('*.tgz', { cwd: work })[0]!
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  run(empty, environment, 'npm', 'install', join(work, tarball), ...quiet)
}, 120_000)
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe('the package, installed in an empty folder', () => {
  test('is under 60 MB with all that it brings', () => {
    const [megabytes] = run(empty, plainEnvironment(), 'du', '-sm', '.').split('\t')
    expect(Number(megabytes)).toBeLessThan(megabytesMax)
  })

  test("works under the system's Node without any server package", () => {
    const answer = run(empty, plainEnvironment(), 'node', 'use.mjs')
    expect(JSON.parse(answer)).toEqual({
      client: 'function',
      accountId: `0x${'11'.repeat(20)}${'0'.repeat(24)}`,
      callUsd: expect.closeTo(7.9656, 3),
      abi: 'array',
    })
    expect(existsSync(join(empty, 'node_modules', 'express'))).toBe(false)
    expect(existsSync(join(empty, 'node_modules', '@hyperlane-xyz'))).toBe(false)
  })

  test('brings the risk commands as a program', () => {
    const option = '{"forward":100,"strike":100,"vol":0.2,"years":1,"call":true}'
    const file = join(empty, 'node_modules', '.bin', 'tandem')
    const environment = plainEnvironment()
    const answer = execFileSync(file, ['risk', 'price'], { input: option, env: environment })
    expect(JSON.parse(answer.toString())).toMatchObject({ price: expect.closeTo(7.9656, 3) })
  })

  test('has types for every entry', () => {
    for (const peer of ['viem', 'zod']) installPeer(peer)
    expect(() => run(empty, plainEnvironment(), join(bin, 'tsc'), '-p', '.')).not.toThrow()
  })

  test("leaves the project's own manifest as it was", () => {
    const before = JSON.parse(run(project, process.env, 'cat', 'package.json')) as object
    expect(JSON.parse(run(source, process.env, 'cat', 'package.json'))).toEqual(before)
  })

  test('brings the contracts that an integrator inherits, and no test double', () => {
    const contracts = join(empty, 'node_modules', 'tandem', 'contracts')
    expect(existsSync(join(contracts, 'kit', 'ICollateralPool.sol'))).toBe(true)
    expect(existsSync(join(contracts, 'test'))).toBe(false)
  })
})

/** What an integrator with TypeScript has installed anyway. */
function installPeer(name: string): void {
  const place = join(empty, 'node_modules', name)
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(join(project, 'node_modules', name), place)
}
