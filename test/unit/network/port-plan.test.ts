import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { planPorts, requireFreePorts } from '../../../cli/network/port-plan.ts'
import { freePort } from '../../../cli/network/ports.ts'
import { localChains } from '../../../sdk/protocol/chains.ts'

test('the default ports are the documented ones, and no two are equal with all rollups', () => {
  const plan = planPorts(9500, localChains(8))
  expect(plan).toMatchObject({ gateway: 9500, relayer: 9600, publisher: 9650, redis: 9379 })
  expect([...plan.standalone]).toEqual([
    [900, 9545],
    [990, 9590],
  ])
  expect(plan.validators.get(902)).toBe(9612)
  const all = [plan.gateway, plan.relayer, plan.publisher, plan.redis]
  const every = [
    ...all,
    ...plan.standalone.values(),
    ...plan.nodes.values(),
    ...plan.validators.values(),
  ]
  expect(new Set(every).size).toBe(every.length)
})

test('a busy port is named with who wants it and the option that changes it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const plan = { ...planPorts(await freePort(), []), relayer: port }
  const name = (chainId: number) => `chain ${chainId}`
  await expect(requireFreePorts(plan, name)).rejects.toMatchObject({
    code: 'PORT_BUSY',
    metaMessages: [`relayer: ${port}`, expect.stringContaining('--port-base')],
  })
  server.close()
})
