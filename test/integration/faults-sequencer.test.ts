import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFaucet } from '../../cli/faucet/fund.ts'
import { getStatus } from '../../sdk/client/actions/get-status.ts'
import type { TandemClient } from '../../sdk/client/create-client.ts'
import { cancelBundleTypes } from '../../sdk/protocol/bundle.ts'
import { tandemDomain } from '../../sdk/protocol/feeds.ts'
import { decodeReceipt, type WireReceipt } from '../../sdk/protocol/wire.ts'
import { connectIpc } from '../../sequencer/shell/drivers/ipc.ts'
import { deriveUndisturbed } from '../fixtures/faults/derive.ts'
import { setFuse, type Fuse } from '../fixtures/faults/fuse.ts'
import { publishedHashes } from '../fixtures/faults/published.ts'
import { refusalOf, sendAlone } from '../fixtures/faults/refusals.ts'
import { untilDead, untilReplaced } from '../fixtures/faults/replaced.ts'
import {
  insist,
  openPayer,
  sealed,
  send,
  Till,
  type Payer,
  type SignedTransfer,
} from '../fixtures/faults/till.ts'
import { stateOf } from '../fixtures/faults/state.ts'
import { Witness } from '../fixtures/faults/witness.ts'
import { eventually } from '../fixtures/relayer/processes.ts'
import { TestNetwork } from '../fixtures/running-network.ts'

// Goal: whatever is killed, thrown in or sent twice, no reader of any rollup ever sees a part of a
// bundle, and the blocks are those of a run in which nothing happened.

const main = fileURLToPath(new URL('../fixtures/faults/network-main.ts', import.meta.url))
const running = new TestNetwork(main)
/** Whom only bundles pay that must not stand. */
const never = privateKeyToAccount(generatePrivateKey()).address
const someone = privateKeyToAccount(generatePrivateKey()).address
/** Legs that must be in no block. */
const refusedLegs: SignedTransfer[] = []
/** An amount that no other leg has: so no two are the same bytes. */
let amounts = 1n
const nextAmount = () => amounts++
let client: TandemClient
let till: Till
/** Sends what fails, is doubled or cancelled. */
let other: Payer
let witness: Witness

beforeAll(async () => {
  const network = await running.up(['--chains', '3', '--bare'])
  const fund = openFaucet(network)
  const payers = await Promise.all([openPayer(network, fund), openPayer(network, fund)])
  till = new Till(payers[0])
  other = payers[1]
  client = till.payer.client
  witness = new Witness(till, never)
}, 200_000)

afterAll(async () => {
  await witness?.stop()
  await running.remove()
})

describe('a sequencer that is killed', { timeout: 120_000 }, () => {
  const fuses: Fuse[] = ['sequencer:durable', 'sequencer:sealed:902', 'sequencer:published:903']
  test.each(fuses)(
    'at %s answers a retry with the first receipt and executes once (I4, I6, I8, I16)',
    async (fuse) => {
      const pid = running.pidOf('sequencer')
      const bundle = await till.next()
      setFuse(running.directory, fuse)
      const first = await send(client, bundle).catch(() => undefined)
      expect(fuse === 'sequencer:durable' && first !== undefined).toBe(false)
      const diedMs = await untilDead(pid)

      const again = await insist(() => send(client, bundle))
      expect(again.receipt.preconfirmation.issuedAtMs).toBeLessThan(diedMs)
      expect(first?.receipt ?? again.receipt).toEqual(again.receipt)
      const kept = await client.rpc<WireReceipt>('tandem_getReceipt', [again.bundleHash])
      expect(decodeReceipt(kept)).toEqual(again.receipt)
      await till.settled()
    },
  )
})

describe('a rollup whose node is killed under load', { timeout: 120_000 }, () => {
  test.each([901, 902, 904])(
    'is derived again, here %i, and every bundle sent meanwhile stands (I3, I4)',
    async (chainId) => {
      const name = `node-${chainId}`
      const pid = running.pidOf(name)
      const load = till.keepPaying()
      try {
        const before = till.made
        await eventually('some load', () => till.made > before + 1)
        process.kill(pid, 'SIGKILL')
        await untilReplaced(running, name, pid)
        const meanwhile = till.made
        await eventually('load on the new node', () => till.made > meanwhile + 3, 60_000)
      } finally {
        await load.stop()
      }
      await till.settled()
      expect((await getStatus(client)).stopped).toEqual([])
    },
  )
})

