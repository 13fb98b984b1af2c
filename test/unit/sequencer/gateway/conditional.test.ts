import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TandemError } from '../../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import { RefusedError } from '../../../../sequencer/shell/port.ts'
import { chainId, senders, signedLeg, type Sender } from '../../../fixtures/rollup/driver.ts'
import { testGateway, type TestGateway } from '../../../fixtures/rollup/gateway.ts'
import { sequencerDouble, type Reached } from '../../../fixtures/rollup/sequencer-double.ts'

const [alice] = senders as [Sender]
const to = `0x${'ab'.repeat(20)}` as const
let gateway: TestGateway
let reached: Reached[]

beforeEach(async () => {
  const double = sequencerDouble()
  reached = double.reached
  gateway = await testGateway(double.port)
})
afterEach(async () => {
  await gateway.close()
})

describe('eth_sendRawTransactionConditional (ERC-7796)', () => {
  const path = `/chain/${chainId}`
  const slot = `0x${'01'.repeat(32)}`
  const options = {
    blockNumberMax: '0x20',
    timestampMin: 5,
    knownAccounts: { [to]: { [slot]: slot } },
  }

  test('hands the condition on with the transaction and answers its hash', async () => {
    const leg = await signedLeg(alice, 0, { to })
    const { result } = await gateway.call(path, 'eth_sendRawTransactionConditional', [
      leg.rawTx,
      options,
    ])
    expect(result).toBe(leg.hash)
    expect(reached).toMatchObject([
      {
        method: 'sendBundle',
        argument: {
          legs: [{ hash: leg.hash }],
          conditional: [
            {
              chainId,
              blockNumberMax: 32,
              timestampMin: 5,
              knownAccounts: [{ address: to, slots: [{ slot, value: slot }] }],
            },
          ],
        },
      },
    ])
  })

  test('says that the condition does not hold as the standard does, with a refusal (I18)', async () => {
    await gateway.close()
    const { port } = sequencerDouble()
    const values = { leg: 0, chainId, expected: '1', actual: '2' }
    const error = new TandemError('CONDITION_FAILED', values)
    const refusing = {
      sendBundle: () => Promise.reject(new RefusedError(port.refuse(slot as Hash, error))),
    }
    gateway = await testGateway(sequencerDouble(refusing).port)
    const leg = await signedLeg(alice, 0, { to })
    const answer = await gateway.call(path, 'eth_sendRawTransactionConditional', [leg.rawTx, {}])
    expect(answer.error).toMatchObject({
      code: -32003,
      data: { name: 'CONDITION_FAILED', refusal: { error: 'CONDITION_FAILED', values } },
    })
  })

  test('a storage root, which nobody knows inside a slot, is refused by name', async () => {
    const leg = await signedLeg(alice, 0, { to })
    const rooted = { knownAccounts: { [to]: slot } }
    const answer = await gateway.call(path, 'eth_sendRawTransactionConditional', [
      leg.rawTx,
      rooted,
    ])
    expect(answer.error?.data).toMatchObject({ name: 'UNSUPPORTED', refusal: expect.any(Object) })
    expect(reached).toEqual([])
  })
})
