import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { LINE_CHARACTERS_MAX, type LineHandler, answerLines } from '../../../cli/risk/json-lines.ts'
import { impliedVolatilityLine, priceLine } from '../../../cli/risk/option-lines.ts'

async function answersTo(chunks: readonly string[], handle: LineHandler) {
  const output = new PassThrough()
  const texts: string[] = []
  output.setEncoding('utf8').on('data', (text: string) => texts.push(text))
  const count = await answerLines(handle, { input: Readable.from(chunks), output })
  const lines = texts.join('').trimEnd().split('\n')
  return { count, answers: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

const price: LineHandler = (value) => priceLine(value, false)
const call = { forward: 1500, strike: 1500, vol: 1, years: 7 / 365, call: true }

test('a price has exactly the fields that are documented, discounted when asked', async () => {
  const lines = [call, { ...call, discount: 0.5, call: false }].map((line) => JSON.stringify(line))
  const { answers } = await answersTo([lines.join('\n')], price)
  expect(Object.keys(answers[0] ?? {})).toEqual([
    ...['price', 'delta', 'gamma', 'vega', 'theta', 'rho'],
  ])
  expect(answers[0]?.['price']).toBeCloseTo(82.805_080_668_634_56, 12)
  expect(answers[1]?.['price']).toBeCloseTo(41.402_540_334_317_28, 12)
  const more = priceLine(call, true)
  expect(Object.keys(more).slice(6)).toEqual(['vanna', 'volga'])
})

test('a volatility comes back from a discounted price, and a price outside its bounds is refused', async () => {
  const option = { forward: 100, strike: 120, years: 0.5, call: false, discount: 0.97 }
  const { price: given } = priceLine({ ...option, vol: 0.8 }, false) as { price: number }
  const prices = [given, 0.97 * 20, 0.97 * 20 - 1e-9, 0.97 * 120]
  const lines = prices.map((figure) => JSON.stringify({ ...option, price: figure })).join('\n')
  const { answers, count } = await answersTo([lines], impliedVolatilityLine)
  expect(answers[0]?.['vol']).toBeCloseTo(0.8, 13)
  expect(answers[1]).toEqual({ vol: 0 })
  const bounds = { code: 'PRICE_OUT_OF_BOUNDS', lowest: 0.97 * 20, highest: 0.97 * 120 }
  expect(answers[2]?.['error']).toMatchObject({ ...bounds, line: 3 })
  expect(answers[3]?.['error']).toMatchObject({ ...bounds, line: 4 })
  expect(count).toEqual({ lines: 4, failed: 2 })
})

test('a volatility at the edge of doubles is a number or an error, never nothing', async () => {
  const lines = [
    { forward: 100, strike: 100, price: 1e-320 },
    { forward: 100, strike: 1e300, price: 1e-300 },
    { forward: 100, strike: 100, price: 99.999_999_999_999_99 },
    { forward: 1e-300, strike: 1e300, price: 1e-310 },
  ].map((option) => JSON.stringify({ ...option, years: 1, call: true }))
  const { answers } = await answersTo([lines.join('\n')], impliedVolatilityLine)
  expect(answers.slice(0, 3).every(({ vol }) => typeof vol === 'number' && vol > 0)).toBe(true)
  expect(answers[3]?.['error']).toMatchObject({ code: 'OUT_OF_RANGE' })
})

test('a bad line gives an error that names field, rule and line, and the stream goes on', async () => {
  const bad = [
    '{"forward":',
    '7',
    JSON.stringify({ ...call, vol: -1 }),
    JSON.stringify({ ...call, strike: 'x' }),
    JSON.stringify({ ...call, call: 1 }),
    '{"forward":1e999,"strike":1,"vol":1,"years":1,"call":true}',
    JSON.stringify({ ...call, forward: 1e-320, strike: 1e-320 }),
  ]
  const text = `${bad.join('\n')}\n\n${JSON.stringify(call)}\n`
  const { answers, count } = await answersTo([text], price)
  const errors = answers.slice(0, -1).map((answer) => answer['error'] as Record<string, unknown>)
  expect(errors.map(({ code }) => code)).toEqual([
    'INVALID_JSON',
    ...Array.from({ length: 5 }, () => 'INVALID_REQUEST'),
    'OUT_OF_RANGE',
  ])
  expect(errors.map(({ path }) => path)).toEqual([
    ...[undefined, 'line', 'vol', 'strike', 'call', 'forward', 'gamma'],
  ])
  expect(errors.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(errors.every(({ rule }) => typeof rule === 'string')).toBe(true)
  expect(answers.at(-1)?.['price']).toBeCloseTo(82.8, 1)
  expect(count).toEqual({ lines: 8, failed: 7 })
})

test('lines may be cut anywhere, and one that is too long is refused once', async () => {
  const line = JSON.stringify(call)
  const long = `"${'x'.repeat(LINE_CHARACTERS_MAX + (3 << 20))}"`
  const text = `${line}\n${long}\n${line}`
  const size = 1 << 20
  const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
    text.slice(i * size, (i + 1) * size),
  )
  const { answers, count } = await answersTo(
    [line.slice(0, 9), line.slice(9), '\n', ...chunks],
    price,
  )
  expect(count).toEqual({ lines: 4, failed: 1 })
  expect(answers[2]?.['error']).toMatchObject({ code: 'TOO_LARGE', line: 3 })
  expect(answers[3]).toEqual(answers[0])
})
