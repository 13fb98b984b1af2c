import { readFileSync } from 'node:fs'
import type { PortfolioTemplate } from '../../../sdk/risk/backtest/template.ts'
import { RiskError } from '../../../sdk/risk/risk-error.ts'
import { readList, readNumber, readNumberOr, readObject, readWord, refuse } from '../fields.ts'

const TEMPLATES_MAX = 1_000
const LEGS_MAX = 128

/**
 * Reads portfolios from a file of JSON lines: `{"name","options":[{"right","strike","days","size"}],
 * "perpetual"?,"coins"?}`.
 *
 * @throws RiskError naming the line and the rule that it breaks.
 */
export function readTemplates(path: string): PortfolioTemplate[] {
  const lines = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
  if (lines.length === 0) refuse('at least one portfolio', path, 0)
  if (lines.length > TEMPLATES_MAX)
    refuse(`at most ${TEMPLATES_MAX} portfolios`, path, lines.length)
  return lines.map((line, i) => readTemplate(parse(line, `${path} line ${i + 1}`), `line ${i + 1}`))
}

function readTemplate(value: unknown, path: string): PortfolioTemplate {
  const from = readObject(value, path)
  const { name } = from
  if (typeof name !== 'string' || name === '') return refuse('it is a text', `${path}.name`, name)
  const options = readList(from, 'options', path, LEGS_MAX).map((row, i) => {
    const place = `${path}.options[${i}]`
    return {
      right: readWord(row, 'right', ['call', 'put'] as const, place),
      strike: readNumber(row, 'strike', place, { above: 0 }),
      days: readNumber(row, 'days', place, { above: 0, max: 3_650 }),
      size: readNumber(row, 'size', place),
    }
  })
  return {
    name,
    options,
    perpetual: readNumberOr(from, 'perpetual', 0, path),
    coins: readNumberOr(from, 'coins', 0, path, { min: 0 }),
  }
}

function parse(line: string, path: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new RiskError('INVALID_JSON', 'a line is one JSON value', { path, actual: error.message })
  }
}
