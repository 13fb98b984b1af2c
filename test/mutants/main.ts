// `npm run mutants -- risk [--only TEXT]`: plants known bugs one by one in a copy of the project and
// shows that the tests catch each; ends with 1 when one was not caught.
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Mutant } from './mutant.ts'
import { RISK_MUTANTS } from './risk.ts'

const lists: Readonly<Record<string, readonly Mutant[]>> = { risk: RISK_MUTANTS }
const copied = [
  'sdk',
  'sequencer',
  'cli',
  'test',
  'vitest.config.ts',
  'tsconfig.json',
  'package.json',
]
const timeLimitMs = 180_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' } },
})
const mutants = lists[positionals[0] ?? '']?.filter(({ rule, file }) =>
  `${file} ${rule}`.includes(values.only),
)
if (mutants === undefined || mutants.length === 0) {
  process.stderr.write(`usage: npm run mutants -- ${Object.keys(lists).join('|')} [--only TEXT]\n`)
  process.exit(2)
}
const place = mkdtempSync(join(tmpdir(), 'tandem-mutants-'))
let survivors = 0
try {
  for (const name of copied) cpSync(name, join(place, name), { recursive: true })
  symlinkSync(resolve('node_modules'), join(place, 'node_modules'))
  const clean = await fails([...new Set(mutants.flatMap(({ tests }) => tests))])
  if (clean) throw new Error('The tests fail without any bug.')
  for (const mutant of mutants) {
    const caught = await isCaught(mutant)
    if (!caught) survivors += 1
    process.stdout.write(`${caught ? 'caught  ' : 'SURVIVED'} ${mutant.file}: ${mutant.rule}\n`)
  }
} finally {
  rmSync(place, { recursive: true })
}
process.stdout.write(`${mutants.length - survivors} of ${mutants.length} bugs caught\n`)
process.exit(survivors === 0 ? 0 : 1)

async function isCaught({ file, was, is, tests }: Mutant): Promise<boolean> {
  const path = join(place, file)
  const text = readFileSync(path, 'utf8')
  if (text.split(was).length !== 2) throw new Error(`${file} does not have "${was}" once.`)
  writeFileSync(
    path,
    text.replace(was, () => is),
  )
  try {
    return await fails(tests)
  } finally {
    writeFileSync(path, text)
  }
}

/** Runs tests in the copy and says whether one failed. */
function fails(tests: readonly string[]): Promise<boolean> {
  const program = join(place, 'node_modules', 'vitest', 'vitest.mjs')
  const vectors = resolve(process.env['TANDEM_VECTORS'] ?? '../shared/vectors')
  const env = {
    ...process.env,
    ...(existsSync(vectors) ? { TANDEM_VECTORS: vectors } : {}),
  }
  return new Promise((done) => {
    const args = [program, 'run', '--project', 'unit', '--project', 'property', ...tests]
    execFile(process.execPath, args, { cwd: place, env, timeout: timeLimitMs }, (error) =>
      done(error !== null),
    )
  })
}
