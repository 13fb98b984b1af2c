import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkImports, MODULES_MIN } from './imports.ts'

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'imports-'))
  for (const file of ['package.json', 'tsconfig.json'])
    cpSync(join(project, file), join(root, file))
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'))
})
afterEach(() => rmSync(root, { recursive: true }))

function plant(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

const leaf = 'export const value = 1\n'

describe('the direction of imports', () => {
  test('a tree that keeps it has no fault', async () => {
    plant({
      'sdk/protocol/a.ts': leaf,
      'sdk/risk/b.ts': "export { value } from '../protocol/a.ts'\n",
      'sequencer/core/c.ts': "export { value } from '../../sdk/risk/b.ts'\n",
      'sequencer/shell/d.ts': "export { value } from '../core/c.ts'\nimport 'node:fs'\n",
      'sequencer/main.ts': "export { value } from './shell/d.ts'\n",
    })
    expect(await checkImports(root)).toEqual({ modules: 5, typeScript: 5, faults: [] })
  })

  test.each([
    ['protocol-stands-alone', 'sdk/protocol/x.ts', 'sdk/risk/y.ts'],
    ['risk-on-protocol', 'sdk/risk/x.ts', 'sdk/client/y.ts'],
    ['process-on-protocol', 'sdk/process/x.ts', 'sdk/client/y.ts'],
    ['sdk-stands-alone', 'sdk/client/x.ts', 'sequencer/core/y.ts'],
    ['client-is-for-integrators', 'sdk/client/x.ts', 'sdk/process/y.ts'],
    ['core-is-pure', 'sequencer/core/x.ts', 'sequencer/shell/y.ts'],
    ['core-is-pure', 'relayer/core/x.ts', 'sdk/process/y.ts'],
    ['sequencer-and-relayer-apart', 'sequencer/shell/x.ts', 'relayer/core/y.ts'],
    ['sequencer-and-relayer-apart', 'relayer/shell/x.ts', 'sequencer/core/y.ts'],
    ['shell-below-main', 'relayer/shell/x.ts', 'relayer/validator/main.ts'],
    ['cli-on-top', 'relayer/shell/x.ts', 'cli/y.ts'],
    ['no-test-in-product', 'cli/x.ts', 'test/fixtures/y.ts'],
  ])('%s: %s may not import %s', async (rule, from, to) => {
    const up = '../'.repeat(from.split('/').length - 1)
    plant({ [from]: `export { value } from '${up}${to}'\n`, [to]: leaf })
    const { faults } = await checkImports(root)
    expect(faults).toContain(`${rule}: ${from} → ${to}`)
  })

  test('a type is an import too', async () => {
    plant({
      'sdk/protocol/x.ts': "import type { T } from '../risk/y.ts'\nexport const f = (t: T) => t\n",
      'sdk/risk/y.ts': 'export type T = number\n',
    })
    expect((await checkImports(root)).faults).toHaveLength(1)
  })

  test('a core may not read files, a cycle is refused, the Hyperlane SDK stays apart', async () => {
    plant({
      'relayer/core/x.ts': "import 'node:fs'\n",
      'sdk/risk/a.ts': "import './b.ts'\n",
      'sdk/risk/b.ts': "import './a.ts'\n",
      'sequencer/shell/y.ts': "import '@hyperlane-xyz/core'\n",
    })
    const { faults } = await checkImports(root)
    const rules = new Set(faults.map((fault) => fault.split(':')[0]))
    expect(rules).toEqual(new Set(['pure-without-node', 'no-cycle', 'hyperlane-sdk-apart']))
  })

  test('the check sees the files of this project', async () => {
    const { typeScript } = await checkImports(project)
    expect(typeScript).toBeGreaterThanOrEqual(MODULES_MIN)
  })
})
