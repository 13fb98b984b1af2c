import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { validatorAnnounceAbi } from '../../../sdk/abi/hyperlane.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { checkpointDigest } from '../../core/checkpoint.ts'
import {
  CHECKPOINT_FILE_BYTES_MAX,
  checkpointFileName,
  decodeCheckpointFile,
  type SignedCheckpoint,
} from '../../core/checkpoint-file.ts'
import type { ValidatorAnswer } from '../../core/metadata.ts'
import { readContract, type Chain } from '../chains/chains.ts'
import { recoverSigner } from '../submitting/signer.ts'

/** A leaf of an origin's tree. */
type Place = { origin: Chain; index: number }

/** What a relayer wants signed: the message at its leaf of the origin's tree. */
export type Wanted = Place & { messageId: Hash }

/** Where validators' checkpoints come from: their own servers first, the files they announced next. */
export type Checkpoints = {
  /** Asks one validator; the answer's signature is verified. */
  ask: (validator: Address, wanted: Wanted) => Promise<ValidatorAnswer>
  /** Gives what one validator signed at a message's leaf, whichever message it names; undefined when nothing (yet). */
  look: (validator: Address, wanted: Wanted) => Promise<SignedCheckpoint | undefined>
  /** Calls back with the id of each message that a validator signed, until what it returns is called. */
  onSigned: (listener: (messageId: Hash) => void) => () => void
  stop: () => void
}

/** A validator's server, from the network file. */
export type ValidatorEndpoint = { chainId: number; address: Address; url: string }

const CACHE_ENTRIES_MAX = 20_000
const LOCATIONS_TTL_MS = 15_000
const FOLLOW_WAIT_MS = 10_000
const FOLLOW_BYTES_MAX = 4 * 1024 * 1024

/** Opens the sources of checkpoints and follows each validator's server for new ones. */
export function openCheckpoints(options: {
  endpoints: readonly ValidatorEndpoint[]
  onError?: ((error: unknown) => void) | undefined
  /** Told when a validator signed two different things for one leaf. */
  onEquivocation?: ((validator: Address, both: readonly SignedCheckpoint[]) => void) | undefined
}): Checkpoints {
  const { endpoints, onError, onEquivocation } = options
  const cache = new Map<string, SignedCheckpoint>()
  const locations = new Map<string, { atMs: number; found: Promise<readonly string[]> }>()
  const { onSigned, tell } = createListeners()
  const abort = new AbortController()

  const remember = (validator: Address, signed: SignedCheckpoint) => {
    const key = cacheKey(validator, signed.checkpoint.origin, signed.checkpoint.index)
    const before = cache.get(key)
    if (isEquivocation(validator, before, signed)) onEquivocation?.(validator, [before, signed])
    cache.set(key, signed)
    const [oldest] = cache.keys()
    if (cache.size > CACHE_ENTRIES_MAX && oldest !== undefined) cache.delete(oldest)
  }
  const announced = (validator: Address, origin: Chain): Promise<readonly string[]> => {
    const key = `${origin.chainId}:${validator}`
    const known = locations.get(key)
    if (known !== undefined && performance.now() - known.atMs < LOCATIONS_TTL_MS) return known.found
    const found = announcedLocations(validator, origin).catch((error: unknown) => {
      onError?.(error)
      locations.delete(key)
      return []
    })
    locations.set(key, { atMs: performance.now(), found })
    return found
  }
  const fetchOne = async (
    validator: Address,
    wanted: Place,
  ): Promise<SignedCheckpoint | string> => {
    const endpoint = endpointOf(endpoints, validator, wanted.origin)
    const served = endpoint && (await fromServer(`${endpoint.url}/v1/checkpoints/${wanted.index}`))
    if (served !== undefined) return served
    const places = await announced(validator, wanted.origin)
    for (const place of places.toReversed()) {
      const stored = await fromFile(place, wanted.index)
      if (stored !== undefined) return stored
    }
    if (endpoint === undefined && places.length === 0)
      return 'has announced no place for checkpoints'
    return `has no checkpoint ${wanted.index} yet`
  }

  /** What a validator signed at a leaf, or why that is nothing. */
  const find = async (validator: Address, wanted: Wanted): Promise<SignedCheckpoint | string> => {
    const { origin, index, messageId } = wanted
    const heard = cache.get(cacheKey(validator, origin.chainId, index))
    // What was told and does not hold may have been mended meanwhile.
    const holds =
      heard?.checkpoint.messageId === messageId && faultOf(heard, validator, wanted) === undefined
    const found = holds ? heard : await fetchOne(validator, wanted)
    if (typeof found === 'string') return found
    return faultOf(found, validator, wanted) ?? found
  }
  for (const endpoint of endpoints) {
    const validator = endpoint.address.toLowerCase() as Address
    void follow(endpoint, abort.signal, (signed) => {
      remember(validator, signed)
      tell(signed.checkpoint.messageId)
    })
  }
  return { ...questionsOver(find, remember), onSigned, stop: () => abort.abort() }
}

