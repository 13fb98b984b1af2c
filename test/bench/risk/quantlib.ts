import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { progress } from '../report.ts'

/** What QuantLib measured, or why it did not. */
export type QuantLib =
  | { present: true; version: string; calculatorPerSecond: number; portfolioMs: number }
  | { present: false; reason: string }

/** Compiles and runs the program beside this file with Debian's QuantLib, if that is installed. */
export function measureQuantLib(size: {
  accounts: number
  positions: number
  expiries: number
  strikes: number
}): QuantLib {
  if (!existsSync('/usr/include/ql/version.hpp')) {
    return { present: false, reason: 'libquantlib0-dev is not installed' }
  }
  const source = fileURLToPath(new URL('./quantlib.cpp', import.meta.url))
  const folder = join(process.cwd(), '.build', 'bench')
  const program = join(folder, 'quantlib')
  mkdirSync(folder, { recursive: true })
  try {
    progress('compiling the QuantLib program')
    const flags = ['-O3', '-march=native', '-std=c++17', source, '-o', program, '-lQuantLib']
    execFileSync('g++', flags, { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (cause) {
    return { present: false, reason: `g++ failed: ${(cause as Error).message.slice(0, 200)}` }
  }
  progress('measuring QuantLib')
  const words = [size.accounts, size.positions, size.expiries, size.strikes].map(String)
  const text = execFileSync(program, words, { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
  return { present: true, ...(JSON.parse(text) as Omit<QuantLib & { present: true }, 'present'>) }
}