describe('a bundle with a failing leg', { timeout: 120_000 }, () => {
  const cases = [
    { place: 'first', at: 0, how: 'reverts' },
    { place: 'in the middle', at: 1, how: 'runs out of gas' },
    { place: 'last', at: 2, how: 'reverts' },
  ] as const
  test.each(cases)(
    'that $how $place leaves no trace on any rollup (I4, I7, I18, I21)',
    async ({ at, how }) => {
      const before = await stateOf(client, other.address)
      const maxSlot = (await getStatus(client)).slot + 4_000n
      const legs = await Promise.all(
        before.map(({ chainId, nonce, tokens }, i) => {
          const bad = how === 'reverts' ? { amount: tokens + 1n } : { gas: 30_000n }
          const amount = nextAmount()
          return other.leg({ chainId, nonce, to: never, amount, ...(i === at ? bad : {}) })
        }),
      )
      witness.forbid(legs.map(({ hash }) => hash))
      refusedLegs.push(...legs)
      const load = till.keepPaying()
      try {
        const refused = await refusalOf(client, send(client, sealed(legs, { maxSlot })))
        expect(refused.errorName).toBe('LEG_FAILED')
        expect(refused.values).toMatchObject({ leg: at, chainId: before[at]!.chainId })
        for (const leg of legs) {
          expect((await refusalOf(client, sendAlone(client, leg))).errorName).toBe('LEG_ALONE')
        }
      } finally {
        await load.stop()
      }
      await till.settled()
      expect(await stateOf(client, other.address)).toEqual(before)
    },
  )

  test('gives its nonces back: the same ones stand in the next bundle (I7)', async () => {
    const before = await stateOf(client, other.address)
    const legs = before.map(({ chainId, nonce }) =>
      other.leg({ chainId, nonce, to: someone, amount: nextAmount() }),
    )
    await send(client, sealed(await Promise.all(legs)))
    await eventually('the bundle on every rollup', async () =>
      (await stateOf(client, other.address)).every(
        ({ nonce }, i) => nonce === before[i]!.nonce + 1,
      ),
    )
  })
})

describe('what is sent twice, or in parts', { timeout: 120_000 }, () => {
  const freshBundle = async (terms: Parameters<typeof sealed>[1] = {}) => {
    const state = await stateOf(client, other.address)
    const legs = await Promise.all(
      state.map(({ chainId, pending }) =>
        other.leg({ chainId, nonce: pending, to: someone, amount: nextAmount() }),
      ),
    )
    return { legs, bundle: sealed(legs, terms) }
  }

  test('one bundle from two clients at once stands once, with one receipt (I6)', async () => {
    const before = await stateOf(client, other.address)
    const { bundle } = await freshBundle()
    const answers = await Promise.all([
      send(client, bundle),
      send(client, bundle),
      send(client, bundle),
    ])
    expect(answers[1]).toMatchObject({ receipt: answers[0].receipt })
    expect(answers[2]).toMatchObject({ receipt: answers[0].receipt })
    await eventually('the bundle on every rollup', async () =>
      (await stateOf(client, other.address)).every(
        ({ nonce }, i) => nonce === before[i]!.nonce + 1,
      ),
    )
  })

  test('a leg stands in one bundle, and not alone afterwards (I6, I21)', async () => {
    const { legs, bundle } = await freshBundle()
    const permuted = sealed(legs.toReversed())
    const results = await Promise.allSettled([send(client, bundle), send(client, permuted)])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    for (const again of [permuted, sealed(legs.slice(0, 1))]) {
      expect((await refusalOf(client, send(client, again))).errorName).toBe('LEG_ALONE')
    }
    expect((await refusalOf(client, sendAlone(client, legs[0]!))).errorName).toBe('LEG_ALONE')
  })

  test('a cancelled bundle stays cancelled through a kill; a sequenced one cannot be (I20, I21)', async () => {
    const cancel = async (replacementUuid: string) => {
      const signature = await other.client.account!.signTypedData({
        domain: tandemDomain(client.network.logId as `0x${string}`),
        types: cancelBundleTypes,
        primaryType: 'CancelBundle',
        message: { replacementUuid, sender: other.address },
      })
      return await client.rpc('eth_cancelBundle', [
        { replacementUuid, sender: other.address, signature },
      ])
    }
    const { slot } = await getStatus(client)
    const waiting = 'c0ffee00-0000-4000-8000-000000000001'
    const far = { minSlot: slot + 3_000n, maxSlot: slot + 4_000n, replacementUuid: waiting }
    const { legs, bundle } = await freshBundle(far)
    witness.forbid(legs.map(({ hash }) => hash))
    refusedLegs.push(...legs)
    const held = refusalOf(client, send(client, bundle))
    await eventually('the bundle waits', async () => {
      const { held: count } = await client.rpc<{ held: number }>('tandem_status', [])
      return count > 0
    })
    await cancel(waiting)
    expect((await held).errorName).toBe('CANCELLED')

    const pid = running.pidOf('sequencer')
    process.kill(pid, 'SIGKILL')
    await untilReplaced(running, 'sequencer', pid)
    expect(
      (
        await refusalOf(
          client,
          insist(() => send(client, bundle)),
        )
      ).errorName,
    ).toBe('CANCELLED')
    // A replay after the restart: every leg that was ever refused with its bundle.
    for (const leg of refusedLegs) {
      expect((await refusalOf(client, sendAlone(client, leg))).errorName).toMatch(
        /LEG_ALONE|NONCE_TOO_LOW/,
      )
    }
    const done = 'c0ffee00-0000-4000-8000-000000000002'
    const standing = await freshBundle({ replacementUuid: done })
    const { receipt } = await send(client, standing.bundle)
    expect((await refusalOf(client, cancel(done))).errorName).toBe('ALREADY_SEQUENCED')
    expect(await send(client, standing.bundle)).toMatchObject({ receipt })
  })
})

