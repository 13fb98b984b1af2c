import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lint-'))
  for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json', 'test/structure/lint']) {
    cpSync(join(project, file), join(root, file), { recursive: true })
  }
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'))
})
afterEach(() => rmSync(root, { recursive: true }))

/** Rules that the linter names for one planted file. */
function rulesBroken(path: string, text: string): readonly string[] {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  const linter = join(project, 'node_modules', '.bin', 'oxlint')
  const { stdout } = spawnSync(linter, ['-f', 'json', dirname(path)], {
    cwd: root,
    encoding: 'utf8',
  })
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string }[] }
  return diagnostics.map(({ code }) => code)
}

const core = 'relayer/core/planted.ts'

test.each([
  ['the clock', 'export const f = () => Date.now()', 'eslint(no-restricted-globals)'],
  ['a timer', 'export const f = () => setTimeout(() => 1, 1)', 'eslint(no-restricted-globals)'],
  ['the environment', 'export const f = () => process.env', 'eslint(no-restricted-globals)'],
  ['the console', 'export const f = () => console.log(1)', 'eslint(no-restricted-globals)'],
  ['the network', "export const f = () => fetch('')", 'eslint(no-restricted-globals)'],
  ['files', "export { readFileSync } from 'node:fs'", 'eslint(no-restricted-imports)'],
  ['a promise', 'export const f = async () => 1', 'tandem(synchronous)'],
  ['chance', 'export const f = () => Math.random()', 'tandem(exact)'],
  ["the engine's exp", 'export const f = () => Math.exp(1)', 'tandem(exact)'],
  ['a power of numbers', 'export const f = (x: number) => x ** 0.5', 'tandem(exact)'],
])('a core may not use %s', (_what, text, rule) => {
  expect(rulesBroken(core, `${text}\n`)).toContain(rule)
})

test('a core may add, take square roots, and raise bigints', () => {
  const text = 'export const f = (x: number) => Math.sqrt(x) + Number(10n ** 18n) + 2 ** 32\n'
  expect(rulesBroken(core, text)).toEqual([])
})

test('a forgotten promise is found by its type', () => {
  const text = 'async function later() {}\nexport function f() {\n  later()\n}\n'
  expect(rulesBroken('relayer/shell/planted.ts', text)).toEqual([
    'typescript(no-floating-promises)',
  ])
})

test('an export of the SDK without a docstring is found', () => {
  expect(rulesBroken('sdk/client/planted.ts', 'export const a = 1\n')).toEqual([
    'tandem(documented)',
  ])
  expect(rulesBroken('sdk/client/planted.ts', '/** One. */\nexport const a = 1\n')).toEqual([])
})

test('a function of more than 70 lines is found', () => {
  const body = '  n += 1\n'.repeat(70)
  const text = `export function f() {\n  let n = 0\n${body}  return n\n}\n`
  expect(rulesBroken('cli/planted.ts', text)).toEqual(['eslint(max-lines-per-function)'])
})
