import { readFileSync } from 'node:fs'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { Portfolio, RiskMarket } from '../../../sdk/risk/portfolio.ts'
import type { Scenario } from '../../../sdk/risk/scenarios.ts'

/** One worked portfolio: what goes in and what must come out. */
export type WorkedPortfolio = {
  name: string
  portfolio: Portfolio
  market: RiskMarket
  parameters: RiskParameters
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
    Cash: number
    Collaterals: {
      Amount: number
      Price: number
      Confidence: number
      IsRiskCancelling: boolean
      IMHaircut: number
      MMHaircut: number
    }[]
    SpotPrice: number
    SpotConfidence: number
    NumPerps: number
    PerpPrice: number
    PerpConfidence: number
    UnrealisedPerpPNL: number
    UnrealisedFunding: number
    StablePrice: number
    Options: { Expiry: number; Strike: number; IsCall: number; MarkVol: number; Amount: number }[]
    OptionFeeds: {
      FeedExpiry: number
      Forward: number
      ForwardConfidence: number
      Rate: number
      RateConfidence: number
      OptionVolConfidences: number
    }[]
  }
  Parameters: {
    Scenarios: { SpotShock: number; VolShockDirection: string; DampeningFactor: number }[]
    SkewShock: Record<string, number>
    VolShock: Record<string, number>
    Margin: Record<string, number>
    BasisContingency: Record<string, number>
    OtherContingency: Record<string, number>
  }
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

const UNDERLYING = 1

/** Reads the worked portfolios and puts them into the shapes of `sdk/risk`. */
export function readWorkedPortfolios(path: string): WorkedPortfolio[] {
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Record<string, Case> }
  return Object.entries(cases).map(([name, worked]) => convert(name, worked))
}

function convert(
  name: string,
  { Scenario: given, Parameters: rules, Result }: Case,
): WorkedPortfolio {
  const scenarios = rules.Scenarios.map(scenario)
  return {
    name,
    portfolio: portfolioOf(given),
    market: marketOf(given),
    parameters: parametersOf(rules, given, scenarios),
    expected: {
      initialUsd: Result.IM,
      maintenanceUsd: Result.MM,
      equityUsd: Result.PortfolioMTM,
      basisUsd: Result.ForwardContingency,
      losses: [...Result.reg_losses, ...Result.tail_losses, ...Result.skew_losses].map((row) =>
        Number(row.at(-1)),
      ),
      grossNotionalUsd: grossNotional(given),
    },
  }
}

function scenario(row: Case['Parameters']['Scenarios'][number]): Scenario {
  const { SpotShock: spotFactor, VolShockDirection: direction, DampeningFactor: dampening } = row
  if (direction === 'LINEAR') return { kind: 'skew', shape: 'linear', dampening }
  if (direction === 'ABS') return { kind: 'skew', shape: 'absolute', dampening }
  const kind = Math.abs(spotFactor - 1) > 0.1800001 ? 'tail' : 'regular'
  const volatility = direction.toLowerCase() as 'up' | 'none' | 'down'
  return { kind, spotFactor, volatility, dampening }
}

function portfolioOf(given: Case['Scenario']): Portfolio {
  return {
    cashUsd: given.Cash,
    options: given.Options.map((option) => ({
      underlying: UNDERLYING,
      expiryS: option.Expiry,
      strikeUsd: option.Strike,
      right: option.IsCall === 1 ? 'call' : 'put',
      size: option.Amount,
      volatility: option.MarkVol,
    })),
    perpetuals: [
      {
        underlying: UNDERLYING,
        size: given.NumPerps,
        unsettledUsd: given.UnrealisedPerpPNL + given.UnrealisedFunding,
      },
    ],
    collaterals: given.Collaterals.map(({ Amount: amount }, i) => ({ asset: i + 1, amount })),
  }
}

function marketOf(given: Case['Scenario']): RiskMarket {
  return {
    stableUsd: given.StablePrice,
    underlyings: [
      {
        underlying: UNDERLYING,
        spotUsd: given.SpotPrice,
        spotConfidence: given.SpotConfidence,
        perpetual: { priceUsd: given.PerpPrice, confidence: given.PerpConfidence },
        expiries: given.OptionFeeds.map((feed) => ({
          expiryS: feed.FeedExpiry,
          secondsToExpiry: feed.FeedExpiry,
          forwardUsd: feed.Forward,
          ratePerYear: feed.Rate,
          forwardConfidence: feed.ForwardConfidence,
          rateConfidence: feed.RateConfidence,
          volatilityConfidence: feed.OptionVolConfidences,
        })),
      },
    ],
    collaterals: given.Collaterals.map(({ Price: priceUsd, Confidence: confidence }, i) => ({
      asset: i + 1,
      priceUsd,
      confidence,
    })),
  }
}

