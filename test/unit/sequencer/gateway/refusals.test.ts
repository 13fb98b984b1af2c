import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTandemClient } from '../../../../sdk/client/create-client.ts'
import { verifyRefusal } from '../../../../sdk/client/actions/verify-receipt.ts'
import { RefusedError as ClientRefusedError } from '../../../../sdk/client/rpc.ts'
import { ERRORS, TandemError, type ErrorName } from '../../../../sdk/protocol/errors.ts'
import { refusalDigest } from '../../../../sdk/protocol/receipt-hash.ts'
import type { SignedRefusal } from '../../../../sdk/protocol/receipt.ts'
import { decodeRefusal, type WireRefusal } from '../../../../sdk/protocol/wire.ts'
import { RefusedError } from '../../../../sequencer/shell/port.ts'
import { digestSigner } from '../../../../sequencer/shell/signing.ts'
import { networkFixture } from '../../../fixtures/network.ts'
import { chainId, senders, signedLeg, type Sender } from '../../../fixtures/rollup/driver.ts'
import { testGateway, type TestGateway } from '../../../fixtures/rollup/gateway.ts'
import { logId, sequencerDouble } from '../../../fixtures/rollup/sequencer-double.ts'

const [alice] = senders as [Sender]
const to = `0x${'ab'.repeat(20)}` as const
const key = `0x${'77'.repeat(32)}` as const
const names = Object.keys(ERRORS) as ErrorName[]
/** Every name that any sentence of the registry fills in. */
const values = Object.fromEntries(
  names.flatMap((name) =>
    [...ERRORS[name].message.matchAll(/\{(\w+)\}/g)].map(([, word]) => [word as string, 'x "1" é']),
  ),
)
let gateway: TestGateway
let refused: Error

beforeAll(async () => {
  const fail = () => Promise.reject(refused)
  const { port } = sequencerDouble({ sendBundle: fail, acceptTransaction: fail, refuse })
  gateway = await testGateway(port)
})
afterAll(() => gateway.close())

const refuse = (requestHash: `0x${string}`, error: TandemError): SignedRefusal => {
  const { errorName, values: said } = error
  const unsigned = {
    ...{ version: 1 as const, requestHash, error: errorName, values: said },
    ...{ slot: 7n, issuedAtMs: 1_700_000_000_000 },
  }
  return { ...unsigned, signature: digestSigner(key)(refusalDigest(logId, unsigned)) }
}

/** Lets the sequencer refuse everything with one error; `early` before it is an entry. */
function refuseWith(name: ErrorName, early: boolean): void {
  const error = new TandemError(name, values)
  refused = early ? error : new RefusedError(refuse(`0x${'55'.repeat(32)}`, error))
}

function client() {
  const network = networkFixture()
  const { address } = privateKeyToAccount(key)
  const sequencer = { ...network.sequencer, address, rpcUrl: `${gateway.url}/` }
  return createTandemClient({ network: { ...network, logId, sequencer } })
}

describe('whoever is refused can prove it (I18)', () => {
  test.each(names.flatMap((name) => [[name, true] as const, [name, false] as const]))(
    '%s, before it is an entry: %s',
    async (name, early) => {
      refuseWith(name, early)
      const { rawTx } = await signedLeg(alice, 0, { to })
      const request = [{ txs: [{ chainId, rawTx }] }]
      const error = await client()
        .rpc('eth_sendBundle', request)
        .catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(ClientRefusedError)
      const { refusal, code } = error as ClientRefusedError
      expect(code).toBe(name)
      expect(refusal).toMatchObject({ error: name, values, slot: 7n })
      await verifyRefusal(client(), refusal!)
      const answer = await gateway.call(`/chain/${chainId}`, 'eth_sendRawTransaction', [rawTx])
      await verifyRefusal(client(), decodeRefusal(answer.error?.data?.refusal as WireRefusal))
    },
  )

  test('nothing of a refusal can be changed afterwards', async () => {
    const refusal = refuse(`0x${'55'.repeat(32)}`, new TandemError('EXPIRED', values))
    await verifyRefusal(client(), refusal)
    for (const change of [
      { error: 'NOT_YET' as const },
      { values: { ...values, limit: 'y' } },
      { slot: 8n },
      { issuedAtMs: 1 },
      { requestHash: `0x${'56'.repeat(32)}` as const },
    ]) {
      await expect(verifyRefusal(client(), { ...refusal, ...change })).rejects.toMatchObject({
        fault: 'signer',
      })
    }
  })

  test('a chain that nobody sequences is refused with a signature too', async () => {
    const { error } = await gateway.call('/chain/7777', 'eth_sendRawTransaction', ['0x00'])
    await verifyRefusal(client(), decodeRefusal(error?.data?.refusal as WireRefusal))
  })
})
