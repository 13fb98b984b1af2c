import type { UnderlyingId } from '../protocol/ids.ts'
import type { BookMargin, Margin } from './margin.ts'
import type { RiskParameters } from './parameters.ts'
import { BASIS_INDEX, scenarioName } from './scenarios.ts'

/** One line of an explanation: what it is and what it adds to the balance, USD, signed. */
export type ExplanationRow = { name: string; usd: number }

/** Why an account's margin is what it is. */
export type MarginExplanation = {
  /** Per underlying: the scenario that binds, and every scenario from worst to best. */
  books: readonly BookExplanation[]
  /** From equity to I: the rows add up to `initialUsd`. */
  initial: readonly ExplanationRow[]
  /** From equity to M: the rows add up to `maintenanceUsd`. */
  maintenance: readonly ExplanationRow[]
  initialUsd: number
  maintenanceUsd: number
  /** What must come in before risk may be added, USD, ≥ 0. */
  initialShortfallUsd: number
}

/** The scenarios of one underlying. */
export type BookExplanation = {
  underlying: UnderlyingId | undefined
  binding: { index: number; name: string; lossUsd: number }
  /** Every scenario and the basis contingency, worst first. */
  scenarios: readonly { index: number; name: string; pnlUsd: number }[]
}

/** Explains a margin: which scenario binds, and how equity becomes I and M, line by line. */
export function explainMargin(margin: Margin, parameters: RiskParameters): MarginExplanation {
  const start: ExplanationRow[] = [
    { name: 'cash', usd: margin.cashUsd },
    { name: 'options and unsettled profit', usd: margin.positionsUsd },
    { name: 'collateral', usd: margin.collateralUsd },
  ]
  const rows = (which: Which): ExplanationRow[] => [
    ...start,
    ...margin.books.flatMap((book) => bookRows(book, margin, parameters, which)),
    {
      name: `offset between underlyings × ${lossFactorOf(margin, parameters, which)}`,
      usd: lossFactorOf(margin, parameters, which) * margin.offsetUsd,
    },
    { name: 'floor on notional', usd: -margin.floorUsd[which] },
  ]
  return {
    books: margin.books.map(explainBook),
    initial: withoutZeros(rows('initial')),
    maintenance: withoutZeros(rows('maintenance')),
    initialUsd: margin.initialUsd,
    maintenanceUsd: margin.maintenanceUsd,
    initialShortfallUsd: Math.max(0, -margin.initialUsd),
  }
}

/** Names the scenario of an index, or the basis contingency. */
export function bindingName(index: number, parameters: RiskParameters): string {
  if (index === BASIS_INDEX) return BASIS_NAME
  const scenario = parameters.scenarios[index]
  return scenario === undefined ? `scenario ${index}` : scenarioName(scenario)
}

type Which = 'initial' | 'maintenance'

const BASIS_NAME = 'forwards against spot'

function explainBook(book: BookMargin): BookExplanation {
  const scenarios = book.scenarios.map(({ scenario, pnlUsd }, index) => ({
    index,
    name: scenarioName(scenario),
    pnlUsd,
  }))
  scenarios.push({ index: BASIS_INDEX, name: BASIS_NAME, pnlUsd: book.basisUsd })
  const name = scenarios.find((row) => row.index === book.worstIndex)?.name ?? BASIS_NAME
  return {
    underlying: book.underlying,
    binding: { index: book.worstIndex, name, lossUsd: book.worstLossUsd },
    scenarios: scenarios.toSorted((a, b) => a.pnlUsd - b.pnlUsd || a.index - b.index),
  }
}

function lossFactorOf(margin: Margin, parameters: RiskParameters, which: Which): number {
  return which === 'initial' ? margin.initialLossFactor : parameters.lossFactor.maintenance
}

function bookRows(
  book: BookMargin,
  margin: Margin,
  parameters: RiskParameters,
  which: Which,
): ExplanationRow[] {
  const { contingencies: charges, extensions, worstIndex } = book
  const initial = which === 'initial'
  const factor = lossFactorOf(margin, parameters, which)
  const extra = (usd: number): number => (initial ? usd : 0)
  const of = book.underlying === undefined ? '' : ` on underlying ${book.underlying}`
  const binding = bindingName(worstIndex, parameters)
  return [
    { name: `worst scenario${of} (${binding}) × ${factor}`, usd: -factor * book.worstLossUsd },
    {
      name: `perpetuals${of}`,
      usd: -(charges.perpetualMaintenanceUsd + extra(charges.perpetualInitialUsd)),
    },
    {
      name: `naked short options${of}`,
      usd: -(charges.nakedShortMaintenanceUsd + extra(charges.nakedShortInitialUsd)),
    },
    {
      name: `haircut of collateral${of}`,
      usd: -(charges.collateralMaintenanceUsd + extra(charges.collateralInitialUsd)),
    },
    { name: `marks of low confidence${of}`, usd: -extra(charges.confidenceUsd) },
    { name: `rolling of perpetuals${of} × ${factor}`, usd: -factor * extensions.rollUsd },
    { name: `age of the hub's view${of}`, usd: -extra(extensions.latencyUsd) },
    { name: `size of the delta${of}`, usd: -extra(extensions.sizeUsd) },
  ]
}

function withoutZeros(rows: readonly ExplanationRow[]): ExplanationRow[] {
  return rows.filter((row) => row.usd !== 0)
}
