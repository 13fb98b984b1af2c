import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { ConfigError } from '../../../sdk/process/config-error.ts'
import { writeDurably } from '../../../sdk/process/durable-file.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import { signerOf } from './signer.ts'

const hex = z.string().regex(/^[0-9a-f]*$/)
const entry = z.strictObject({
  role: z.string().min(1).max(64),
  address: z.templateLiteral(['0x', z.string()]),
  salt: hex,
  nonce: hex,
  sealed: hex,
  tag: hex,
})
const schema = z.strictObject({ version: z.literal(1), keys: z.array(entry).max(1_000) })

/** Keys of roles, each encrypted by a password: scrypt (N 2^15, r 8), AES-256-GCM. */
export type Keystore = z.infer<typeof schema>

const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }

/**
 * Reads a keystore; a file that is not there is an empty one.
 *
 * @throws {@link ConfigError} when the file is something else.
 */
export function readKeystore(path: string): Keystore {
  if (!existsSync(path)) return { version: 1, keys: [] }
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    // The cause is dropped on purpose: it may repeat what the file holds.
    throw new ConfigError(`${path} is no keystore.`, ['rule: version 1, written by keys add'])
  }
}

/** Puts a role's key into a keystore file, in the place of an older one. */
export function storeKey(
  path: string,
  { role, privateKey, password }: { role: string; privateKey: Hex; password: string },
): Address {
  const { address } = signerOf(privateKey)
  const salt = randomBytes(32)
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', scryptSync(password, salt, 32, SCRYPT), nonce)
  cipher.setAAD(Buffer.from(`${role}:${address}`))
  const secret = Buffer.from(privateKey.slice(2), 'hex')
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()])
  const text = (bytes: Buffer) => bytes.toString('hex')
  const fresh = {
    ...{ role, address, salt: text(salt), nonce: text(nonce) },
    ...{ sealed: text(sealed), tag: text(cipher.getAuthTag()) },
  }
  const keys = readKeystore(path).keys.filter((one) => one.role !== role)
  writeDurably(path, JSON.stringify({ version: 1, keys: [...keys, fresh] }, null, 2), 0o600)
  return address
}

/**
 * Opens a role's key; undefined when the keystore has none.
 *
 * @throws {@link ConfigError} when the password is another one, or the entry was changed.
 */
export function openKey(
  path: string,
  { role, password }: { role: string; password: string },
): Hex | undefined {
  const found = readKeystore(path).keys.find((one) => one.role === role)
  if (found === undefined) return undefined
  const bytes = (text: string) => Buffer.from(text, 'hex')
  const key = scryptSync(password, bytes(found.salt), 32, SCRYPT)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes(found.nonce))
  decipher.setAAD(Buffer.from(`${role}:${found.address}`))
  decipher.setAuthTag(bytes(found.tag))
  try {
    const secret = Buffer.concat([decipher.update(bytes(found.sealed)), decipher.final()])
    return `0x${secret.toString('hex')}`
  } catch {
    // Which of the two it was cannot be known.
    throw new ConfigError(`The key of ${role} does not open.`, ['password wrong, or file changed'])
  }
}
