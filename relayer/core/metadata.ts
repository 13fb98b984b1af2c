import { concatHex, numberToHex } from 'viem/utils'
import type { Signature } from './checkpoint.ts'
import { wordOfAddress } from './message.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'

/** What one validator gave for a message, or why it gave nothing that counts. */
export type ValidatorAnswer = { validator: Address } & (
  | { status: 'signed'; root: Hash; index: number; hook: Address; signature: Signature }
  | { status: 'missing'; reason: string }
)

/** Signatures that count together, and over what; or who is missing. */
export type SignedQuorum =
  | { status: 'ok'; root: Hash; index: number; hook: Address; signatures: readonly Signature[] }
  | { status: 'below'; have: number; need: number; missing: readonly string[] }

/**
 * Finds the signatures that count together: those over the same root, in the order of the set.
 *
 * @param answers - One per validator of the module's set, in its order, each already verified.
 */
export function quorumOf(answers: readonly ValidatorAnswer[], threshold: number): SignedQuorum {
  const byRoot = new Map<Hash, Extract<ValidatorAnswer, { status: 'signed' }>[]>()
  for (const answer of answers) {
    if (answer.status !== 'signed') continue
    byRoot.set(answer.root, [...(byRoot.get(answer.root) ?? []), answer])
  }
  const best = [...byRoot.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
  const first = best[0]
  if (first === undefined || best.length < threshold || threshold === 0) {
    const missing = complaints(answers, first?.root)
    return { status: 'below', have: best.length, need: threshold, missing }
  }
  const { hook, root, index } = first
  const signatures = best.slice(0, threshold).map(({ signature }) => signature)
  return { status: 'ok', root, index, hook, signatures }
}

/** Builds messageIdMultisig metadata: hook ‖ root ‖ index ‖ signatures in the order of the set. */
export function multisigMetadata(quorum: Extract<SignedQuorum, { status: 'ok' }>): Hex {
  const { hook, root, index, signatures } = quorum
  const head = [wordOfAddress(hook), root, numberToHex(index, { size: 4 })]
  return concatHex([...head, ...signatures])
}

/**
 * Builds merkleRootMultisig metadata for a message that is the newest leaf of the signed tree:
 * hook ‖ leaf index ‖ signed message id ‖ path (32 words) ‖ signed index ‖ signatures.
 */
export function merkleRootMetadata(
  quorum: Extract<SignedQuorum, { status: 'ok' }>,
  { messageId, path }: { messageId: Hash; path: readonly Hash[] },
): Hex {
  const index = numberToHex(quorum.index, { size: 4 })
  const head = [wordOfAddress(quorum.hook), index, messageId, ...path, index]
  return concatHex([...head, ...quorum.signatures])
}

/**
 * Builds aggregation metadata: for each module where its part starts and ends (two uint32), then the
 * parts. A module without a part has 0 and 0.
 */
export function aggregationMetadata(parts: readonly (Hex | undefined)[]): Hex {
  let end = 8 * parts.length
  const ranges = parts.flatMap((part) => {
    if (part === undefined) return [0, 0]
    const start = end
    end += (part.length - 2) / 2
    return [start, end]
  })
  const words = ranges.map((place) => numberToHex(place, { size: 4 }))
  return concatHex([...words, ...parts.filter((part) => part !== undefined)])
}

function complaints(
  answers: readonly ValidatorAnswer[],
  root: Hash | undefined,
): readonly string[] {
  return answers.flatMap((answer) => {
    if (answer.status === 'missing') return [`${answer.validator}: ${answer.reason}`]
    return answer.root === root ? [] : [`${answer.validator}: signed another root, ${answer.root}`]
  })
}
