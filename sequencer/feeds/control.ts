import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { z } from 'zod'
import { describeIssues } from '../../sdk/process/config-error.ts'
import { TandemError } from '../../sdk/protocol/errors.ts'
import { type Playback, phaseAt, recordedAt } from './playback.ts'
import type { UnderlyingStatus } from './publisher.ts'
import type { Recording } from './recording.ts'

/** What the control API reads and changes. */
export type MarketControl = {
  clockMs: () => number
  recording: Pick<Recording, 'file' | 'span' | 'offsetMs' | 'source' | 'playback'>
  /** Stores a playback durably and publishes its marks with the next look at the market. */
  play: (playback: Playback) => void
  status: () => readonly UnderlyingStatus[]
}

const BODY_BYTES_MAX = 4_096
/** A replay lasts at most a day of clock time. */
const DURATION_MS_MAX = 86_400_000

/**
 * Adds the routes that show and move the recorded market: `GET /v1/market`,
 * `POST /v1/market/replay {fromMs?, toMs, durationMs}`, `POST /v1/market/seek {toMs}`; all times are
 * milliseconds since 1970 in recorded time.
 */
export function mountControl(app: Express, control: MarketControl): void {
  const { span, playback } = control.recording
  const moment = z.int().min(span.firstMs).max(span.lastMs)
  const replay = z.strictObject({
    fromMs: moment.optional(),
    toMs: moment,
    durationMs: z.int().min(1).max(DURATION_MS_MAX),
  })
  const seek = z.strictObject({ toMs: moment })

  app.get('/v1/market', (_request, response) => {
    response.json(describeMarket(control))
  })
  app.use('/v1/market', express.json({ limit: BODY_BYTES_MAX, strict: true }))
  app.post('/v1/market/replay', (request, response) => {
    const { fromMs, toMs, durationMs } = parseBody(replay, request.body)
    const startedMs = control.clockMs()
    const { rate } = playback()
    const here = recordedAt(playback(), span, startedMs)
    control.play({ startedMs, fromMs: fromMs ?? here, toMs, durationMs, rate })
    response.json(describeMarket(control))
  })
  app.post('/v1/market/seek', (request, response) => {
    const { toMs } = parseBody(seek, request.body)
    const { rate } = playback()
    const startedMs = control.clockMs()
    control.play({ startedMs, fromMs: toMs, toMs, durationMs: 0, rate })
    response.json(describeMarket(control))
  })
  app.use('/v1/market', answerError)
}

/** Says where the recorded market stands, and whether its marks are recorded or interpolated. */
export function describeMarket(control: MarketControl) {
  const { file, offsetMs, span, source, playback: current } = control.recording
  const nowMs = control.clockMs()
  const playback = current()
  const recordedMs = recordedAt(playback, span, nowMs)
  return {
    source: file.source,
    note: file.note,
    recordedMs,
    recordedTime: new Date(recordedMs).toISOString(),
    interpolated: source.interpolatedAt(recordedMs),
    phase: phaseAt(playback, span, nowMs),
    playback,
    ...span,
    offsetMs,
    underlyings: control.status().map(({ id, symbol, accepted, acceptedAtMs, fault }) => ({
      id,
      symbol,
      spot8: accepted?.spot8.toString() ?? null,
      sequence: accepted?.sequence.toString() ?? null,
      expiriesS: accepted?.expiries.map(({ expiryS }) => expiryS) ?? [],
      acceptedAtMs: acceptedAtMs ?? null,
      fault: fault ?? null,
    })),
  }
}

function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [rule = 'a JSON object'] = describeIssues(parsed.error)
  throw new TandemError('INVALID_REQUEST', { rule, path: 'body' })
}

/** Express knows error handlers by their four parameters. */
function answerError(
  error: unknown,
  _request: Request,
  response: Response,
  _next: NextFunction,
): void {
  const known = error instanceof TandemError ? error : bodyError(error)
  response
    .status(known.errorName === 'TOO_LARGE' ? 413 : 400)
    .json({ error: { code: known.rpcCode, name: known.errorName, message: known.shortMessage } })
}

/** Turns what the body parser throws into an error of the registry; anything else is a bug. */
function bodyError(error: unknown): TandemError {
  const { type, length } = error as { type?: string; length?: number }
  if (type === 'entity.too.large') {
    const values = { what: 'body', actual: length ?? 'more bytes', limit: BODY_BYTES_MAX }
    return new TandemError('TOO_LARGE', values)
  }
  if (type === undefined) throw error
  return new TandemError('INVALID_REQUEST', { rule: 'a JSON object', path: 'body' })
}