test('what is put straight into a node is seen by nobody and changes nothing', async () => {
  const chainId = till.chainIds[0]!
  await eventually('nothing is under way', async () =>
    (await stateOf(client, other.address)).every(({ nonce, pending }) => nonce === pending),
  )
  const before = (await stateOf(client, other.address)).find((state) => state.chainId === chainId)!
  const intruder = await connectIpc(join(running.directory, 'private', 'nodes', `${chainId}.ipc`))
  const foreign = async (to: Address) => {
    const amount = nextAmount()
    const leg = await other.leg({ chainId, nonce: before.nonce, to, amount })
    witness.forbid([leg.hash])
    refusedLegs.push(leg)
    await intruder.call('eth_sendRawTransaction', [leg.rawTx])
  }
  await foreign(never)
  await till.pay()
  await till.settled()
  // Once more, and mined at once, on top of what everybody sees.
  const aside = privateKeyToAccount(generatePrivateKey()).address
  await foreign(aside)
  await intruder.call('evm_mine', [{ timestamp: Math.ceil(Date.now() / 1_000) }])
  await till.pay()
  await till.settled()
  intruder.close()
  const after = (await stateOf(client, other.address)).find((state) => state.chainId === chainId)!
  expect(after).toEqual(before)
  expect(await stateOf(client, aside)).toMatchObject(till.chainIds.map(() => ({ tokens: 0n })))
  expect((await getStatus(client)).stopped).toEqual([])
}, 120_000)

test('in the end every block is that of an undisturbed run, and no reader saw another (I3, I6, I19)', async () => {
  await till.settled()
  await witness.stop()
  expect(witness.answers).toBeGreaterThan(20)
  expect(witness.faults.slice(0, 20)).toEqual([])
  const published = await publishedHashes(client)
  const undisturbed = await deriveUndisturbed(running.directory, client.network)
  for (const [chainId, hashes] of published) {
    expect(undisturbed.hashes.get(chainId)!.slice(0, hashes.length)).toEqual(hashes)
    for (const [number, hash] of witness.seen.get(chainId) ?? [])
      expect(hashes[number - 1]).toBe(hash)
  }
  const { records } = undisturbed
  const entryIds = records.flatMap(({ entries }) => entries.map(({ entryId }) => entryId))
  const legs = records.flatMap(({ chains }) => chains.flatMap((chain) => chain.legs))
  const legHashes = legs.map(({ hash }) => hash)
  expect(new Set(entryIds).size).toBe(entryIds.length)
  expect(new Set(legHashes).size).toBe(legHashes.length)
  const refused = new Set(refusedLegs.map(({ hash }) => hash))
  expect(legHashes.filter((hash) => refused.has(hash))).toEqual([])
}, 200_000)
