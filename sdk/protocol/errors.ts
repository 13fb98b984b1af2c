/** One error that a user can meet: its number on JSON-RPC, what it says, whether a retry may help. */
export type ErrorDefinition = { code: number; message: string; retryable: boolean }

const define = <const T extends Record<string, ErrorDefinition>>(definitions: T): T => definitions

/**
 * Every error of Tandem's interfaces: name to JSON-RPC code (−38000…−38099), English sentence
 * (`{name}` is filled from the values), and whether the same request may succeed later.
 */
export const ERRORS = define({
  INVALID_REQUEST: {
    code: -38000,
    message: 'The request breaks the rule "{rule}" at {path}.',
    retryable: false,
  },
  TOO_LARGE: {
    code: -38001,
    message: 'The {what} has {actual} and the limit is {limit}.',
    retryable: false,
  },
  UNKNOWN_CHAIN: {
    code: -38002,
    message: 'Chain {chainId} is not sequenced here; sequenced: {known}.',
    retryable: false,
  },
  INVALID_TRANSACTION: {
    code: -38003,
    message: 'Leg {leg} is not a valid signed transaction: {reason}.',
    retryable: false,
  },
  WRONG_CHAIN: {
    code: -38004,
    message: 'Leg {leg} is signed for chain {signed} and sent to chain {chainId}.',
    retryable: false,
  },
  NONCE_TOO_LOW: {
    code: -38005,
    message: 'Nonce {nonce} of {sender} on chain {chainId} is used; expected {expected}.',
    retryable: false,
  },
  NONCE_GAP: {
    code: -38006,
    message: 'Nonce {nonce} of {sender} on chain {chainId} leaves a gap; expected {expected}.',
    retryable: true,
  },
  FEE_TOO_LOW: {
    code: -38007,
    message: 'Leg {leg} offers {maxFeePerGas} wei per gas and the base fee is {baseFee}.',
    retryable: false,
  },
  GAS_LIMIT: {
    code: -38008,
    message: 'Leg {leg} asks for {gas} gas; allowed are {minimum} to {maximum}.',
    retryable: false,
  },
  INSUFFICIENT_FUNDS: {
    code: -38009,
    message: '{sender} has {balance} wei on chain {chainId} and its legs may cost {cost}.',
    retryable: true,
  },
  SENDER_HAS_CODE: {
    code: -38010,
    message: '{sender} has code on chain {chainId} and cannot sign transactions.',
    retryable: false,
  },
  UNSUPPORTED: {
    code: -38011,
    message: '{what} is not supported: {reason}.',
    retryable: false,
  },
  ALREADY_KNOWN: {
    code: -38012,
    message: 'Entry {entryId} is known already.',
    retryable: false,
  },
  LEG_ALONE: {
    code: -38013,
    message: 'Transaction {hash} is a required leg of bundle {bundleHash} and does not go alone.',
    retryable: false,
  },
  ALREADY_SEQUENCED: {
    code: -38014,
    message: 'Bundle {bundleHash} stands in slot {slot} and cannot be cancelled.',
    retryable: false,
  },
  EXPIRED: {
    code: -38015,
    message: 'The window ended at {limit} and the log is at {actual}.',
    retryable: false,
  },
  NOT_YET: {
    code: -38016,
    message: 'The window opens at {limit}, more than {horizon} ahead of {actual}.',
    retryable: true,
  },
  LEG_FAILED: {
    code: -38017,
    message: 'Leg {leg} on chain {chainId} failed: {reason}. No leg took effect.',
    retryable: false,
  },
  CANCELLED: {
    code: -38018,
    message: 'The bundle was cancelled by its sender.',
    retryable: false,
  },
  REPLACED: {
    code: -38019,
    message: 'It was replaced by {bundleHash}.',
    retryable: false,
  },
  TOO_MANY_HELD: {
    code: -38020,
    message: '{sender} has {held} bundles waiting and the limit is {limit}.',
    retryable: true,
  },
  CHAIN_STOPPED: {
    code: -38021,
    message: 'Chain {chainId} is stopped: {reason}.',
    retryable: true,
  },
  NOT_READY: {
    code: -38022,
    message: 'The sequencer does not take entries now: {reason}.',
    retryable: true,
  },
  UNKNOWN_BUNDLE: {
    code: -38023,
    message: 'No bundle {bundleHash} is known here.',
    retryable: false,
  },
  BAD_SIGNATURE: {
    code: -38024,
    message: 'The signature over {what} is by {actual}; expected {expected}.',
    retryable: false,
  },
  STALE_SEQUENCE: {
    code: -38025,
    message: 'Sequence {sequence} of {what} is not above {current}.',
    retryable: false,
  },
  MARGIN_UNAVAILABLE: {
    code: -38026,
    message: 'Margin of {account} cannot be attested: {reason}.',
    retryable: true,
  },
  OVERLOADED: {
    code: -38027,
    message: 'The {queue} is full: {actual} of {limit}.',
    retryable: true,
  },
  REVERTING_HASH: {
    code: -38028,
    message: 'revertingTxHashes names {hash}, which is no leg of this bundle.',
    retryable: false,
  },
  TRANSIENT: {
    code: -38029,
    message: 'The {what} did not answer: {reason}.',
    retryable: true,
  },
  CONDITION_FAILED: {
    code: -38030,
    message: 'Leg {leg} on chain {chainId} needs {expected} and finds {actual}.',
    retryable: true,
  },
  MARGIN_TOO_LOW: {
    code: -38031,
    message: 'Initial margin of {account} would be {actual} and must be at least {limit}.',
    retryable: true,
  },
  THROTTLED: {
    code: -38032,
    message:
      '{failures} bundles of {sender} failed of late, limit {limit}: wait until slot {slot}.',
    retryable: true,
  },
  VOIDED: {
    code: -38033,
    message: 'The entry stands in slot {slot} without effect: {reason}.',
    retryable: false,
  },
  NOT_STOPPED: {
    code: -38034,
    message: 'Chain {chainId} is not stopped.',
    retryable: false,
  },
  RESUME_FAILED: {
    code: -38035,
    message: 'Chain {chainId} stays stopped: {reason}.',
    retryable: true,
  },
  UNDERPRICED: {
    code: -38041,
    message:
      'Transaction {hash} waits with nonce {nonce}; replacing it takes {needed} wei per gas, a tip ' +
      'a tenth higher, and {offered} are offered.',
    retryable: false,
  },
  STATE_PRUNED: {
    code: -38040,
    message: 'State after block {block} is not kept; the oldest kept is after block {oldest}.',
    retryable: false,
  },
})

