import { readFileSync } from 'node:fs'
import type { Count, Stage, Step } from './step.ts'

const minuteMs = 60_000
const solidity = ['contracts/**/*.sol', 'test/contracts/**/*.sol'] as const

/** What `npm run check` looks at, cheapest first. */
export const checkSteps: readonly Step[] = [
  check('format', 'oxfmt', '--check', '.'),
  check('format of contracts', 'prettier', '--check', '--log-level', 'warn', ...solidity),
  check('lint', 'oxlint', '--deny-warnings'),
  check('lint of contracts', ...solhint('.solhint.json', solidity[0])),
  check('lint of contract tests', ...solhint('test/contracts/.solhint.json', solidity[1])),
  check('types', 'tsc', '--noEmit', '-p', '.'),
  check('imports', 'node', 'test/structure/imports.ts'),
  check('unused code', 'knip'),
]

const contractSteps: readonly Step[] = [
  {
    name: 'contracts build',
    command: ['hardhat', 'build'],
    timeLimitMs: 5 * minuteMs,
    quiet: true,
  },
  {
    name: 'generated ABIs',
    command: ['node', 'cli/contracts/abis.ts', '--check'],
    timeLimitMs: minuteMs,
    quiet: true,
  },
  {
    name: 'contract tests',
    command: ['hardhat', 'test', 'solidity'],
    timeLimitMs: 8 * minuteMs,
    quiet: false,
    count: countMocha,
  },
]

/**
 * What `npm test` does. Contracts compile and run on one core, and need nothing of the suites beside
 * them; real processes get the machine for themselves.
 */
export const stages: readonly Stage[] = [
  [checkSteps],
  [contractSteps, [vitest('unit', 5), vitest('property', 5), vitest('simulation', 5)]],
  [[vitest('structure', 4), vitest('integration', 12)]],
]

function check(name: string, file: string, ...args: string[]): Step {
  return { name, command: [file, ...args], timeLimitMs: 3 * minuteMs, quiet: true }
}

function solhint(configuration: string, files: string): [string, ...string[]] {
  return ['solhint', '--disc', '--config', configuration, '--max-warnings', '0', files]
}

function vitest(project: string, minutes: number): Step {
  const report = `.build/test/${project}.json`
  return {
    name: project,
    command: [
      ...(['vitest', 'run', '--project', project] as const),
      '--passWithNoTests',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    timeLimitMs: minutes * minuteMs,
    quiet: false,
    count: () => countReport(report),
  }
}

function countMocha(output: string): Count | undefined {
  const passed = /^\s*(\d+) passing/m.exec(output)?.[1]
  if (passed === undefined) return undefined
  return { passed: Number(passed), failed: Number(/^\s*(\d+) failing/m.exec(output)?.[1] ?? 0) }
}

function countReport(file: string): Count | undefined {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>
    const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = report
    return { passed, failed }
  } catch {
    // Written at the end only: without it the step counts as one that failed or passed.
    return undefined
  }
}
