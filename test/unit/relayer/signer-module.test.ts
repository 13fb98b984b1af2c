import { expect, test } from 'vitest'
import { signerOfModule } from '../../../relayer/shell/submitting/signer-module.ts'
import { signerOf } from '../../../relayer/shell/submitting/signer.ts'

const path = 'test/fixtures/relayer/key-service.mjs'
const transaction = {
  type: 'eip1559',
  chainId: 901,
  nonce: 3,
  to: '0x4444444444444444444444444444444444444444',
  data: '0x',
  value: 0n,
  gas: 21_000n,
  maxFeePerGas: 2n,
  maxPriorityFeePerGas: 1n,
} as const

test('an account of a key service signs as the same key in memory does', async () => {
  const service = await signerOfModule(path, 'relayer-transfer')
  const memory = signerOf(`0x${'32'.repeat(32)}`)
  expect(service.address.toLowerCase()).toBe(memory.address)
  expect(await service.signTransaction(transaction)).toEqual(
    await memory.signTransaction(transaction),
  )
  expect(await service.signDigest(`0x${'ab'.repeat(32)}`)).toBe(
    await memory.signDigest(`0x${'ab'.repeat(32)}`),
  )
})

test.each([
  ['that gives no account for a role', path, 'validator-901', 'toAccount'],
  ['whose account signs for another address', path, 'liar', 'signed by'],
  ['that is not there', 'nowhere.mjs', 'relayer-transfer', 'nowhere.mjs'],
])('a signer module %s is refused', async (_what, file, role, words) => {
  await expect(signerOfModule(file, role)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(words) as string,
  })
})