/** Name of an error of the registry. */
export type ErrorName = keyof typeof ERRORS

/** Values that an error's sentence is filled with. */
export type ErrorValues = Record<string, string | number>

/** Fills an error's sentence with its values. */
export function errorMessage(name: ErrorName, values: ErrorValues): string {
  return ERRORS[name].message.replaceAll(/\{(\w+)\}/g, (whole, key: string) =>
    key in values ? String(values[key]) : whole,
  )
}

/** An error that leaves a package of ours: named, coded, with the rule and the values. */
export class BaseError extends Error {
  override readonly name: string = 'BaseError'
  readonly code: string
  readonly retryable: boolean
  readonly shortMessage: string
  readonly metaMessages: readonly string[]

  constructor(
    shortMessage: string,
    options: {
      code: string
      retryable: boolean
      metaMessages?: readonly string[] | undefined
      cause?: unknown
    },
  ) {
    const metaMessages = options.metaMessages ?? []
    super([shortMessage, ...metaMessages].join('\n'), { cause: options.cause })
    this.code = options.code
    this.retryable = options.retryable
    this.shortMessage = shortMessage
    this.metaMessages = metaMessages
  }
}

/** An error of the registry, with the values that its sentence names. */
export class TandemError extends BaseError {
  override readonly name = 'TandemError'
  readonly errorName: ErrorName
  readonly values: ErrorValues
  /** JSON-RPC error code, −38000…−38099. */
  readonly rpcCode: number

  constructor(errorName: ErrorName, values: ErrorValues, cause?: unknown) {
    const { code, retryable } = ERRORS[errorName]
    super(errorMessage(errorName, values), { code: errorName, retryable, cause })
    this.errorName = errorName
    this.values = values
    this.rpcCode = code
  }
}
