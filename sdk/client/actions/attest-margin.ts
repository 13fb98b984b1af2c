import type { Hex } from '../../protocol/hex.ts'
import type { AccountId, AssetId, InstrumentId } from '../../protocol/ids.ts'
import type { InstrumentRisk, MarginAttestation } from '../../protocol/margin.ts'
import {
  decodeAttestation,
  decodeInstrumentRisk,
  type WireAttestation,
  type WireInstrumentRisk,
} from '../../protocol/wire.ts'
import type { MarginExplanation } from '../../risk/explain.ts'
import type { TandemClient } from '../create-client.ts'

/** What an account is about to do, on top of what the hub has on its books. */
export type IntendedChange = {
  /** Contracts × 10^18 that positions grow by. */
  positions?: readonly { instrument: InstrumentId; size18: bigint }[] | undefined
  /** 18 decimals that claims grow by; cash is the claim in the numéraire. */
  claims?: readonly { asset: AssetId; amount18: bigint }[] | undefined
}

/** A signed margin statement and the reasons for its figures. */
export type AttestedMargin = {
  attestation: MarginAttestation
  signature: Hex
  explanation: MarginExplanation
}

/** A signed stand-alone requirement of one contract. */
export type AttestedInstrument = { risk: InstrumentRisk; signature: Hex }

/**
 * Asks the risk signer for an account's margin after a change; without one, as it stands.
 *
 * @throws RefusedError MARGIN_UNAVAILABLE while marks are missing or the change cannot be.
 */
export async function attestMargin(
  client: TandemClient,
  options: { account: AccountId; change?: IntendedChange | undefined },
): Promise<AttestedMargin> {
  const { account, change } = options
  const answer = await client.rpc<{
    attestation: WireAttestation
    signature: Hex
    explanation: MarginExplanation
  }>('tandem_marginAttestation', [
    {
      account,
      positions: (change?.positions ?? []).map(({ instrument, size18 }) => ({
        instrument: instrument.toString(),
        size18: size18.toString(),
      })),
      claims: (change?.claims ?? []).map(({ asset, amount18 }) => ({
        asset,
        amount18: amount18.toString(),
      })),
    },
  ])
  return { ...answer, attestation: decodeAttestation(answer.attestation) }
}

/** Asks the risk signer what one contract of each instrument costs an account by itself. */
export async function attestInstruments(
  client: TandemClient,
  instruments: readonly InstrumentId[],
): Promise<AttestedInstrument[]> {
  const answer = await client.rpc<{ risk: WireInstrumentRisk; signature: Hex }[]>(
    'tandem_instrumentRisk',
    [{ instruments: instruments.map(String) }],
  )
  return answer.map(({ risk, signature }) => ({ risk: decodeInstrumentRisk(risk), signature }))
}
