import { BaseError } from '../../protocol/errors.ts'
import type { TandemClient } from '../create-client.ts'

/** The mark publisher did not do what it was asked. */
export class PublisherError extends BaseError {
  override readonly name = 'PublisherError'

  constructor(path: string, detail: string) {
    super(`The mark publisher did not answer ${path} as expected.`, {
      code: 'PUBLISHER',
      retryable: true,
      metaMessages: [detail],
    })
  }
}

/** Where the publisher of recorded marks is in the recording. */
export type MarketPosition = {
  /** Recorded time in milliseconds since 1970. */
  recordedMs: number
  /** True between two snapshots: values are interpolated, not observed. */
  interpolated: boolean
}

/** Asks the publisher where it is in the recording. */
export async function getMarketPosition(client: TandemClient): Promise<MarketPosition> {
  return request<MarketPosition>(client, 'GET', '/v1/market')
}

/**
 * Plays a part of the recording in the time given; marks between snapshots are interpolated.
 *
 * @param options.toMs - Recorded time to end at, milliseconds since 1970.
 * @param options.durationMs - Time it shall take.
 */
export async function replayMarket(
  client: TandemClient,
  options: { fromMs?: number | undefined; toMs: number; durationMs: number },
): Promise<void> {
  await request(client, 'POST', '/v1/market/replay', options)
}

/** Moves the publisher to a moment of the recording at once. */
export async function seekMarket(client: TandemClient, options: { toMs: number }): Promise<void> {
  await request(client, 'POST', '/v1/market/seek', options)
}

async function request<T>(
  client: TandemClient,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await fetch(new URL(path, client.network.publisher.url), {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await response.text()
  if (!response.ok) throw new PublisherError(path, `HTTP ${response.status}: ${text.slice(0, 200)}`)
  return JSON.parse(text) as T
}
