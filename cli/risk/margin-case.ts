import { LIMITS } from '../../sdk/protocol/limits.ts'
import { BASE_PARAMETERS, type RiskParameters, parametersFault } from '../../sdk/risk/parameters.ts'
import type {
  ExpiryMarket,
  Portfolio,
  RiskMarket,
  UnderlyingMarket,
} from '../../sdk/risk/portfolio.ts'
import { RiskError } from '../../sdk/risk/risk-error.ts'
import { type SviSlice, sviFault } from '../../sdk/risk/svi.ts'
import {
  type JsonObject,
  join,
  readBoolean,
  readList,
  readNumber,
  readNumberOr,
  readObject,
  readWord,
} from './fields.ts'
import { readExtensions } from './extension-fields.ts'
import { overlay } from './overlay.ts'

/** A portfolio, its market and the rules that it is margined by. */
export type MarginCase = {
  portfolio: Portfolio
  market: RiskMarket
  parameters: RiskParameters
  /** What the case itself calls its scenarios. */
  scenarioNames?: readonly string[] | undefined
}

const NOT_NEGATIVE = { min: 0 }
const POSITIVE = { above: 0 }
const SHARE = { min: 0, max: 1 }
const IDS = { min: 0, max: 65_535 }
const UNDERLYINGS_MAX = 256
const EXPIRIES_MAX = 256

/**
 * Reads a portfolio, a market and changes of the parameters in the field names of `tandem/risk`.
 *
 * @throws RiskError `INVALID_REQUEST` naming the field and the rule that it breaks.
 */
export function readMarginCase(value: unknown): MarginCase {
  const from = readObject(value, 'line')
  const portfolio = readPortfolio(readObject(from['portfolio'], 'portfolio'))
  const market = readMarket(readObject(from['market'], 'market'))
  const parameters = readParameters(from['parameters'])
  return { portfolio, market, parameters }
}

function readPortfolio(from: JsonObject): Portfolio {
  const most = LIMITS.positionsPerAccount
  return {
    cashUsd: readNumberOr(from, 'cashUsd', 0, 'portfolio'),
    options: readList(from, 'options', 'portfolio', most).map((row, i) => {
      const path = `portfolio.options[${i}]`
      const volatility = row['volatility']
      return {
        underlying: readNumber(row, 'underlying', path, IDS),
        expiryS: readNumber(row, 'expiryS', path),
        strikeUsd: readNumber(row, 'strikeUsd', path, NOT_NEGATIVE),
        right: readWord(row, 'right', ['call', 'put'] as const, path),
        size: readNumber(row, 'size', path),
        volatility:
          volatility === undefined ? undefined : readNumber(row, 'volatility', path, NOT_NEGATIVE),
      }
    }),
    perpetuals: readList(from, 'perpetuals', 'portfolio', most).map((row, i) => ({
      underlying: readNumber(row, 'underlying', `portfolio.perpetuals[${i}]`, IDS),
      size: readNumber(row, 'size', `portfolio.perpetuals[${i}]`),
      unsettledUsd: readNumberOr(row, 'unsettledUsd', 0, `portfolio.perpetuals[${i}]`),
    })),
    collaterals: readList(from, 'collaterals', 'portfolio', most).map((row, i) => ({
      asset: readNumber(row, 'asset', `portfolio.collaterals[${i}]`, IDS),
      amount: readNumber(row, 'amount', `portfolio.collaterals[${i}]`, NOT_NEGATIVE),
    })),
  }
}

function readMarket(from: JsonObject): RiskMarket {
  return {
    stableUsd: readNumberOr(from, 'stableUsd', 1, 'market', POSITIVE),
    underlyings: readList(from, 'underlyings', 'market', UNDERLYINGS_MAX).map(readUnderlying),
    collaterals: readList(from, 'collaterals', 'market', UNDERLYINGS_MAX).map((row, i) => {
      const path = `market.collaterals[${i}]`
      return {
        asset: readNumber(row, 'asset', path, IDS),
        priceUsd: readNumber(row, 'priceUsd', path, NOT_NEGATIVE),
        confidence: readNumberOr(row, 'confidence', 1, path, SHARE),
      }
    }),
  }
}

