import { concatHex, decodeFunctionData } from 'viem/utils'
import { earlyMessagesAbi } from '../../../sdk/abi/early-messages.ts'
import { ismAbi } from '../../../sdk/abi/hyperlane.ts'
import { slotContextAbi } from '../../../sdk/abi/slot-context.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { EarlyMessage } from '../../core/early.ts'
import { wordOfAddress } from '../../core/message.ts'
import { quorumOf, type ValidatorAnswer } from '../../core/metadata.ts'
import { readContract, type Chain } from '../chains/chains.ts'
import type { Checkpoints } from '../metadata/checkpoints.ts'
import type { EarlyChain } from './early-logs.ts'

/** A checkpoint as contracts take it: enough validators signed that a message stands at an index. */
export type Proof = {
  merkleTreeHook: Hash
  root: Hash
  index: number
  messageId: Hash
  /** 65 bytes each, in the order of the set. */
  signatures: Hex
}

/** The validators of an origin whose word counts on a destination. */
export type Validators = { set: readonly Address[]; threshold: number }

/** Reads whose checkpoints of an origin confirm what a destination accepted early. */
export async function readValidators(chain: EarlyChain, origin: number): Promise<Validators> {
  const { rpc, earlyMessages } = chain
  const module = await readContract(rpc, {
    address: earlyMessages,
    abi: earlyMessagesAbi,
    functionName: 'moduleOf',
    args: [origin],
  })
  const [set, threshold] = await readContract(rpc, {
    address: module,
    abi: ismAbi,
    functionName: 'validatorsAndThreshold',
    args: ['0x'],
  })
  return { set: set.map((one) => one.toLowerCase() as Address), threshold }
}

/**
 * Gives what enough validators signed at a message's nonce: the message itself, or another one.
 *
 * @returns undefined when too few have signed anything there yet.
 */
export async function proofAt(
  checkpoints: Checkpoints,
  origin: Chain,
  { message, validators }: { message: EarlyMessage; validators: Validators },
): Promise<Proof | undefined> {
  const { set, threshold } = validators
  const found = await Promise.all(
    set.map((one) => {
      const { nonce: index, messageId } = message
      return checkpoints.look(one, { origin, index, messageId })
    }),
  )
  const named = new Set(
    found.flatMap((one) => (one === undefined ? [] : [one.checkpoint.messageId])),
  )
  for (const messageId of named) {
    const answers = set.map((validator, i): ValidatorAnswer => {
      const signed = found[i]
      if (signed?.checkpoint.messageId !== messageId) {
        return { validator, status: 'missing', reason: 'signed nothing of it' }
      }
      const { root, index, hook } = signed.checkpoint
      return { validator, status: 'signed', root, index, hook, signature: signed.signature }
    })
    const quorum = quorumOf(answers, threshold)
    if (quorum.status !== 'ok') continue
    const { root, index, hook, signatures } = quorum
    return {
      ...{ merkleTreeHook: wordOfAddress(hook), root, index, messageId },
      signatures: concatHex([...signatures]),
    }
  }
  return undefined
}

/** Gives the bytes of a message out of the transaction that delivered it; undefined when it is not there. */
export async function deliveredBytes(
  { rpc }: Chain,
  { transactionHash }: EarlyMessage,
): Promise<Hex | undefined> {
  const found = await rpc.call<{ input: Hex } | null>('eth_getTransactionByHash', [transactionHash])
  if (found === null) return undefined
  const { functionName, args } = decodeFunctionData({ abi: slotContextAbi, data: found.input })
  return functionName === 'deliver' ? args[1] : undefined
}
