import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { eventually } from '../../fixtures/relayer/processes.ts'
import {
  getJson,
  sendMany,
  startStack,
  untilDelivered,
  wastedNonces,
  type Stack,
} from '../../fixtures/relayer/stack.ts'

const run = promisify(execFile)

let stack: Stack

const tandem = async (...words: readonly string[]) => {
  const network = ['--network', join(stack.folder, 'network.json')]
  const { stdout } = await run(process.execPath, ['cli/main.ts', ...words, ...network])
  return stdout
}

beforeAll(async () => {
  stack = await startStack()
  await stack.startRelayer(undefined, {}, ['--state', join(stack.folder, 'relayer')])
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

test('the command line says where a message is, what is pending and whether all is well; a rebuild delivers nothing twice', async () => {
  const { east, west, relayerUrl } = stack
  await sendMany(east, west, 5)
  const { sent } = await untilDelivered(east, west, 5)
  const final = async () => {
    const counts = await getJson<Record<string, number>>(`${relayerUrl}/v1/messages/counts`)
    return counts['final']! + counts['delivered_by_other']! === 5
  }
  await eventually('all are final', final)
  const explained = await tandem('message', 'explain', sent[0]!)
  expect(explained).toContain(`${sent[0]}: ${east.chainId} → ${west.chainId}, transfer, final`)
  expect(explained).toContain('messageIdMultisig')
  expect(await tandem('relayer', 'query', 'pending')).toContain('0 pending')
  expect(await tandem('relayer', 'clear')).toContain('0 of 0')
  await eventually('it is ready', async () => (await fetch(`${relayerUrl}/readyz`)).ok)
  expect(await tandem('relayer', 'health')).toBe('ready\n')

  expect(await tandem('relayer', 'rebuild', '--from-chain')).toMatch(/^\d+ keys forgotten/)
  await sendMany(east, west, 1, 'after')
  const { done } = await untilDelivered(east, west, 6)
  expect(done).toHaveLength(6)
  await eventually('the records are there again', async () => {
    const counts = await getJson<Record<string, number>>(`${relayerUrl}/v1/messages/counts`)
    return counts['final']! + counts['delivered_by_other']! === 6
  })
  expect(await wastedNonces(west, developmentKey('relayer-transfer').address)).toBe(0)
}, 120_000)
