import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadNetwork } from '../../sdk/process/network.ts'
import { BaseError } from '../../sdk/protocol/errors.ts'

/** Where a relayer's operator API is, and who asks. */
export type RelayerApi = {
  get: <T>(path: string) => Promise<T>
  post: <T>(path: string, body: unknown) => Promise<T>
  /** Answers of any status, for health. */
  probe: (path: string) => Promise<{ status: number; body: unknown }>
}

const TIMEOUT_MS = 10_000

/**
 * Opens the operator API of a network's relayer.
 *
 * The token is `TANDEM_RELAYER_TOKEN`, else the one that a local relayer wrote beside the network file.
 */
export function openRelayerApi(networkFile: string): RelayerApi {
  const { url } = loadNetwork(networkFile).relayer
  const tokenFile = join(dirname(networkFile), 'relayer', 'token')
  const stored = existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8').trim() : undefined
  const token = process.env['TANDEM_RELAYER_TOKEN'] ?? stored
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const ask = async (path: string, body: unknown) => {
    const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const response = await fetch(`${url}${path}`, { headers, signal, ...request })
      return { status: response.status, body: (await response.json()) as unknown }
    } catch (error) {
      throw new RelayerApiError(`The relayer at ${url} does not answer.`, (error as Error).message)
    }
  }
  const insist = async <T>(path: string, body: unknown): Promise<T> => {
    const answer = await ask(path, body)
    if (answer.status === 200) return answer.body as T
    const { error } = answer.body as { error?: { name: string; message: string } }
    throw new RelayerApiError(error?.message ?? `HTTP ${answer.status}`, error?.name ?? path)
  }
  return {
    get: (path) => insist(path, undefined),
    post: (path, body) => insist(path, body),
    probe: (path) => ask(path, undefined),
  }
}

class RelayerApiError extends BaseError {
  override readonly name = 'RelayerApiError'

  constructor(message: string, detail: string) {
    super(message, { code: 'RELAYER_API', retryable: true, metaMessages: [detail] })
  }
}