function parametersOf(
  { SkewShock: skew, VolShock: vol, Margin: margin, ...rest }: Case['Parameters'],
  given: Case['Scenario'],
  scenarios: Scenario[],
): RiskParameters {
  const { BasisContingency: basis, OtherContingency: other } = rest
  const read = (table: Record<string, number>, key: string): number => {
    const value = table[key]
    if (value === undefined) throw new Error(`${key} is missing`)
    return value
  }
  return {
    version: 1,
    scenarios,
    volatilityShock: {
      up: read(vol, 'VOLRANGEUP'),
      down: read(vol, 'VOLRANGEDOWN'),
      floor: read(vol, 'MIN_VOL_EVAL_SHOCKED'),
      shortPower: read(vol, 'SHORTTERMPOWER'),
      longPower: read(vol, 'LONGTERMPOWER'),
      daysMin: read(vol, 'DTE_FLOOR'),
    },
    skew: {
      linear: { base: read(skew, 'LINEAR_SCALE_CAP'), perRootYear: read(skew, 'LINEAR_CBASE') },
      absolute: { base: read(skew, 'ABS_SCALE_CAP'), perRootYear: read(skew, 'ABS_CBASE') },
      widthMin: read(skew, 'MIN_K_STAR'),
      widthScale: read(skew, 'MIN_WIDTH_SCALE'),
      volatility: read(skew, 'VOL_PARAM_STATIC'),
      volatilityPerRootYear: read(skew, 'VOL_PARAM_SCALE'),
    },
    staticDiscount: {
      positiveBase: read(margin, 'BASE_STATIC_DISCOUNT'),
      positiveRateScale: read(margin, 'LONG_RATE_MULTSCALE'),
      positiveRateAdd: read(margin, 'LONG_RATE_ADDSCALE'),
      negativeBase: read(margin, 'BASE_STATIC_DISCOUNT_NEG'),
      negativeRateScale: read(margin, 'SHORT_RATE_MULTSCALE'),
      negativeRateAdd: read(margin, 'SHORT_RATE_ADDSCALE'),
    },
    basis: {
      factorUp: read(basis, 'SCENARIO_SPOT_UP'),
      factorDown: read(basis, 'SCENARIO_SPOT_DOWN'),
      add: read(basis, 'BASIS_CONT_ADD_FACTOR'),
      perYear: read(basis, 'BASIS_CONT_MULT_FACTOR'),
    },
    lossFactor: {
      maintenance: read(margin, 'MM_LOSS_FACTOR'),
      initial: read(margin, 'IM_LOSS_FACTOR'),
    },
    peg: { threshold: read(other, 'PEG_LOSS_THRESHOLD'), factor: read(other, 'PEG_LOSS_FACTOR') },
    confidence: { threshold: read(other, 'CONF_THRESHOLD'), factor: read(other, 'CONF_MARGIN') },
    perpetual: {
      maintenance: read(other, 'MM_PERP_PERCENT'),
      initialExtra: read(other, 'IM_PERP_PERCENT'),
    },
    nakedShort: {
      maintenance: read(other, 'MM_OPTION_PERCENT'),
      initialExtra: read(other, 'IM_OPTION_PERCENT'),
    },
    collaterals: given.Collaterals.map((collateral, i) => ({
      asset: i + 1,
      underlying: UNDERLYING,
      cancelsRisk: collateral.IsRiskCancelling,
      maintenance: collateral.MMHaircut,
      initialExtra: collateral.IMHaircut,
    })),
  }
}

function grossNotional(given: Case['Scenario']): number {
  const contracts = given.Options.reduce((sum, { Amount }) => sum + Math.abs(Amount), 0)
  const collateral = given.Collaterals.reduce(
    (sum, { Amount, Price }) => sum + Math.abs(Amount) * Price,
    0,
  )
  return (contracts + Math.abs(given.NumPerps)) * given.SpotPrice + collateral
}
