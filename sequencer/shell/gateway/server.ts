import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { healthRouter, PortBusyError, type Readiness } from '../../../sdk/process/health.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { TransactionRules } from '../drivers/transaction.ts'
import type { History } from '../history/history.ts'
import type { SequencerPort } from '../port.ts'
import type { BlockTags } from '../posting/tags.ts'
import type { ChainView } from './blocks.ts'
import { chainMethods } from './chain-methods.ts'
import { filterMethods } from './filters.ts'
import { answerBytes, refusalText, type RpcEndpoint, type RpcMethods } from './json-rpc.ts'
import { createGatewayMetrics, watchSequencer, watchSockets } from './metrics.ts'
import { watchPending, type Pending } from './pending.ts'
import { BODY_SIGNATURE_HEADER, bodySigner } from './body-signature.ts'
import { sendMethods } from './send-methods.ts'
import { bundleMethods } from './bundle-methods.ts'
import { controlMethods } from './control-methods.ts'
import { sequencerMethods, type GuestMethods } from './sequencer-methods.ts'
import { createStateRead, type StateReader } from './state-reads.ts'
import { statusJson } from './status.ts'
import { subscriptionMethods } from './subscriptions.ts'
import { createSlotFeed, type SlotSource } from './slot-feed.ts'
import { serveWebSockets } from './websocket.ts'

/** One sequenced rollup as the gateway serves it. */
export type GatewayChain = { rules: TransactionRules; reader: StateReader }

/** What {@link startGateway} needs. */
export type GatewayOptions = {
  /** 0 takes a free one. */
  port: number
  /** Default 127.0.0.1. */
  host?: string | undefined
  logId: Hash
  chains: readonly GatewayChain[]
  sequencer: SequencerPort
  history: History
  /** How far the rollups' blocks are on `l1`; absent where nothing is posted. */
  tags?: BlockTags | undefined
  /** What `/feed` tells; absent where there is no log. */
  slots?: SlotSource | undefined
  /** Whose orders count, in lower case; without it there are no orders. */
  operator?: Address | undefined
  /** Methods of other parts at `/`, by name. */
  guests?: GuestMethods | undefined
  /** Shown by `web3_clientVersion`. */
  version: string
  registry: Registry
  readiness: () => Readiness | Promise<Readiness>
  log: Logger
  /** Ends the program when a rule of its own is broken. */
  fail: (error: unknown) => void
}

/** A running gateway. */
export type Gateway = { url: string; port: number; close: () => Promise<void> }

/**
 * Starts the gateway: JSON-RPC at `/` and per rollup at `/chain/<id>`, over HTTP and WebSocket; REST
 * under `/v1`; the slots at `/feed`; `/livez`, `/readyz` and `/metrics`.
 *
 * @throws {@link PortBusyError} when another program listens on its port.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { fail, history, sequencer } = options
  const endpoints = makeEndpoints(options)
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(healthRouter(options))
  app.use(allowPages)
  app.get('/v1/status', (_request, response) => {
    response.json(statusJson(sequencer.status()))
  })
  const body = express.raw({ type: () => true, limit: LIMITS.rpcBodyBytes, inflate: false })
  app.post(['/', '/chain/:chain'], body, async (request, response) => {
    response.type('application/json')
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const endpoint = endpoints.at(request.path)
    if (endpoint === undefined) {
      const chainId = request.path.replace('/chain/', '').slice(0, 20)
      const error = new TandemError('UNKNOWN_CHAIN', { chainId, known: endpoints.known })
      response.send(refusalText(endpoints.root, error, bytes))
      return
    }
    const signature = request.get(BODY_SIGNATURE_HEADER)
    const origin = signature === undefined ? {} : { signer: () => bodySigner(signature, bytes) }
    response.send(await answerBytes(endpoint, bytes, origin))
  })
  app.use(unreadable(endpoints.root, fail))

  const server = await listen(app, options)
  const feed = options.slots === undefined ? undefined : createSlotFeed(options.slots)
  const sockets = serveWebSockets({ server, endpointAt: endpoints.at, feed, fail })
  watchSequencer(options.registry, options)
  watchSockets(options.registry, { connections: sockets.connections, feed })
  const { port } = server.address() as AddressInfo
  options.log.info({ port, superblock: history.superblock() }, 'gateway listens')
  return {
    url: `http://${options.host ?? '127.0.0.1'}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        sockets.close()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Endpoints = {
  root: RpcEndpoint
  /** Ids of the sequenced chains, for errors. */
  known: string
  at: (path: string) => RpcEndpoint | undefined
}

