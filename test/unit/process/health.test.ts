import { Counter, Registry } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import { serveHealth, type HealthServer, type Readiness } from '../../../sdk/process/health.ts'

const servers: HealthServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function serve(readiness: () => Readiness, registry = new Registry()) {
  const server = await serveHealth({ port: 0, registry, readiness })
  servers.push(server)
  return server
}

describe('serveHealth', () => {
  test('says why a program is not ready while it is alive', async () => {
    const { url } = await serve(() => ({ ready: false, reasons: ['chain 902 is behind'] }))
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({ ready: false, reasons: ['chain 902 is behind'] })
  })

  test('a readiness that throws is not ready, and the program lives on', async () => {
    const { url } = await serve(() => {
      throw new Error('no connection')
    })
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ reasons: ['readiness failed: no connection'] })
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })

  test('serves the metrics of the registry', async () => {
    const registry = new Registry()
    new Counter({ name: 'tandem_things_total', help: 'Things.', registers: [registry] }).inc(3)
    const { url } = await serve(() => ({ ready: true, reasons: [] }), registry)
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^tandem_things_total 3$/m)
  })

  test('names a busy port', async () => {
    const { port } = await serve(() => ({ ready: true, reasons: [] }))
    const second = serveHealth({
      port,
      registry: new Registry(),
      readiness: () => ({ ready: true, reasons: [] }),
    })
    await expect(second).rejects.toMatchObject({ code: 'PORT_BUSY', port })
  })
})