/** Who wants to know what validators sign, and the way to tell them. */
function createListeners(): Pick<Checkpoints, 'onSigned'> & { tell: (messageId: Hash) => void } {
  const listeners = new Set<(messageId: Hash) => void>()
  return {
    onSigned: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell: (messageId) => listeners.forEach((listener) => listener(messageId)),
  }
}

function endpointOf(
  endpoints: readonly ValidatorEndpoint[],
  validator: Address,
  origin: Chain,
): ValidatorEndpoint | undefined {
  return endpoints.find(({ chainId, address }) => {
    return chainId === origin.chainId && address.toLowerCase() === validator
  })
}

/** What can be asked of who finds what a validator signed at a leaf, or why that is nothing. */
function questionsOver(
  find: (validator: Address, wanted: Wanted) => Promise<SignedCheckpoint | string>,
  remember: (validator: Address, signed: SignedCheckpoint) => void,
): Pick<Checkpoints, 'ask' | 'look'> {
  return {
    look: async (validator, wanted) => {
      const found = await find(validator, wanted)
      return typeof found === 'string' ? undefined : found
    },
    ask: async (validator, wanted) => {
      const found = await find(validator, wanted)
      if (typeof found === 'string') return { validator, status: 'missing', reason: found }
      const { messageId, root, index, hook } = found.checkpoint
      if (messageId !== wanted.messageId) {
        return { validator, status: 'missing', reason: `signed another message, ${messageId}` }
      }
      // Only what names the message is kept: an origin that went back is signed anew.
      remember(validator, found)
      return { validator, status: 'signed', root, index, hook, signature: found.signature }
    },
  }
}

function cacheKey(validator: Address, origin: number, index: number): string {
  return `${origin}:${validator}:${index}`
}

/** Two roots or messages for one leaf, each with the validator's own signature. */
function isEquivocation(
  validator: Address,
  one: SignedCheckpoint | undefined,
  other: SignedCheckpoint,
): one is SignedCheckpoint {
  if (one === undefined) return false
  const [a, b] = [one, other].map(({ checkpoint }) => checkpointDigest(checkpoint))
  if (a === b) return false
  return [one, other].every(({ checkpoint, signature }) => {
    return recoverSigner(checkpointDigest(checkpoint), signature) === validator
  })
}

function faultOf(
  signed: SignedCheckpoint,
  validator: Address,
  { origin, index }: Place,
): string | undefined {
  const { checkpoint, signature } = signed
  if (checkpoint.origin !== origin.chainId) return `signed for domain ${checkpoint.origin}`
  if (checkpoint.index !== index) return `gave checkpoint ${checkpoint.index} for ${index}`
  if (checkpoint.hook !== origin.merkleTreeHook.toLowerCase())
    return `signed for hook ${checkpoint.hook}`
  const signer = recoverSigner(checkpointDigest(checkpoint), signature)
  return signer === validator ? undefined : `the signature is by ${signer ?? 'nobody'}`
}

async function announcedLocations(validator: Address, origin: Chain): Promise<readonly string[]> {
  const [found] = await readContract(origin.rpc, {
    address: origin.validatorAnnounce,
    abi: validatorAnnounceAbi,
    functionName: 'getAnnouncedStorageLocations',
    args: [[validator]],
  })
  return found ?? []
}

async function fromServer(url: string): Promise<SignedCheckpoint | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
    return response.ok ? decodeCheckpointFile(await response.text()) : undefined
  } catch {
    // A validator's server may be down while its files are there.
    return undefined
  }
}

async function fromFile(location: string, index: number): Promise<SignedCheckpoint | undefined> {
  if (!location.startsWith('file://')) return undefined
  try {
    const path = join(fileURLToPath(location), checkpointFileName(index))
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > CHECKPOINT_FILE_BYTES_MAX) return undefined
      return decodeCheckpointFile(await file.readFile('utf8'))
    } finally {
      await file.close()
    }
  } catch {
    // Not there (yet), or no path of this machine: the same to who asks.
    return undefined
  }
}

/** Follows a validator's server: it answers as soon as it has signed something new. */
async function follow(
  { url }: ValidatorEndpoint,
  signal: AbortSignal,
  onSigned: (signed: SignedCheckpoint) => void,
): Promise<void> {
  let from: number | 'latest' = 'latest'
  while (!signal.aborted) {
    try {
      const response: Response = await fetch(
        `${url}/v1/checkpoints?from=${from}&waitMs=${FOLLOW_WAIT_MS}`,
        { signal: AbortSignal.any([signal, AbortSignal.timeout(FOLLOW_WAIT_MS + 5_000)]) },
      )
      const text = await response.text()
      if (!response.ok || text.length > FOLLOW_BYTES_MAX) throw new Error(`HTTP ${response.status}`)
      const { next, checkpoints } = JSON.parse(text) as { next: number; checkpoints: unknown[] }
      for (const one of checkpoints) {
        const signed = decodeCheckpointFile(JSON.stringify(one))
        if (signed !== undefined) onSigned(signed)
      }
      from = Number.isSafeInteger(next) ? next : 'latest'
    } catch {
      // Its server is down or restarting; the files still serve.
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}
