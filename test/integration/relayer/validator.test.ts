import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashMessage, recoverAddress, type Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { merkleTreeHookAbi, validatorAnnounceAbi } from '../../../sdk/abi/hyperlane.ts'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { checkpointDigest } from '../../../relayer/core/checkpoint.ts'
import { eventually } from '../../fixtures/relayer/processes.ts'
import { getJson, sendMany, startStack, type Stack } from '../../fixtures/relayer/stack.ts'

type CheckpointJson = {
  value: {
    checkpoint: { merkle_tree_hook_address: Hex; mailbox_domain: number; root: Hex; index: number }
    message_id: Hex
  }
  signature: { r: Hex; s: Hex; v: number }
  serialized_signature: Hex
}

let stack: Stack

beforeAll(async () => {
  stack = await startStack()
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

const validatorUrl = (chainId: number) =>
  stack.network.validators.find((validator) => validator.chainId === chainId)!.url

const untilSigned = (chainId: number, index: number) =>
  eventually(`checkpoint ${index} of ${chainId}`, async () => {
    const response = await fetch(`${validatorUrl(chainId)}/v1/checkpoints/${index}`)
    return response.ok && ((await response.json()) as CheckpointJson)
  })

test('a validator signs each leaf with the root that the chain has, in files that Hyperlane reads', async () => {
  const { east, west } = stack
  await sendMany(east, west, 7)
  const served = await untilSigned(east.chainId, 6)
  const folder = stack.checkpointFolder(east.chainId)
  const hook = east.contracts.merkleTreeHook
  const root = await east.node.readContract({
    address: hook,
    abi: merkleTreeHookAbi,
    functionName: 'root',
  })
  expect(served.value.checkpoint.root).toBe(root)
  expect(await getJson(`${validatorUrl(east.chainId)}/v1/tree`)).toMatchObject({
    leaves: 7,
    root,
    signed: 7,
  })
  expect(readFileSync(join(folder, 'index.json'), 'utf8')).toBe('6')

  const ids = await east.events('DispatchId')
  const validator = developmentKey(`validator-${east.chainId}`).address
  for (let index = 0; index < 7; index++) {
    const text = readFileSync(join(folder, `${index}_with_id.json`), 'utf8')
    const file = JSON.parse(text) as CheckpointJson
    expect(text).toBe(JSON.stringify(file, null, 2))
    expect(Object.keys(file)).toEqual(['value', 'signature', 'serialized_signature'])
    expect(file.value).toEqual({
      checkpoint: {
        merkle_tree_hook_address: `0x${'0'.repeat(24)}${hook.slice(2).toLowerCase()}`,
        mailbox_domain: east.chainId,
        root: file.value.checkpoint.root,
        index,
      },
      message_id: ids[index],
    })
    const hash = checkpointDigest({
      hook,
      origin: east.chainId,
      root: file.value.checkpoint.root,
      index,
      messageId: ids[index]!,
    })
    expect(await recoverAddress({ hash, signature: file.serialized_signature })).toBe(validator)
    expect(BigInt(file.signature.r)).toBe(BigInt(file.serialized_signature.slice(0, 66)))
  }
}, 60_000)

test('a validator announces where its checkpoints are, once, also after a restart', async () => {
  const { east } = stack
  const validator = developmentKey(`validator-${east.chainId}`).address
  const announced = () =>
    east.node
      .readContract({
        address: east.contracts.validatorAnnounce,
        abi: validatorAnnounceAbi,
        functionName: 'getAnnouncedStorageLocations',
        args: [[validator]],
      })
      .then(([locations]) => locations ?? [])
  const place = `file://${stack.checkpointFolder(east.chainId)}`
  await eventually('the announcement', async () => (await announced()).length > 0)
  await stack.validators.get(east.chainId)!.kill()
  stack.validators.set(east.chainId, await stack.startValidator(east.chainId))
  expect(await announced()).toEqual([place])
  const file = JSON.parse(
    readFileSync(join(stack.checkpointFolder(east.chainId), 'announcement.json'), 'utf8'),
  ) as { value: { storage_location: string }; serialized_signature: Hex }
  expect(file.value.storage_location).toBe(place)
  const digest = await east.node.readContract({
    address: east.contracts.validatorAnnounce,
    abi: validatorAnnounceAbi,
    functionName: 'getAnnouncementDigest',
    args: [place],
  })
  expect(await recoverAddress({ hash: digest, signature: file.serialized_signature })).toBe(
    validator,
  )
  expect(digest).not.toBe(hashMessage(place))
}, 60_000)

test('a validator whose last checkpoint the chain does not confirm stops for good, flag first', async () => {
  const { west, east } = stack
  await sendMany(west, east, 2)
  await untilSigned(west.chainId, 1)
  await stack.validators.get(west.chainId)!.kill()
  const folder = stack.checkpointFolder(west.chainId)
  const path = join(folder, '1_with_id.json')
  const file = JSON.parse(readFileSync(path, 'utf8')) as CheckpointJson
  const foreignRoot = `0x${'ab'.repeat(32)}` as const
  const { checkpoint } = file.value
  const forged = {
    ...file,
    value: { ...file.value, checkpoint: { ...checkpoint, root: foreignRoot } },
  }
  writeFileSync(path, JSON.stringify(forged, null, 2))

  const restarted = await stack.startValidator(west.chainId)
  const readyz = () => fetch(`${validatorUrl(west.chainId)}/readyz`)
  await eventually('the validator halts', async () => {
    const { reasons } = (await (await readyz()).json()) as { reasons: string[] }
    return reasons.some((reason) => reason.includes(foreignRoot))
  })
  const flag = JSON.parse(readFileSync(join(folder, 'reorg_flag.json'), 'utf8')) as Record<
    string,
    unknown
  >
  expect(flag).toMatchObject({ canonical_merkle_root: foreignRoot, checkpoint_index: 1 })

  await sendMany(west, east, 1, 'after the halt')
  await restarted.kill()
  const again = await stack.startValidator(west.chainId)
  await eventually('the flag holds after a restart', async () => {
    const { reasons } = (await (await readyz()).json()) as { reasons: string[] }
    return reasons.includes('the reorg flag stands')
  })
  expect(readFileSync(join(folder, 'index.json'), 'utf8')).toBe('1')
  await again.kill()
}, 60_000)
