import { createRpc, RpcTransportError, type Rpc, type TransportFault } from './rpc.ts'

/** Access to one chain by one or more providers: a call that one does not answer goes to the next. */
export type Providers = Rpc & {
  /** The provider that is asked first now, alone: what it says is said by one. */
  pick: () => Provider
  /** The providers besides one that are worth asking, the best first. */
  others: (than: Provider) => readonly Provider[]
  /** Asks a provider last for a while: it was caught telling less than the chain has. */
  demote: (provider: Provider) => void
  all: () => readonly Provider[]
  /** How each provider does. */
  states: () => readonly ProviderState[]
  stop: () => void
}

/** One provider of a chain; `name` is its place in the list and its host, without secrets. */
export type Provider = Rpc & { readonly name: string }

/** How a provider does. */
export type ProviderState = {
  name: string
  /** Share of requests that were answered, the latest most; 1 is best. */
  score: number
  /** Blocks behind the best head among the providers. */
  lagBlocks: number
  /** True while others are asked first, and why. */
  avoided: 'no' | 'failing' | 'stale' | 'caught'
}

/** What {@link createProviders} needs. */
export type ProvidersOptions = {
  chainId: number
  /** Their URLs, the preferred first. */
  urls: readonly string[]
  onRequest?: ((method: string, status: 'success' | 'failure') => void) | undefined
  /** Told of each request that a provider did not answer. */
  onFault?: ((provider: string, kind: TransportFault) => void) | undefined
}

/** Milliseconds after which a read that has no answer is asked of the next provider too. */
const HEDGE_MS = 500
/** Milliseconds until a call that no provider answered is tried once more. */
const AGAIN_MS = 100
/** Times that one provider alone is asked for something that it refuses. */
const REFUSED_TRIES = 3
const BENCH_MS = { first: 250, max: 10_000 }
const CAUGHT_MS = 60_000
const WATCH_MS = 1_000
/** Blocks behind the best head, in two looks after one another, that make a head stale. */
const LAG_BLOCKS_MAX = 3

type Seat = {
  provider: Provider
  score: number
  failures: number
  failingUntil: number
  caughtUntil: number
  lagBlocks: number
  lags: number
}

/** Opens a chain's providers; nothing is sent until the first call, or to watch heads of several. */
export function createProviders(options: ProvidersOptions): Providers {
  const { chainId, urls, onRequest, onFault } = options
  const seats = urls.map((url, i) => seatOf(createRpc({ chainId, url, onRequest }), nameOf(url, i)))
  const note = (seat: Seat, error: unknown) => {
    noteOutcome(seat, error)
    if (error instanceof RpcTransportError) onFault?.(seat.provider.name, error.kind)
  }
  const ask = async <T>(seat: Seat, method: string, params: readonly unknown[]): Promise<T> => {
    try {
      const result = await seat.provider.call<T>(method, params)
      note(seat, undefined)
      return result
    } catch (error) {
      note(seat, error)
      throw error
    }
  }
  const call = async <T>(method: string, params: readonly unknown[]): Promise<T> => {
    const attempt = () => staggered(ranked(seats), (seat) => ask<T>(seat, method, params))
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof RpcTransportError) || error.kind === 'timeout') throw error
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      return await attempt()
    }
  }
  const ordered: Rpc['ordered'] = (calls) => sendInTurn(ranked(seats), calls, note)
  const watching = seats.length < 2 ? undefined : setInterval(() => void look(), WATCH_MS)
  const look = async () => {
    const heads = await Promise.allSettled(
      seats.map((seat) => ask<string>(seat, 'eth_blockNumber', [])),
    )
    noteHeads(
      seats,
      heads.map((head) => (head.status === 'fulfilled' ? Number(head.value) : undefined)),
    )
  }
  const solo = (seat: Seat): Provider => ({
    ...seat.provider,
    call: (method, params) => insistently(() => ask(seat, method, params)),
  })
  return {
    ...{ chainId, call, ordered },
    pick: () => solo(ranked(seats)[0]!),
    others: ({ name }) =>
      ranked(seats)
        .filter((seat) => seat.provider.name !== name)
        .filter((seat) => avoided(seat) === 'no' || avoided(seat) === 'stale')
        .map(solo),
    all: () => seats.map(solo),
    demote: ({ name }) => {
      const seat = seats.find(({ provider }) => provider.name === name)
      if (seat !== undefined) seat.caughtUntil = performance.now() + CAUGHT_MS
    },
    states: () =>
      seats.map((seat) => {
        const { provider, score, lagBlocks } = seat
        return { name: provider.name, score, lagBlocks, avoided: avoided(seat) }
      }),
    stop: () => clearInterval(watching),
  }
}

