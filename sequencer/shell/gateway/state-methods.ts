import { z } from 'zod'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { TransactionRules } from '../drivers/transaction.ts'
import { quantity } from '../history/ethereum-format.ts'
import type { SequencerPort } from '../port.ts'
import { method, type RpcMethod } from './json-rpc.ts'
import { addressShape, blockShape, bytesShape, hashShape, quantityHexShape } from './shapes.ts'
import type { StateRead } from './state-reads.ts'

/** What the methods that read state work with. */
export type StateMethodsOptions = {
  rules: TransactionRules
  read: StateRead
  sequencer: Pick<SequencerPort, 'pendingNonce'>
}

const callShape = z.strictObject({
  from: addressShape.nullish(),
  to: addressShape.nullish(),
  input: bytesShape.nullish(),
  data: bytesShape.nullish(),
  value: quantityHexShape.nullish(),
  gas: quantityHexShape.nullish(),
  gasPrice: quantityHexShape.nullish(),
  maxFeePerGas: quantityHexShape.nullish(),
  maxPriorityFeePerGas: quantityHexShape.nullish(),
  nonce: quantityHexShape.nullish(),
  chainId: quantityHexShape.nullish(),
  type: quantityHexShape.nullish(),
  accessList: z
    .array(z.strictObject({ address: addressShape, storageKeys: z.array(hashShape).max(1_024) }))
    .max(1_024)
    .nullish(),
})

const overridesShape = z.record(
  addressShape,
  z.strictObject({
    balance: quantityHexShape.optional(),
    nonce: quantityHexShape.optional(),
    code: bytesShape.optional(),
    state: z.record(hashShape, hashShape).optional(),
    stateDiff: z.record(hashShape, hashShape).optional(),
  }),
)

const blockOverridesShape = z.strictObject({
  number: quantityHexShape.optional(),
  time: quantityHexShape.optional(),
  gasLimit: quantityHexShape.optional(),
  feeRecipient: addressShape.optional(),
  prevRandao: hashShape.optional(),
  baseFeePerGas: quantityHexShape.optional(),
})

/** A place in storage: libraries write it as a quantity or as a word. */
const slotKeyShape = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/, 'a storage slot is 0x and 1 to 64 hexadecimal digits')
  .transform((text): Hash => `0x${text.slice(2).toLowerCase().padStart(64, '0')}`)

type Given = { gas?: Hex; data?: Hex; input?: Hex }

/** Makes the methods that ask a rollup's node for state. */
export function stateMethods(options: StateMethodsOptions): [string, RpcMethod][] {
  const { rules, read, sequencer } = options
  const atAddress = (name: string) =>
    method(z.tuple([addressShape, blockShape.nullish()]), ([address, block]) =>
      read(name, block, (tag) => [address, tag]),
    )
  return [
    [
      'eth_getTransactionCount',
      method(z.tuple([addressShape, blockShape.nullish()]), async ([address, block]) => {
        if (block === 'pending') {
          return quantity(await sequencer.pendingNonce(rules.chainId, address))
        }
        return await read('eth_getTransactionCount', block, (tag) => [address, tag])
      }),
    ],
    ['eth_getBalance', atAddress('eth_getBalance')],
    ['eth_getCode', atAddress('eth_getCode')],
    [
      'eth_getStorageAt',
      method(
        z.tuple([addressShape, slotKeyShape, blockShape.nullish()]),
        ([address, slot, block]) => read('eth_getStorageAt', block, (tag) => [address, slot, tag]),
      ),
    ],
    [
      'eth_getProof',
      method(
        z.tuple([
          addressShape,
          z.array(slotKeyShape).max(LIMITS.rpcProofKeys),
          blockShape.nullish(),
        ]),
        ([address, slots, block]) => read('eth_getProof', block, (tag) => [address, slots, tag]),
      ),
    ],
    [
      'eth_call',
      method(
        z.tuple([
          callShape,
          blockShape.nullish(),
          overridesShape.nullish(),
          blockOverridesShape.nullish(),
        ]),
        ([call, block, overrides, blockOverrides]) =>
          read('eth_call', block, (tag) =>
            withoutTail([bounded(call), tag, overrides, blockOverrides]),
          ),
      ),
    ],
    [
      'eth_estimateGas',
      method(
        z.tuple([callShape, blockShape.nullish(), overridesShape.nullish()]),
        ([call, block, overrides]) =>
          read('eth_estimateGas', block, (tag) => withoutTail([bounded(call), tag, overrides])),
      ),
    ],
    [
      'eth_createAccessList',
      method(z.tuple([callShape, blockShape.nullish()]), ([call, block]) =>
        read('eth_createAccessList', block, (tag) => [bounded(call), tag]),
      ),
    ],
  ]
}

/** Parameters without the absent ones at their end. */
function withoutTail(params: readonly unknown[]): readonly unknown[] {
  const last = params.findLastIndex((param) => param !== undefined && param !== null)
  return params.slice(0, last + 1).map((param) => param ?? null)
}

/** A call with a bound on its gas: a question must not hold up the node that makes blocks. */
function bounded(call: z.output<typeof callShape>): Record<string, unknown> {
  const given = Object.entries(call).filter(([, value]) => value !== null && value !== undefined)
  const { gas, data, input, ...rest } = Object.fromEntries(given) as Given
  const limit = BigInt(LIMITS.legGas)
  const asked = gas === undefined ? limit : BigInt(gas)
  if (data !== undefined && input !== undefined && data !== input) {
    throw new TandemError('INVALID_REQUEST', {
      rule: 'data and input are equal where both are given',
      path: 'params.0',
    })
  }
  const bytes: Hex | undefined = input ?? data
  return {
    ...rest,
    ...(bytes === undefined ? {} : { input: bytes }),
    gas: quantity(asked < limit ? asked : limit),
  }
}
