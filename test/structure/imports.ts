// Checks the direction of every import: `node test/structure/imports.ts [folder]`.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser'

/** Folders of the product and its tests, as architecture.md names them. */
const folders = ['sdk', 'sequencer', 'relayer', 'cli', 'web', 'examples', 'test']

/**
 * Fewest of our own files that a sound run sees. With a compiler that it cannot use the tool sees
 * none and finds no fault: raise this as the tree grows.
 */
export const MODULES_MIN = 250

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** What the check found: how many of our own files it read, and one line per forbidden import. */
export type ImportReport = { modules: number; typeScript: number; faults: readonly string[] }

/** Follows every import of the tree at `root` and compares it with the rules of the project. */
export async function checkImports(root: string): Promise<ImportReport> {
  const rules = await import(pathToFileURL(join(project, '.dependency-cruiser.mjs')).href)
  const { forbidden, options } = rules.default as { forbidden: object[]; options: object }
  const asked = folders.filter((folder) => existsSync(join(root, folder)))
  const settings = { ...options, baseDir: root, validate: true, ruleSet: { forbidden } }
  const { output } = await cruise(asked, settings as ICruiseOptions, {}, {})
  const { modules, summary } = output as ICruiseResult
  const own = modules.filter(({ source }) => folders.includes(source.split('/')[0] ?? ''))
  return {
    modules: own.length,
    typeScript: own.filter(({ source }) => source.endsWith('.ts')).length,
    faults: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
  }
}

if (import.meta.main) {
  const { modules, typeScript, faults } = await checkImports(project)
  for (const fault of faults) process.stderr.write(`${fault}\n`)
  process.stdout.write(`${modules} modules, ${typeScript} in TypeScript, ${faults.length} faults\n`)
  if (typeScript < MODULES_MIN) {
    process.stderr.write(`The check read ${typeScript} files; a sound run reads ${MODULES_MIN}.\n`)
  }
  process.exitCode = faults.length > 0 || typeScript < MODULES_MIN ? 1 : 0
}
