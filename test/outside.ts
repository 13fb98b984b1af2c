import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join, resolve } from 'node:path'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A folder of figures from elsewhere that tests compare with, or what they would have compared. */
export type Outside = { present: true; folder: string } | { present: false }

/**
 * Looks up a folder that is no part of the project.
 *
 * @param variable - Environment variable that names the folder.
 * @param fallback - Where it is looked for otherwise, relative to the project.
 * @throws When the variable is set and the folder does not exist.
 */
function lookUp(variable: string, fallback: string): Outside {
  const named = process.env[variable]
  const folder = resolve(ROOT, named ?? fallback)
  if (existsSync(folder)) return { present: true, folder }
  if (named !== undefined) throw new Error(`${variable} names ${folder}, which does not exist.`)
  return { present: false }
}

/** Worked portfolios, prices and volatilities: `TANDEM_VECTORS`, default `../shared/vectors`. */
export const vectors: Outside = lookUp('TANDEM_VECTORS', '../shared/vectors')

/** Recorded option chains and prices: `TANDEM_DATA`, default `../shared/data`. */
export const data: Outside = lookUp('TANDEM_DATA', '../shared/data')

/**
 * Gives the path of a file in an outside folder, or says in one line how many cases are skipped.
 *
 * @param cases - How many cases of the suite need the file.
 */
export function outsideFile(outside: Outside, name: string, cases: number): string | undefined {
  if (outside.present) return join(outside.folder, name)
  process.stdout.write(`${name} is not here: ${cases} case${cases === 1 ? '' : 's'} skipped\n`)
  return undefined
}
