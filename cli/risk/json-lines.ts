import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { RiskError } from '../../sdk/risk/risk-error.ts'

/** Turns the value of one line into the value, or the finished text, that answers it. */
export type LineHandler = (value: unknown) => object | string

/** How many lines were answered, and how many of them with an error. */
export type LineCount = { lines: number; failed: number }

/** A line is at most this many characters. */
export const LINE_CHARACTERS_MAX = 16 * 1024 * 1024
const BATCH_CHARACTERS = 1 << 16

/**
 * Answers every line of a stream, in order: one line of JSON in, one line of JSON out.
 *
 * A line that is refused gives `{"error":{…}}` and the stream goes on. Empty lines are skipped. At
 * most one batch of answers is held in memory: a slow reader slows the work.
 */
export async function answerLines(
  handle: LineHandler,
  streams: { input: Readable; output: Writable },
): Promise<LineCount> {
  const { input, output } = streams
  const count = { lines: 0, failed: 0 }
  let batch = ''
  let number = 0
  let rest = ''
  let overlong = false
  const add = ({ text, failed }: Answer): void => {
    count.lines += 1
    if (failed) count.failed += 1
    batch += `${text}\n`
  }
  const endLine = (text: string): void => {
    number += 1
    // What follows the refused part of a line that is too long belongs to it.
    if (!overlong && text.trim() !== '') add(answerTo(text, handle, number))
    overlong = false
  }
  input.setEncoding('utf8')
  for await (const chunk of input) {
    const text = rest + (chunk as string)
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      endLine(text.slice(from, end))
      from = end + 1
      if (batch.length > BATCH_CHARACTERS) batch = await write(output, batch)
    }
    rest = text.slice(from)
    if (rest.length > LINE_CHARACTERS_MAX) {
      if (!overlong) add(refusal(lineTooLong(rest.length), number + 1))
      overlong = true
    }
    if (overlong) rest = ''
    batch = await write(output, batch)
  }
  endLine(rest)
  await write(output, batch)
  return count
}

type Answer = { text: string; failed: boolean }

async function write(output: Writable, batch: string): Promise<''> {
  if (batch !== '' && !output.write(batch)) await once(output, 'drain')
  return ''
}

function answerTo(text: string, handle: LineHandler, line: number): Answer {
  try {
    if (text.length > LINE_CHARACTERS_MAX) throw lineTooLong(text.length)
    const result = handle(parse(text))
    return { text: typeof result === 'string' ? result : JSON.stringify(result), failed: false }
  } catch (error) {
    if (error instanceof RiskError) return refusal(error, line)
    throw error
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new RiskError('INVALID_JSON', 'a line is one JSON value', { actual: error.message })
  }
}

function refusal({ code, rule, values }: RiskError, line: number): Answer {
  return { text: JSON.stringify({ error: { code, rule, ...values, line } }), failed: true }
}

function lineTooLong(characters: number): RiskError {
  const rule = `a line has at most ${LINE_CHARACTERS_MAX} characters`
  return new RiskError('TOO_LARGE', rule, { actual: characters })
}
