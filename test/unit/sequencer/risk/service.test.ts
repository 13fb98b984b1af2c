import { recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { developmentKey } from '../../../../sdk/process/keys.ts'
import { tandemDomain, type FeedUpdate } from '../../../../sdk/protocol/feeds.ts'
import {
  accountId,
  KIND,
  packInstrumentId,
  packRiskKey,
  RIGHT,
} from '../../../../sdk/protocol/ids.ts'
import { marginAttestationTypes } from '../../../../sdk/protocol/margin.ts'
import { parametersOf } from '../../../../sdk/risk/ledger.ts'
import { HubBooks } from '../../../../sequencer/shell/risk/hub-books.ts'
import { openRiskService } from '../../../../sequencer/shell/risk/service.ts'
import { HUB_DOUBLE, hubDouble, type HubState } from '../../../fixtures/hub-double.ts'
import { networkFixture } from '../../../fixtures/network.ts'

const NOW_MS = 1_800_000_000_000
const EXPIRY_S = NOW_MS / 1000 + 30 * 86_400
const ONE_18 = 10n ** 18n
const ACCOUNT = accountId(developmentKey('faucet').address)
const PUT = packInstrumentId(
  9021,
  packRiskKey({
    underlying: 1,
    kind: KIND.option,
    expiryS: EXPIRY_S,
    strike8: 70_000n * 10n ** 8n,
    right: RIGHT.put,
  }),
)
const risk = developmentKey('risk')

const BTC: FeedUpdate = {
  underlying: 1,
  sequence: 7n,
  timestampMs: NOW_MS - 500,
  spot8: 76_000n * 10n ** 8n,
  spotConfidence4: 10_000,
  stable8: 10n ** 8n,
  expiries: [
    {
      expiryS: EXPIRY_S,
      forward8: 76_200n * 10n ** 8n,
      rate6: 0,
      a9: 10_000_000n,
      b9: 40_000_000n,
      rho9: -300_000_000n,
      m9: 0n,
      s9: 100_000_000n,
      tauS: 30 * 86_400,
      confidence4: 10_000,
    },
  ],
}

function open(change: Partial<HubState> = {}) {
  const state: HubState = {
    marksSeq: 7n,
    updates: [BTC],
    positions: [],
    claims: [[1, 20_000n * ONE_18]],
    ...change,
  }
  const network = networkFixture({
    assets: [{ id: 1, symbol: 'USDC', tokens: {} }],
    underlyings: [{ id: 1, symbol: 'BTC' }],
  })
  for (const chain of network.chains) Object.assign(chain.contracts, HUB_DOUBLE)
  const books = new HubBooks({
    read: hubDouble(state),
    ...HUB_DOUBLE,
    underlyings: network.underlyings.map(({ id }) => id),
  })
  const service = openRiskService({
    network,
    books,
    marks: () => books.marks(),
    parameters: parametersOf(network.assets),
    key: privateKeyToAccount(risk.privateKey),
    slot: () => ({ height: 50n, timestampMs: NOW_MS }),
    validForSlots: 100n,
    marksAgeMsMax: 60_000,
  })
  return { service, state, network }
}

const sold = { positions: [{ instrument: PUT, size18: -ONE_18 }], claims: [] }
const nothing = { positions: [], claims: [] }

describe('the risk signer', () => {
  test('attests cash at its amount, bound to marks and slots, with its own key', async () => {
    const { service, network } = open()
    const { attestation, signature } = await service.marginAttestation(ACCOUNT, nothing)
    expect(attestation).toMatchObject({
      account: ACCOUNT,
      marksSeq: 7n,
      initial18: 20_000n * ONE_18,
      equity18: 20_000n * ONE_18,
      validUntilSlot: 150n,
    })
    const signer = await recoverTypedDataAddress({
      domain: tandemDomain(network.logId),
      types: marginAttestationTypes,
      primaryType: 'MarginAttestation',
      message: attestation,
      signature,
    })
    expect(signer).toBe(risk.address)
  })

  test('a change is margined as if it stood on the books', async () => {
    const booked = open({ positions: [[PUT, -ONE_18]] })
    const { attestation: before } = await booked.service.marginAttestation(ACCOUNT, nothing)
    const { attestation: after } = await open().service.marginAttestation(ACCOUNT, sold)
    expect(after).toEqual(before)
    expect(after.initial18).toBeLessThan(after.maintenance18)
    expect(after.maintenance18).toBeLessThan(after.equity18)
  })

  test('a claim that would be negative is refused, a debt in the numéraire is not', async () => {
    const { service } = open()
    const debt = { positions: [], claims: [{ asset: 1, amount18: -30_000n * ONE_18 }] }
    const { attestation } = await service.marginAttestation(ACCOUNT, debt)
    expect(attestation.initial18).toBe(-10_000n * ONE_18)
    const short = { positions: [], claims: [{ asset: 2, amount18: -1n }] }
    await expect(service.marginAttestation(ACCOUNT, short)).rejects.toMatchObject({
      code: 'MARGIN_UNAVAILABLE',
    })
  })

  test('V18: marks that are too old attest nothing that rests on them', async () => {
    const old = { ...BTC, timestampMs: NOW_MS - 60_001 }
    const { service } = open({ updates: [old] })
    await expect(service.marginAttestation(ACCOUNT, sold)).rejects.toMatchObject({
      code: 'MARGIN_UNAVAILABLE',
    })
    await expect(service.instrumentRisk([PUT])).rejects.toMatchObject({
      code: 'MARGIN_UNAVAILABLE',
    })
    await expect(service.marginAttestation(ACCOUNT, nothing)).resolves.toBeDefined()
  })

  test('V18: doubtful marks back no autonomous use', async () => {
    const { service } = open({ updates: [{ ...BTC, spotConfidence4: 5_000 }] })
    await expect(service.instrumentRisk([PUT])).rejects.toMatchObject({
      code: 'MARGIN_UNAVAILABLE',
    })
  })

  test('new marks are read when their sequence moves', async () => {
    const { service, state } = open()
    const [first] = await service.instrumentRisk([PUT])
    state.updates = [{ ...BTC, sequence: 8n, spot8: 60_000n * 10n ** 8n }]
    state.updates[0]!.expiries = [{ ...BTC.expiries[0]!, forward8: 60_000n * 10n ** 8n }]
    expect((await service.instrumentRisk([PUT]))[0]!.risk.mark18).toBe(first!.risk.mark18)
    state.marksSeq = 8n
    const [second] = await service.instrumentRisk([PUT])
    expect(second!.risk.marksSeq).toBe(8n)
    expect(second!.risk.mark18).toBeGreaterThan(first!.risk.mark18)
  })
})
