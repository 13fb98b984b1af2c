/** What an answer to a sent transaction means for its nonce. */
export type SendOutcome =
  /** The chain has it: accepted now or before. */
  | 'accepted'
  /** Nobody knows whether it arrived; the same bytes go out again. */
  | 'transient'
  /** The nonce is used on chain. */
  | 'nonce_used'
  /** A lower nonce is missing there. */
  | 'nonce_gap'
  /** The offer is below what the chain takes. */
  | 'underpriced'
  /** The signer cannot pay. */
  | 'unfunded'
  /** The chain will not take this transaction, whenever it is sent. */
  | 'refused'

/** A JSON-RPC error as a node gave it. */
export type RpcFault = { code: number; message: string }

/** Error codes of Tandem's gateway, −38000…−38099. */
const GATEWAY: Readonly<Record<number, SendOutcome>> = {
  [-38005]: 'nonce_used',
  [-38006]: 'nonce_gap',
  [-38007]: 'underpriced',
  [-38009]: 'unfunded',
  [-38012]: 'accepted',
  [-38014]: 'accepted',
  [-38016]: 'transient',
  [-38020]: 'transient',
  [-38021]: 'transient',
  [-38022]: 'transient',
  [-38027]: 'transient',
  [-38029]: 'transient',
}

/** Words of nodes, which have no codes of their own for these; the first match counts. */
const WORDS: readonly (readonly [RegExp, SendOutcome])[] = [
  [/already (known|imported)|known transaction/i, 'accepted'],
  [/nonce too low/i, 'nonce_used'],
  [/nonce too high|nonce gap|gapped/i, 'nonce_gap'],
  [/underpriced|fee (cap )?(is )?(too low|less than)|max fee per gas less/i, 'underpriced'],
  [/insufficient funds/i, 'unfunded'],
  [/timeout|timed out|rate limit|too many requests|temporar|unavailable/i, 'transient'],
]

/** Says what a node's error about a sent transaction means. */
export function sendOutcomeOf({ code, message }: RpcFault): SendOutcome {
  const known = GATEWAY[code]
  if (known !== undefined) return known
  for (const [words, outcome] of WORDS) if (words.test(message)) return outcome
  return 'refused'
}
