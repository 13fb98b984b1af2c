import type { AssetId, UnderlyingId } from '../../sdk/protocol/ids.ts'
import type { RiskParameters } from '../../sdk/risk/parameters.ts'
import type { Portfolio, RiskMarket } from '../../sdk/risk/portfolio.ts'
import type { Scenario } from '../../sdk/risk/scenarios.ts'
import {
  type JsonObject,
  join,
  readList,
  readNumber,
  readNumberOr,
  readObject,
  refuse,
} from './fields.ts'
import type { MarginCase } from './margin-case.ts'

const UNDERLYING: UnderlyingId = 1
const POSITIONS_MAX = 4096
/** 255 stands for the basis contingency. */
const SCENARIOS_MAX = 254
/** Beyond this move of spot a scenario is a tail, give or take the last digits of 1.18 and 0.82. */
const REGULAR_MOVE_MAX = 0.180_000_1

const NOT_NEGATIVE = { min: 0 }
const POSITIVE = { above: 0 }
const SHARE = { min: 0, max: 1 }

/**
 * Reads a worked case of Derive's PM2 portfolios: its `Scenario` and `Parameters`; a `Result` and
 * fields that the margin does not need are ignored.
 *
 * @throws RiskError `INVALID_REQUEST` naming the field and the rule that it breaks.
 */
export function readPm2Case(value: unknown): MarginCase {
  const from = readObject(value, 'line')
  const given = readObject(from['Scenario'], 'Scenario')
  const rules = readObject(from['Parameters'], 'Parameters')
  const rows = readList(rules, 'Scenarios', 'Parameters', SCENARIOS_MAX)
  const collaterals = readList(given, 'Collaterals', 'Scenario', POSITIONS_MAX)
  if (rows.length === 0) refuse('at least one scenario', 'Parameters.Scenarios', rows)
  return {
    portfolio: readPortfolio(given, collaterals),
    market: readMarket(given, collaterals),
    parameters: {
      version: 1,
      scenarios: rows.map((row, i) => readScenario(row, `Parameters.Scenarios[${i}]`)),
      ...readParameters(rules),
      collaterals: collaterals.map((row, i) => ({
        asset: assetOf(i),
        underlying: UNDERLYING,
        cancelsRisk: flag(row, 'IsRiskCancelling', place('Collaterals', i)),
        maintenance: readNumber(row, 'MMHaircut', place('Collaterals', i), NOT_NEGATIVE),
        initialExtra: readNumber(row, 'IMHaircut', place('Collaterals', i), NOT_NEGATIVE),
      })),
    },
    scenarioNames: rows.map(
      (row) => `${String(row['SpotShock'])} ${String(row['VolShockDirection'])}`,
    ),
  }
}

function readPortfolio(given: JsonObject, collaterals: readonly JsonObject[]): Portfolio {
  const number = (name: string): number => readNumberOr(given, name, 0, 'Scenario')
  const size = number('NumPerps')
  const unsettledUsd = number('UnrealisedPerpPNL') + number('UnrealisedFunding')
  return {
    cashUsd: number('Cash'),
    options: readList(given, 'Options', 'Scenario', POSITIONS_MAX).map((row, i) => {
      const path = place('Options', i)
      return {
        underlying: UNDERLYING,
        expiryS: readNumber(row, 'Expiry', path),
        strikeUsd: readNumber(row, 'Strike', path, NOT_NEGATIVE),
        right: flag(row, 'IsCall', path) ? ('call' as const) : ('put' as const),
        size: readNumber(row, 'Amount', path),
        volatility: readNumber(row, 'MarkVol', path, NOT_NEGATIVE),
      }
    }),
    perpetuals: [{ underlying: UNDERLYING, size, unsettledUsd }],
    collaterals: collaterals.map((row, i) => ({
      asset: assetOf(i),
      amount: readNumber(row, 'Amount', place('Collaterals', i), NOT_NEGATIVE),
    })),
  }
}

function readMarket(given: JsonObject, collaterals: readonly JsonObject[]): RiskMarket {
  return {
    stableUsd: readNumberOr(given, 'StablePrice', 1, 'Scenario', POSITIVE),
    underlyings: [
      {
        underlying: UNDERLYING,
        spotUsd: readNumber(given, 'SpotPrice', 'Scenario', POSITIVE),
        spotConfidence: readNumberOr(given, 'SpotConfidence', 1, 'Scenario', SHARE),
        perpetual: {
          priceUsd: readNumberOr(given, 'PerpPrice', 0, 'Scenario', NOT_NEGATIVE),
          confidence: readNumberOr(given, 'PerpConfidence', 1, 'Scenario', SHARE),
        },
        expiries: readList(given, 'OptionFeeds', 'Scenario', POSITIONS_MAX).map((row, i) => {
          const path = place('OptionFeeds', i)
          // An expiry is given as the seconds that it is away.
          const seconds = readNumber(row, 'FeedExpiry', path)
          return {
            expiryS: seconds,
            secondsToExpiry: seconds,
            forwardUsd: readNumber(row, 'Forward', path, NOT_NEGATIVE),
            ratePerYear: readNumberOr(row, 'Rate', 0, path),
            forwardConfidence: readNumberOr(row, 'ForwardConfidence', 1, path, SHARE),
            rateConfidence: readNumberOr(row, 'RateConfidence', 1, path, SHARE),
            volatilityConfidence: readNumberOr(row, 'OptionVolConfidences', 1, path, SHARE),
          }
        }),
      },
    ],
    collaterals: collaterals.map((row, i) => ({
      asset: assetOf(i),
      priceUsd: readNumber(row, 'Price', place('Collaterals', i), NOT_NEGATIVE),
      confidence: readNumberOr(row, 'Confidence', 1, place('Collaterals', i), SHARE),
    })),
  }
}