function makeEndpoints(options: GatewayOptions): Endpoints {
  const { chains, history, sequencer, logId, guests = {}, operator, registry, log } = options
  const metrics = createGatewayMetrics(registry)
  const pending = watchPending(sequencer, history)
  const shared = { refuse: sequencer.refuse, metrics, log }
  const rules = new Map(chains.map((chain) => [chain.rules.chainId, chain.rules]))
  const bundles = bundleMethods({ sequencer: pending.sequencer, logId, chains: rules })
  const own = sequencerMethods({ sequencer: pending.sequencer, guests })
  const root: RpcEndpoint = {
    name: 'sequencer',
    methods: new Map([
      ...bundles,
      ...own,
      ...(operator === undefined
        ? []
        : controlMethods({ sequencer, logId, operator, nowMs: () => Date.now() })),
    ]),
    ...shared,
  }
  const byPath = new Map<string, RpcEndpoint>([['/', root]])
  for (const chain of chains) {
    const { chainId } = chain.rules
    const methods = new Map([...methodsOf(options, chain, pending), ...bundles])
    byPath.set(`/chain/${chainId}`, { name: `chain-${chainId}`, methods, ...shared })
  }
  const trimmed = (path: string) => (path.length > 1 ? path.replace(/\/$/, '') : path)
  return {
    root,
    known: [...rules.keys()].join(', '),
    at: (path) => byPath.get(trimmed(path)),
  }
}

function methodsOf(
  { history, tags, version }: GatewayOptions,
  { rules, reader }: GatewayChain,
  pending: Pending,
): RpcMethods {
  const { chainId } = rules
  const chainHistory = history.chain(chainId)
  if (chainHistory === undefined) throw new Error(`The history has no chain ${chainId}.`)
  const view: ChainView = {
    ...chainHistory,
    // Nothing is posted: all that `l1` knows is the genesis, with the rollup's block 1.
    tagged: (tag) => tags?.[tag](chainId) ?? 1,
  }
  const { sequencer } = pending
  const read = createStateRead(view, reader)
  return new Map([
    ...chainMethods({ rules, history: view, read, pending, sequencer, version }),
    ...sendMethods({ rules, history, sequencer }),
    ...filterMethods({ history: view, pending, elapsedMs: () => performance.now() }),
    ...subscriptionMethods(history, pending, chainId),
  ])
}

/** Pages of other origins may ask: nothing here is granted by where a request comes from. */
const allowPages: express.RequestHandler = (request, response, next) => {
  response.set('Access-Control-Allow-Origin', '*')
  if (request.method !== 'OPTIONS') return next()
  response.set('Access-Control-Allow-Methods', 'GET, POST, OPTIONS')
  response.set(
    'Access-Control-Allow-Headers',
    `content-type, traceparent, ${BODY_SIGNATURE_HEADER}`,
  )
  response.status(204).end()
}

/** Answers a body that could not be read; lets the program end when a rule of its own is broken. */
function unreadable(root: RpcEndpoint, fail: (error: unknown) => void): ErrorRequestHandler {
  return (error: Error & { type?: string; length?: number }, _request, response, _next) => {
    if (error.type === undefined) {
      fail(error)
      response.status(500).end()
      return
    }
    const tooLarge = error.type === 'entity.too.large'
    const refusal = tooLarge
      ? new TandemError('TOO_LARGE', {
          what: 'request body',
          actual: `${error.length ?? 'more'} bytes`,
          limit: LIMITS.rpcBodyBytes,
        })
      : new TandemError('INVALID_REQUEST', { rule: 'the body can be read', path: error.type })
    response
      .status(tooLarge ? 413 : 400)
      .type('application/json')
      .send(refusalText(root, refusal))
  }
}

async function listen(
  app: Express,
  { port, host = '127.0.0.1' }: Pick<GatewayOptions, 'port' | 'host'>,
): Promise<Server> {
  const server = createServer(app)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new PortBusyError(host, port) : error)
    })
    server.listen(port, host, resolve)
  })
  return server
}
