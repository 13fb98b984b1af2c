import { encodePacked, hashMessage, hexToBytes, keccak256, pad } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import {
  announcementDigest,
  checkpointDigest,
  checkpointDomainHash,
} from '../../../relayer/core/checkpoint.ts'
import {
  checkpointFileName,
  decodeCheckpointFile,
  encodeAnnouncementFile,
  encodeCheckpointFile,
  encodeReorgFlag,
} from '../../../relayer/core/checkpoint-file.ts'
import { recoverSigner, signerOf } from '../../../relayer/shell/submitting/signer.ts'

const hook = `0x${'ab'.repeat(20)}` as const
const root = `0x${'cd'.repeat(32)}` as const
const messageId = `0x${'ef'.repeat(32)}` as const
const checkpoint = { hook, origin: 901, root, index: 5, messageId }
const privateKey = `0x${'42'.repeat(32)}` as const

describe('a checkpoint', () => {
  test('has the digest of the formula domainHash ‖ root ‖ index ‖ messageId under EIP-191', () => {
    const domainHash = keccak256(
      encodePacked(['uint32', 'bytes32', 'string'], [901, pad(hook), 'HYPERLANE']),
    )
    expect(checkpointDomainHash(901, hook)).toBe(domainHash)
    const inner = keccak256(
      encodePacked(['bytes32', 'bytes32', 'uint32', 'bytes32'], [domainHash, root, 5, messageId]),
    )
    expect(checkpointDigest(checkpoint)).toBe(hashMessage({ raw: hexToBytes(inner) }))
  })

  test('is signed natively exactly as the reference implementation signs it', async () => {
    const signer = signerOf(privateKey)
    const account = privateKeyToAccount(privateKey)
    const digest = checkpointDigest(checkpoint)
    const signature = await signer.signDigest(digest)
    expect(signature).toBe(await account.sign({ hash: digest }))
    expect(recoverSigner(digest, signature)).toBe(account.address.toLowerCase())
  })

  test('survives its file, also with numbers that begin with zeros', () => {
    const signature = `0x${'00'.repeat(2)}${'12'.repeat(30)}${'34'.repeat(32)}1c` as const
    const text = encodeCheckpointFile({ checkpoint, signature })
    expect(text).toContain(`"r": "0x${'12'.repeat(30)}"`)
    expect(decodeCheckpointFile(text)).toEqual({ checkpoint, signature })
    expect(checkpointFileName(5)).toBe('5_with_id.json')
  })

  test.each(['', '{', '{"value":{}}', 'null', `"${'a'.repeat(9_000)}"`])(
    'is not read from %j',
    (text) => {
      expect(decodeCheckpointFile(text)).toBeUndefined()
    },
  )
})

test('a signature that is none belongs to nobody', () => {
  const digest = checkpointDigest(checkpoint)
  for (const signature of ['0x', `0x${'00'.repeat(65)}`, `0x${'ff'.repeat(64)}1b`] as const) {
    expect(recoverSigner(digest, signature)).toBeUndefined()
  }
})

test('the announcement and the reorg flag have the fields that Hyperlane reads', () => {
  const digest = announcementDigest(901, hook, 'file:///checkpoints')
  const domainHash = keccak256(
    encodePacked(['uint32', 'bytes32', 'string'], [901, pad(hook), 'HYPERLANE_ANNOUNCEMENT']),
  )
  const inner = keccak256(encodePacked(['bytes32', 'string'], [domainHash, 'file:///checkpoints']))
  expect(digest).toBe(hashMessage({ raw: hexToBytes(inner) }))
  const signature = `0x${'12'.repeat(32)}${'34'.repeat(32)}1b` as const
  const announcement = encodeAnnouncementFile({
    validator: hook,
    mailbox: hook,
    origin: 901,
    location: 'file:///checkpoints',
    signature,
  })
  expect(JSON.parse(announcement)).toEqual({
    value: {
      validator: hook,
      mailbox_address: pad(hook),
      mailbox_domain: 901,
      storage_location: 'file:///checkpoints',
    },
    signature: { r: `0x${'12'.repeat(32)}`, s: `0x${'34'.repeat(32)}`, v: 27 },
    serialized_signature: signature,
  })
  const flag = encodeReorgFlag({
    localRoot: root,
    chainRoot: messageId,
    index: 4,
    timestampS: 9,
    reorgPeriod: 2,
  })
  expect(JSON.parse(flag)).toEqual({
    local_merkle_root: root,
    canonical_merkle_root: messageId,
    checkpoint_index: 4,
    unix_timestamp: 9,
    reorg_period: 2,
  })
})