function readScenario(row: JsonObject, path: string): Scenario {
  const dampening = readNumber(row, 'DampeningFactor', path, NOT_NEGATIVE)
  const direction = String(row['VolShockDirection']).toLowerCase()
  if (direction === 'linear') return { kind: 'skew', shape: 'linear', dampening }
  if (direction === 'abs') return { kind: 'skew', shape: 'absolute', dampening }
  const spotFactor = readNumber(row, 'SpotShock', path, NOT_NEGATIVE)
  const kind = Math.abs(spotFactor - 1) > REGULAR_MOVE_MAX ? 'tail' : 'regular'
  if (direction === 'up' || direction === 'none' || direction === 'down') {
    return { kind, spotFactor, volatility: direction, dampening }
  }
  const rule = 'one of Up, None, Down, LINEAR, ABS'
  return refuse(rule, join(path, 'VolShockDirection'), row['VolShockDirection'])
}

type Rules = Omit<RiskParameters, 'version' | 'scenarios' | 'collaterals'>

function readParameters(rules: JsonObject): Rules {
  const table = (name: string): ((key: string) => number) => {
    const path = join('Parameters', name)
    const from = readObject(rules[name], path)
    return (key) => readNumber(from, key, path)
  }
  const [vol, skew] = [table('VolShock'), table('SkewShock')]
  const [margin, basis, other] = ['Margin', 'BasisContingency', 'OtherContingency'].map(table) as [
    typeof vol,
    typeof vol,
    typeof vol,
  ]
  return {
    volatilityShock: {
      up: vol('VOLRANGEUP'),
      down: vol('VOLRANGEDOWN'),
      floor: vol('MIN_VOL_EVAL_SHOCKED'),
      shortPower: vol('SHORTTERMPOWER'),
      longPower: vol('LONGTERMPOWER'),
      daysMin: vol('DTE_FLOOR'),
    },
    skew: {
      linear: { base: skew('LINEAR_SCALE_CAP'), perRootYear: skew('LINEAR_CBASE') },
      absolute: { base: skew('ABS_SCALE_CAP'), perRootYear: skew('ABS_CBASE') },
      widthMin: skew('MIN_K_STAR'),
      widthScale: skew('MIN_WIDTH_SCALE'),
      volatility: skew('VOL_PARAM_STATIC'),
      volatilityPerRootYear: skew('VOL_PARAM_SCALE'),
    },
    staticDiscount: {
      positiveBase: margin('BASE_STATIC_DISCOUNT'),
      positiveRateScale: margin('LONG_RATE_MULTSCALE'),
      positiveRateAdd: margin('LONG_RATE_ADDSCALE'),
      negativeBase: margin('BASE_STATIC_DISCOUNT_NEG'),
      negativeRateScale: margin('SHORT_RATE_MULTSCALE'),
      negativeRateAdd: margin('SHORT_RATE_ADDSCALE'),
    },
    basis: {
      factorUp: basis('SCENARIO_SPOT_UP'),
      factorDown: basis('SCENARIO_SPOT_DOWN'),
      add: basis('BASIS_CONT_ADD_FACTOR'),
      perYear: basis('BASIS_CONT_MULT_FACTOR'),
    },
    lossFactor: { maintenance: margin('MM_LOSS_FACTOR'), initial: margin('IM_LOSS_FACTOR') },
    peg: { threshold: other('PEG_LOSS_THRESHOLD'), factor: other('PEG_LOSS_FACTOR') },
    confidence: { threshold: other('CONF_THRESHOLD'), factor: other('CONF_MARGIN') },
    perpetual: { maintenance: other('MM_PERP_PERCENT'), initialExtra: other('IM_PERP_PERCENT') },
    nakedShort: {
      maintenance: other('MM_OPTION_PERCENT'),
      initialExtra: other('IM_OPTION_PERCENT'),
    },
  }
}

/** The cases write true and false as such or as 1 and 0. */
function flag(from: JsonObject, name: string, path: string): boolean {
  const value = from[name]
  if (value === true || value === 1) return true
  if (value === false || value === 0) return false
  return refuse('it is true, false, 1 or 0', join(path, name), value)
}

function place(name: string, i: number): string {
  return `Scenario.${name}[${i}]`
}

function assetOf(i: number): AssetId {
  return i + 1
}
