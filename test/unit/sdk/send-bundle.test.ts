import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { sendBundle } from '../../../sdk/client/actions/send-bundle.ts'
import type { TandemClient } from '../../../sdk/client/create-client.ts'
import type { BundleGuard } from '../../../sdk/client/guard.ts'
import { developmentKey } from '../../../sdk/process/keys.ts'
import type { BundleRequest } from '../../../sdk/protocol/bundle.ts'

const to = `0x${'ab'.repeat(20)}` as const

/** A client of a gateway that takes down what it is sent and refuses it. */
function clientDouble() {
  const sent: BundleRequest[] = []
  const rpc = async (method: string, params: readonly unknown[]) => {
    if (method === 'tandem_status') {
      return { slot: 1_000, marksSeq: '0', risk: { marksSeq: '0', paramsVersion: 1 } }
    }
    sent.push(params[0] as BundleRequest)
    throw new Error('refused')
  }
  const chain = { getTransactionCount: async () => 0, getGasPrice: async () => 1n }
  const account = privateKeyToAccount(developmentKey('faucet').privateKey)
  const client = {
    account,
    rpc,
    on: () => chain,
    inTurn: (_ids: unknown, run: () => unknown) => run(),
  }
  return { client: client as unknown as TandemClient, sent }
}

test('legs are made with the guard that their bundle is listed under (I21)', async () => {
  const { client, sent } = clientDouble()
  const given: BundleGuard[] = []
  const calls = (guard: BundleGuard) => {
    given.push(guard)
    return [{ chainId: 902, to, data: guard.salt }]
  }
  for (let i = 0; i < 2; i++) await expect(sendBundle(client, { calls })).rejects.toThrow('refused')
  const [first, second] = given
  expect(sent).toMatchObject(given)
  expect(first).toMatchObject({ maxSlot: 1_600n })
  expect(first!.salt).not.toBe(second!.salt)
  // What the caller names stays.
  const named = { salt: `0x${'5a'.repeat(32)}` as const, maxSlot: 7n }
  await expect(sendBundle(client, { calls, ...named })).rejects.toThrow('refused')
  expect([sent[2], given[2]]).toMatchObject([named, named])
})
