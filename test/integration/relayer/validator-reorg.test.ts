import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../fixtures/relayer/processes.ts'
import { getJson, sendMany, startStack, type Stack } from '../../fixtures/relayer/stack.ts'

type Tree = { leaves: number; signed: number; halted: string | null }

let stack: Stack

const url = () =>
  stack.network.validators.find(({ chainId }) => chainId === stack.east.chainId)!.url
const treeOf = () => getJson<Tree>(`${url()}/v1/tree`)
const untilSigned = (count: number) =>
  eventually(`${count} signed`, async () => (await treeOf()).signed === count)

beforeAll(async () => {
  stack = await startStack({ reorgPeriod: 3 })
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

test('row 14: a validator whose chain goes back within the reorg period signs on by itself', async () => {
  const { east, west } = stack
  await sendMany(east, west, 2)
  await east.node.mine({ blocks: 3 })
  await untilSigned(2)
  const snapshot = await east.node.snapshot()
  await sendMany(east, west, 2, 'undone')
  await east.node.revert({ id: snapshot })
  await sendMany(east, west, 1, 'instead')
  await east.node.mine({ blocks: 3 })
  await untilSigned(3)
  expect((await treeOf()).halted).toBeNull()
}, 60_000)

test('row 14: a validator whose chain takes back what it signed stops for good, flag on disk, nothing signed after', async () => {
  const { east, west } = stack
  const snapshot = await east.node.snapshot()
  await sendMany(east, west, 2, 'signed')
  await east.node.mine({ blocks: 3 })
  await untilSigned(5)
  await east.node.revert({ id: snapshot })
  await east.node.mine({ blocks: 8 })
  const { halted } = await eventually('it halts', async () => {
    const tree = await treeOf()
    return tree.halted !== null && tree
  })
  expect(halted).toContain('root at leaf 4')
  expect(existsSync(join(stack.checkpointFolder(east.chainId), 'reorg_flag.json'))).toBe(true)
  await sendMany(east, west, 3, 'after')
  await east.node.mine({ blocks: 4 })
  const ready = await fetch(`${url()}/readyz`)
  expect(ready.status).toBe(503)
  expect((await treeOf()).signed).toBe(5)
}, 60_000)
