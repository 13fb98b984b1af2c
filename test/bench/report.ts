import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

/** What a bench measured: numbers with their unit in the name, sizes, ratios. */
export type Report = { readonly [key: string]: unknown }

/** Spread of a set of samples, in the unit of the samples. */
export type Percentiles = { p50: number; p99: number; p999: number; max: number; count: number }

/** Percentiles by nearest rank; all of them 0 when there are no samples. */
export function percentiles(samples: readonly number[]): Percentiles {
  const sorted = Float64Array.from(samples).sort()
  const at = (share: number) =>
    round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0)
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1), count: sorted.length }
}

/** A number with four significant digits: more would be noise. */
export function round(value: number): number {
  return Number(value.toPrecision(4))
}

/** The machine that measured. */
export function machine(): Report {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: round(totalmem() / 1e9),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  }
}

/** Load averages of the last 1 and 5 minutes: what else the machine was doing. */
export function loadAverage(): Report {
  const [minute = 0, fiveMinutes = 0] = loadavg()
  return { minute: round(minute), fiveMinutes: round(fiveMinutes) }
}

/** One line of progress, on stderr so that it never mixes with the report. */
export function progress(text: string): void {
  process.stderr.write(`… ${text}\n`)
}

/** Prints the report: one JSON object on one line, or one value a line for people. */
export function printReport(report: Report, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${lines(report, '').join('\n')}\n`)
}

function lines(value: Report, prefix: string): string[] {
  return Object.entries(value).flatMap(([key, entry]) =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry)
      ? lines(entry as Report, `${prefix}${key}.`)
      : [`${prefix}${key}: ${Array.isArray(entry) ? JSON.stringify(entry) : String(entry)}`],
  )
}
