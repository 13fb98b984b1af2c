import type { AddressInfo } from 'node:net'
import express, { type Express, type Router } from 'express'
import type { Registry } from 'prom-client'
import { BaseError } from '../protocol/errors.ts'

/** Whether a program does its job now, and if not why not. */
export type Readiness = { ready: boolean; reasons: readonly string[] }

/** What {@link healthRouter} answers from. */
export type HealthOptions = {
  registry: Registry
  /** Asked on each `/readyz`; must answer quickly and may not change anything. */
  readiness: () => Readiness | Promise<Readiness>
}

/** A listening HTTP server. */
export type HealthServer = { url: string; port: number; close: () => Promise<void> }

/**
 * Answers `/livez` (200 while the program runs), `/readyz` (200 or 503 with reasons) and `/metrics`
 * (Prometheus text): mounted on a program's own server.
 */
export function healthRouter({ registry, readiness }: HealthOptions): Router {
  const router = express.Router()
  router.get('/livez', (_request, response) => {
    response.json({ live: true })
  })
  router.get('/readyz', async (_request, response) => {
    const { ready, reasons } = await answerOf(readiness)
    response.status(ready ? 200 : 503).json({ ready, reasons })
  })
  router.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics())
  })
  return router
}

/**
 * Serves a program's health on a port of its own; `port` 0 takes a free one.
 *
 * @param options.mount - Adds the program's own routes, before anything is listening.
 * @throws {@link PortBusyError} when another program listens there.
 */
export async function serveHealth(
  options: HealthOptions & {
    port: number
    host?: string | undefined
    mount?: ((app: Express) => void) | undefined
  },
): Promise<HealthServer> {
  const { port, host = '127.0.0.1', mount } = options
  const app = express()
  app.disable('x-powered-by')
  app.use(healthRouter(options))
  mount?.(app)
  return await listen(app, { port, host })
}

/**
 * Starts an express application on an address and gives the way to stop it.
 *
 * @throws {@link PortBusyError} when another program listens there.
 */
export async function listen(
  app: Express,
  { port, host = '127.0.0.1' }: { port: number; host?: string | undefined },
): Promise<HealthServer> {
  const server = await new Promise<ReturnType<Express['listen']>>((resolve, reject) => {
    const starting = app.listen(port, host, (error?: Error) => {
      if (error === undefined) return resolve(starting)
      const { code } = error as NodeJS.ErrnoException
      reject(code === 'EADDRINUSE' ? new PortBusyError(host, port) : error)
    })
  })
  const { port: actual } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://${host}:${actual}`, port: actual, close }
}

async function answerOf(readiness: HealthOptions['readiness']): Promise<Readiness> {
  try {
    return await readiness()
  } catch (error) {
    return { ready: false, reasons: [`readiness failed: ${(error as Error).message}`] }
  }
}

/** Another program listens on the port that was asked for. */
export class PortBusyError extends BaseError {
  override readonly name = 'PortBusyError'
  readonly port: number

  constructor(host: string, port: number) {
    super(`Port ${port} on ${host} is in use.`, {
      code: 'PORT_BUSY',
      retryable: true,
      metaMessages: ['Stop the program that listens there, or choose other ports.'],
    })
    this.port = port
  }
}
