import { z } from 'zod'
import type { SignedFeedUpdate } from '../../sdk/protocol/feeds.ts'
import { encodeFeedUpdate } from '../../sdk/protocol/wire.ts'

/** What became of an update at the gateway. */
export type PublishOutcome =
  | { status: 'accepted' }
  /** The gateway has seen `current` already: go on above it. */
  | { status: 'stale'; current: bigint }
  | { status: 'refused'; code: number; message: string }
  | { status: 'unreachable'; message: string }

const answerSchema = z.object({
  error: z.object({ code: z.int(), message: z.string(), data: z.unknown().optional() }).optional(),
})

const staleSchema = z.object({
  values: z.object({ current: z.union([z.string().regex(/^\d+$/), z.int()]) }),
})

const STALE_SEQUENCE = -38025
const ANSWER_BYTES_MAX = 1024 * 1024

/** Posts a signed update to a gateway's `tandem_publishMarks`. */
export async function publishMarks(options: {
  rpcUrl: string
  signed: SignedFeedUpdate
  timeoutMs: number
  /** Aborts when the program stops. */
  signal: AbortSignal
}): Promise<PublishOutcome> {
  const { rpcUrl, signed, timeoutMs, signal } = options
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tandem_publishMarks',
        params: [encodeFeedUpdate(signed)],
      }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    const text = await response.text()
    if (text.length > ANSWER_BYTES_MAX) {
      return { status: 'unreachable', message: `an answer of ${text.length} bytes` }
    }
    return outcomeOf(JSON.parse(text))
  } catch (error) {
    const cause = (error as Error).cause
    const detail = cause instanceof Error ? `: ${cause.message}` : ''
    return { status: 'unreachable', message: `${(error as Error).message}${detail}` }
  }
}

function outcomeOf(answer: unknown): PublishOutcome {
  const parsed = answerSchema.safeParse(answer)
  if (!parsed.success) return { status: 'unreachable', message: 'the answer is no JSON-RPC' }
  const { error } = parsed.data
  if (error === undefined) return { status: 'accepted' }
  const stale = staleSchema.safeParse(error.data)
  if (error.code === STALE_SEQUENCE && stale.success) {
    return { status: 'stale', current: BigInt(stale.data.values.current) }
  }
  return { status: 'refused', code: error.code, message: error.message }
}
