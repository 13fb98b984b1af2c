import { z } from 'zod'
import { hashTypedData } from 'viem/utils'
import {
  CONTROL_AGE_MS,
  resumeChainTypes,
  type ResumeRequest,
} from '../../../sdk/protocol/control.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import { tandemDomain } from '../../../sdk/protocol/feeds.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import type { SequencerPort } from '../port.ts'
import { recoverSigner } from '../signing.ts'
import { method, type RpcMethod } from './json-rpc.ts'
import { signatureShape } from './shapes.ts'

const resumeShape = z.strictObject({
  chainId: z.int().min(1),
  issuedAtMs: z.int().min(0),
  signature: signatureShape,
})

/** What the operator's methods work with. */
export type ControlOptions = {
  sequencer: SequencerPort
  logId: Hash
  /** Whose orders count: the sequencer's own key, in lower case. */
  operator: Address
  /** Milliseconds since 1970. */
  nowMs: () => number
}

/** Makes the methods that only the operator may use. */
export function controlMethods(options: ControlOptions): [string, RpcMethod][] {
  return [
    [
      'tandem_resumeChain',
      method(z.tuple([resumeShape]), async ([request]) => {
        checkOrder(options, request)
        const { number, hash } = await options.sequencer.resume(request.chainId)
        return { chainId: request.chainId, number, hash }
      }),
    ],
  ]
}

function checkOrder(
  { logId, operator, nowMs }: ControlOptions,
  { chainId, issuedAtMs, signature }: ResumeRequest,
): void {
  const digest = hashTypedData({
    domain: tandemDomain(logId),
    types: resumeChainTypes,
    primaryType: 'ResumeChain',
    message: { chainId: BigInt(chainId), issuedAtMs: BigInt(issuedAtMs) },
  })
  const actual = recoverSigner(digest, signature) ?? 'nobody'
  if (actual !== operator) {
    throw new TandemError('BAD_SIGNATURE', { what: 'the order', actual, expected: operator })
  }
  const differenceMs = nowMs() - issuedAtMs
  if (Math.abs(differenceMs) <= CONTROL_AGE_MS) return
  const rule = `an order counts for ${CONTROL_AGE_MS} ms; this one is ${differenceMs} ms old`
  throw new TandemError('INVALID_REQUEST', { rule, path: 'issuedAtMs' })
}