function readUnderlying(from: JsonObject, i: number): UnderlyingMarket {
  const path = `market.underlyings[${i}]`
  const given = from['perpetual']
  const perpetual = given === undefined ? undefined : readObject(given, join(path, 'perpetual'))
  return {
    underlying: readNumber(from, 'underlying', path, IDS),
    spotUsd: readNumber(from, 'spotUsd', path, POSITIVE),
    spotConfidence: readNumberOr(from, 'spotConfidence', 1, path, SHARE),
    perpetual: perpetual && {
      priceUsd: readNumber(perpetual, 'priceUsd', join(path, 'perpetual'), POSITIVE),
      confidence: readNumberOr(perpetual, 'confidence', 1, join(path, 'perpetual'), SHARE),
    },
    expiries: readList(from, 'expiries', path, EXPIRIES_MAX).map((row, k) =>
      readExpiry(row, `${path}.expiries[${k}]`),
    ),
  }
}

function readExpiry(from: JsonObject, path: string): ExpiryMarket {
  const optional = (name: string): number | undefined =>
    from[name] === undefined ? undefined : readNumber(from, name, path, NOT_NEGATIVE)
  return {
    expiryS: readNumber(from, 'expiryS', path),
    secondsToExpiry: readNumber(from, 'secondsToExpiry', path),
    forwardUsd: readNumber(from, 'forwardUsd', path, NOT_NEGATIVE),
    averageSoFarUsd: optional('averageSoFarUsd'),
    settlementUsd: optional('settlementUsd'),
    ratePerYear: readNumberOr(from, 'ratePerYear', 0, path),
    forwardConfidence: readNumberOr(from, 'forwardConfidence', 1, path, SHARE),
    rateConfidence: readNumberOr(from, 'rateConfidence', 1, path, SHARE),
    volatilityConfidence: readNumberOr(from, 'volatilityConfidence', 1, path, SHARE),
    surface: from['surface'] === undefined ? undefined : readSurface(from, path),
  }
}

function readSurface(from: JsonObject, path: string): SviSlice {
  const place = join(path, 'surface')
  const row = readObject(from['surface'], place)
  const number = (name: string): number => readNumber(row, name, place)
  const slice = {
    a: number('a'),
    b: number('b'),
    rho: number('rho'),
    m: number('m'),
    s: number('s'),
    years: number('years'),
  }
  const fault = sviFault(slice)
  if (fault !== undefined) throw new RiskError('INVALID_REQUEST', fault, { path: place })
  return slice
}

/** Changes of the parameters of version 1; collaterals are listed whole. */
function readParameters(value: unknown): RiskParameters {
  const from = value === undefined ? {} : readObject(value, 'parameters')
  const { collaterals: listed, extensions, ...changes } = from
  const rows = readList({ listed }, 'listed', 'parameters.collaterals', UNDERLYINGS_MAX)
  const parameters: RiskParameters = {
    ...overlay(BASE_PARAMETERS, changes, 'parameters'),
    version: 1,
    extensions: extensions === undefined ? undefined : readExtensions(extensions),
    collaterals: rows.map((row, i) => {
      const path = `parameters.collaterals[${i}]`
      return {
        asset: readNumber(row, 'asset', path, IDS),
        underlying:
          row['underlying'] === undefined ? undefined : readNumber(row, 'underlying', path, IDS),
        cancelsRisk: readBoolean(row, 'cancelsRisk', path),
        maintenance: readNumber(row, 'maintenance', path, NOT_NEGATIVE),
        initialExtra: readNumber(row, 'initialExtra', path, NOT_NEGATIVE),
      }
    }),
  }
  const fault = parametersFault(parameters)
  if (fault !== undefined) throw new RiskError('INVALID_REQUEST', fault, { path: 'parameters' })
  return parameters
}
