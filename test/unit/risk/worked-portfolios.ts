import { readFileSync } from 'node:fs'
import type { MarginCase } from '../../../cli/risk/margin-case.ts'
import { readPm2Case } from '../../../cli/risk/pm2.ts'

/** One worked portfolio: what goes in and what must come out. */
export type WorkedPortfolio = MarginCase & {
  name: string
  /** The case as the file has it, without its result. */
  given: { Scenario: object; Parameters: object }
  /** Figures of the source, USD; scenario losses in the order of the parameters' scenarios. */
  expected: {
    initialUsd: number
    maintenanceUsd: number
    equityUsd: number
    basisUsd: number
    losses: number[]
    grossNotionalUsd: number
  }
}

type Case = {
  Scenario: {
    Collaterals: { Amount: number; Price: number }[]
    SpotPrice: number
    NumPerps: number
    Options: { Amount: number }[]
  }
  Parameters: object
  Result: {
    IM: number
    MM: number
    PortfolioMTM: number
    ForwardContingency: number
    reg_losses: [[string | number, number], string | number][]
    tail_losses: [[string | number, number], string | number][]
    skew_losses: [string, string | number][]
  }
}

/** Reads the worked portfolios and puts them into the shapes of `sdk/risk`. */
export function readWorkedPortfolios(path: string): WorkedPortfolio[] {
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Record<string, Case> }
  return Object.entries(cases).map(([name, { Result, ...given }]) => ({
    name,
    given,
    ...readPm2Case(given),
    expected: {
      initialUsd: Result.IM,
      maintenanceUsd: Result.MM,
      equityUsd: Result.PortfolioMTM,
      basisUsd: Result.ForwardContingency,
      losses: [...Result.reg_losses, ...Result.tail_losses, ...Result.skew_losses].map((row) =>
        Number(row.at(-1)),
      ),
      grossNotionalUsd: grossNotional(given.Scenario),
    },
  }))
}

function grossNotional(given: Case['Scenario']): number {
  const contracts = given.Options.reduce((sum, { Amount }) => sum + Math.abs(Amount), 0)
  const collateral = given.Collaterals.reduce(
    (sum, { Amount, Price }) => sum + Math.abs(Amount) * Price,
    0,
  )
  return (contracts + Math.abs(given.NumPerps)) * given.SpotPrice + collateral
}
