import { concatHex, numberToHex } from 'viem/utils'
import type { Signature } from './checkpoint.ts'
import { wordOfAddress } from './message.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'

/** What one validator gave for a message, or why it gave nothing that counts. */
export type ValidatorAnswer = { validator: Address } & (
  | { status: 'signed'; root: Hash; index: number; hook: Address; signature: Signature }
  | { status: 'missing'; reason: string }
)

/** Metadata of a quorum, or who is missing. */
export type Quorum =
  | { status: 'ok'; metadata: Hex }
  | { status: 'below'; have: number; need: number; missing: readonly string[] }

/**
 * Builds messageIdMultisig metadata: hook ‖ root ‖ index ‖ signatures in the order of the set.
 *
 * Signatures count together only when they are over the same root.
 *
 * @param answers - One per validator of the module's set, in its order, each already verified.
 */
export function multisigMetadata(answers: readonly ValidatorAnswer[], threshold: number): Quorum {
  const byRoot = new Map<Hash, Extract<ValidatorAnswer, { status: 'signed' }>[]>()
  for (const answer of answers) {
    if (answer.status !== 'signed') continue
    byRoot.set(answer.root, [...(byRoot.get(answer.root) ?? []), answer])
  }
  const best = [...byRoot.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
  const first = best[0]
  if (first === undefined || best.length < threshold || threshold === 0) {
    return {
      status: 'below',
      have: best.length,
      need: threshold,
      missing: complaints(answers, first?.root),
    }
  }
  const signatures = best.slice(0, threshold).map(({ signature }) => signature)
  const { hook, root, index } = first
  const head = [wordOfAddress(hook), root, numberToHex(index, { size: 4 })]
  return { status: 'ok', metadata: concatHex([...head, ...signatures]) }
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
