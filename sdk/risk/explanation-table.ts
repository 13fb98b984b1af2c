import type { LiquidationState } from './liquidation.ts'
import type { ExplanationRow, MarginExplanation } from './explain.ts'

const NAME_WIDTH = 58
const USD_WIDTH = 18
const SCENARIOS_SHOWN = 5

/**
 * Sets an explanation as one table for people: what equity is made of, what the initial and the
 * maintenance requirement take from it, and the scenarios that come nearest to binding.
 *
 * @returns Lines of at most 96 characters, without a line break at the end; dollars with cents.
 */
export function explanationTable(explanation: MarginExplanation, state: LiquidationState): string {
  const maintenance = [...explanation.maintenance]
  const lines = [heading('', 'initial', 'maintenance')]
  for (const { name, usd } of explanation.initial) {
    const at = maintenance.findIndex((row) => stem(row.name) === stem(name))
    const [other] = at < 0 ? [] : maintenance.splice(at, 1)
    lines.push(row(stem(name), usd, other?.usd ?? 0))
  }
  for (const { name, usd } of maintenance) lines.push(row(stem(name), 0, usd))
  const balances = [explanation.initialUsd, explanation.maintenanceUsd] as const
  lines.push(row(`left over: ${state}`, ...balances))
  for (const book of explanation.books) {
    if (book.underlying === undefined) continue
    lines.push('', `underlying ${book.underlying}: nearest scenarios, profit or loss in USD`)
    for (const { name, pnlUsd, index } of book.scenarios.slice(0, SCENARIOS_SHOWN)) {
      const binds = index === book.binding.index && pnlUsd < 0 ? ' ← binds' : ''
      lines.push(`  ${pad(name, NAME_WIDTH - 2)}${usdText(pnlUsd)}${binds}`)
    }
  }
  return lines.join('\n')
}

/** Without the factor on a loss, which differs between the two, and the scenario, which stands below. */
function stem(name: ExplanationRow['name']): string {
  return name.replace(/ × [\d.e+-]+$/, '').replace(/ \(.*\)$/, '')
}

function heading(name: string, first: string, second: string): string {
  return pad(name, NAME_WIDTH) + first.padStart(USD_WIDTH) + second.padStart(USD_WIDTH)
}

function row(name: string, initialUsd: number, maintenanceUsd: number): string {
  return pad(name, NAME_WIDTH) + usdText(initialUsd) + usdText(maintenanceUsd)
}

function pad(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}

/** Dollars with cents and groups of three, without the locale of the machine. */
function usdText(usd: number): string {
  const [whole = '', cents = ''] = Math.abs(usd).toFixed(2).split('.')
  const grouped = whole.replaceAll(/(?<=\d)(?=(\d{3})+$)/g, ',')
  const sign = usd < 0 && Number(usd.toFixed(2)) !== 0 ? '−' : ''
  return `${sign}${grouped}.${cents}`.padStart(USD_WIDTH)
}
