// Measures: `npm run bench -- NAME [--json] [--option value]`; without a name it lists the benches.
// A bench is a folder beside this file with a `bench.ts` that exports `summary` and `run`.
import { existsSync, readdirSync } from 'node:fs'
import { parseArguments } from './arguments.ts'
import { loadAverage, machine, printReport, type Report } from './report.ts'

/** What a bench's module exports. */
type Bench = {
  summary: string
  /** @param options - `--name value` pairs of the command line; a bare `--name` is `'true'`. */
  run: (options: ReadonlyMap<string, string>) => Promise<Report>
}

const { name, options } = parseArguments(process.argv.slice(2))
const place = new URL(`./${name}/bench.ts`, import.meta.url)
if (name === undefined || !existsSync(place)) {
  const lines = await list()
  const first = name === undefined ? 'usage: npm run bench -- NAME [--json]' : `No bench "${name}".`
  process.stderr.write(`${[first, ...lines].join('\n')}\n`)
  process.exit(name === undefined && options.has('help') ? 0 : 2)
}
const bench = (await import(place.href)) as Bench
const before = loadAverage()
const report = await bench.run(options)
printReport(
  { bench: name, ...report, machine: machine(), load: { before, after: loadAverage() } },
  options.has('json'),
)
process.exit(0)

async function list(): Promise<string[]> {
  const folders = readdirSync(new URL('.', import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .filter((folder) => existsSync(new URL(`./${folder}/bench.ts`, import.meta.url)))
  const modules = await Promise.all(
    folders.map((folder) => import(new URL(`./${folder}/bench.ts`, import.meta.url).href)),
  )
  return folders.map((folder, i) => `  ${folder.padEnd(12)} ${(modules[i] as Bench).summary}`)
}
