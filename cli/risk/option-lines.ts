import { type BlackInputs, priceOption } from '../../sdk/risk/black76.ts'
import { greeks } from '../../sdk/risk/greeks.ts'
import { logarithm } from '../../sdk/risk/numeric/logarithm.ts'
import { RiskError } from '../../sdk/risk/risk-error.ts'
import { volatilityFromPrice } from '../../sdk/risk/volatility-from-price.ts'
import { type JsonObject, readBoolean, readNumber, readNumberOr, readObject } from './fields.ts'

const NOT_NEGATIVE = { min: 0 }
const POSITIVE = { above: 0 }

/**
 * Answers a line of `tandem risk price`: the price of an option and its Greeks.
 *
 * The rate behind theta is the one that the discount implies over the time left.
 *
 * @param more - Adds vanna and volga.
 */
export function priceLine(value: unknown, more: boolean): object {
  const from = readObject(value, 'line')
  const inputs = { ...readOption(from), volatility: readNumber(from, 'vol', '', NOT_NEGATIVE) }
  const rate = inputs.years > 0 ? -logarithm(inputs.discount) / inputs.years : 0
  const price = priceOption(inputs)
  const { delta, gamma, vega, theta, rho, vanna, volga } = greeks(inputs, rate)
  const answer = { price, delta, gamma, vega, theta, rho }
  const all = more ? { ...answer, vanna, volga } : answer
  for (const [name, figure] of Object.entries(all)) {
    if (Number.isFinite(figure)) continue
    const rule = 'the result is within the range of a double'
    throw new RiskError('OUT_OF_RANGE', rule, { path: name, actual: String(figure) })
  }
  return all
}

/** Answers a line of `tandem risk iv`: the volatility that a price implies. */
export function impliedVolatilityLine(value: unknown): object {
  const from = readObject(value, 'line')
  const option = readOption(from)
  readNumber(from, 'forward', '', POSITIVE)
  readNumber(from, 'strike', '', POSITIVE)
  readNumber(from, 'years', '', POSITIVE)
  return { vol: volatilityFromPrice({ ...option, priceUsd: readNumber(from, 'price') }) }
}

/** An expiry that has passed is one without time: the option is worth its payoff. */
function readOption(from: JsonObject): Omit<BlackInputs, 'volatility'> {
  return {
    right: readBoolean(from, 'call') ? 'call' : 'put',
    forwardUsd: readNumber(from, 'forward', '', NOT_NEGATIVE),
    strikeUsd: readNumber(from, 'strike', '', NOT_NEGATIVE),
    years: Math.max(readNumber(from, 'years'), 0),
    discount: readNumberOr(from, 'discount', 1, '', POSITIVE),
  }
}