/** Sends to the first provider that takes it: the same bytes elsewhere are the same transaction. */
async function sendInTurn(
  seats: readonly Seat[],
  calls: Parameters<Rpc['ordered']>[0],
  note: (seat: Seat, error: unknown) => void,
): ReturnType<Rpc['ordered']> {
  let last: unknown
  for (const seat of seats) {
    try {
      const answers = await seat.provider.ordered(calls)
      note(seat, undefined)
      return answers
    } catch (error) {
      note(seat, error)
      last = error
    }
  }
  throw last
}

function seatOf(rpc: Rpc, name: string): Seat {
  const marks = { score: 1, failures: 0, failingUntil: 0, caughtUntil: 0, lagBlocks: 0, lags: 0 }
  return { provider: { ...rpc, name }, ...marks }
}

/** Asks again what was refused: its window makes the next try wait, and nobody else can answer. */
async function insistently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      const refused = error instanceof RpcTransportError && error.kind === 'refused'
      if (!refused || tries >= REFUSED_TRIES) throw error
    }
  }
}

function nameOf(url: string, place: number): string {
  return `${place}:${new URL(url).host}`
}

function avoided({ caughtUntil, failingUntil, lags }: Seat): ProviderState['avoided'] {
  const now = performance.now()
  if (now < caughtUntil) return 'caught'
  if (lags >= 2) return 'stale'
  return now < failingUntil ? 'failing' : 'no'
}

const AVOIDANCE = { no: 0, failing: 1, stale: 2, caught: 3 } as const

/** The best first: those not avoided, of these the ones that answer, of these as configured. */
function ranked(seats: readonly Seat[]): readonly Seat[] {
  if (seats.length === 1) return seats
  const weight = (seat: Seat) => 10 * AVOIDANCE[avoided(seat)] - Math.round(4 * seat.score)
  return seats.toSorted((a, b) => weight(a) - weight(b))
}

/** An error that the node itself gave is an answer: only silence and refusals count against it. */
function noteOutcome(seat: Seat, error: unknown): void {
  if (error instanceof RpcTransportError) {
    seat.failures += 1
    seat.score *= 0.7
    const benchMs = Math.min(BENCH_MS.first * 2 ** (seat.failures - 1), BENCH_MS.max)
    seat.failingUntil = performance.now() + benchMs
    return
  }
  seat.failures = 0
  seat.failingUntil = 0
  seat.score += (1 - seat.score) / 4
}

/** Compares heads: with three providers or more with the middle one, since one may boast. */
function noteHeads(seats: readonly Seat[], heads: readonly (number | undefined)[]): void {
  const known = heads.filter((head) => head !== undefined).toSorted((a, b) => a - b)
  const best = known.length > 2 ? known[Math.floor(known.length / 2)] : known.at(-1)
  for (const [i, seat] of seats.entries()) {
    const head = heads[i]
    if (head === undefined || best === undefined) continue
    seat.lagBlocks = Math.max(0, best - head)
    seat.lags = seat.lagBlocks > LAG_BLOCKS_MAX ? seat.lags + 1 : 0
  }
}

/** Asks one after the other, the next as soon as one fails or is silent for a while. */
async function staggered<T>(seats: readonly Seat[], ask: (seat: Seat) => Promise<T>): Promise<T> {
  const [only] = seats
  if (seats.length === 1 && only !== undefined) return await ask(only)
  return await new Promise<T>((resolve, reject) => {
    let next = 0
    let open = 0
    let timer: NodeJS.Timeout | undefined
    const start = () => {
      clearTimeout(timer)
      const seat = seats[next]
      if (seat === undefined) return
      next += 1
      open += 1
      if (next < seats.length) timer = setTimeout(start, HEDGE_MS)
      ask(seat).then(
        (result) => {
          clearTimeout(timer)
          resolve(result)
        },
        (error: unknown) => {
          open -= 1
          if (error instanceof RpcTransportError && next < seats.length) return start()
          // Others that were asked meanwhile may still answer.
          if (error instanceof RpcTransportError && open > 0) return
          clearTimeout(timer)
          reject(error)
        },
      )
    }
    start()
  })
}
