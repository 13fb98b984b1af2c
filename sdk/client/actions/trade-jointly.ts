import { encodeFunctionData } from 'viem'
import { creditBookAbi } from '../../abi/credit-book.ts'
import type { Hash } from '../../protocol/hex.ts'
import { accountId } from '../../protocol/ids.ts'
import type { Size18 } from '../../protocol/units.ts'
import { contractOf, hubOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'
import { newGuard } from '../guard.ts'
import type { LegCall } from '../legs.ts'
import {
  attestInstruments,
  attestMargin,
  type AttestedMargin,
  type IntendedChange,
} from './attest-margin.ts'
import {
  changeOfFill,
  fillLeg,
  instrumentOf,
  type FillChange,
  type SignedOrder,
} from './exchange.ts'
import { sendBundle, type SentBundle } from './send-bundle.ts'

/** Orders to fill in one bundle, and how much of each. */
export type Fill = { signed: SignedOrder; size18: Size18 }

/** A bundle of fills before it is signed. */
export type JointTrade = {
  /** One leg per fill, then the hub's margin check. */
  calls: readonly LegCall[]
  salt: Hash
  maxSlot: bigint
  /** Margin of the portfolio as it will be. */
  margin: AttestedMargin
}

/**
 * Prepares fills on any rollups that are margined together: as a whole, after the last of them.
 *
 * The legs are guarded: none of them can be executed outside this bundle.
 */
export async function prepareJointTrade(
  client: TandemClient,
  options: { fills: readonly Fill[] },
): Promise<JointTrade> {
  const { fills } = options
  const account = accountId(signer(client).address)
  const changes = fills.map(({ signed, size18 }) => changeOfFill(client, signed, size18))
  const instruments = fills.map(({ signed }) => instrumentOf(client, signed))
  const [{ salt, maxSlot }, margin, risks] = await Promise.all([
    newGuard(client),
    attestMargin(client, { account, change: joined(changes) }),
    attestInstruments(client, instruments),
  ])
  const guard = { salt, maxSlot, joint: true }
  const hub = hubOf(client)
  const check: LegCall = {
    chainId: hub.chainId,
    to: contractOf(client, hub.chainId, 'creditBook'),
    data: encodeFunctionData({
      abi: creditBookAbi,
      functionName: 'checkAfter',
      args: [account, margin.attestation, margin.signature],
    }),
  }
  const legs = fills.map(({ signed, size18 }, i) =>
    fillLeg(client, { signed, size18, guard, risks: [risks[i]!] }),
  )
  return { calls: [...legs, check], salt, maxSlot, margin }
}

/**
 * Fills orders on any rollups in one bundle: all of them, or none when one fails or initial margin
 * does not hold for the portfolio as a whole.
 *
 * @throws RefusedError with the signed refusal when the bundle does not stand.
 */
export async function tradeJointly(
  client: TandemClient,
  options: { fills: readonly Fill[] },
): Promise<SentBundle & { margin: AttestedMargin }> {
  const { calls, salt, maxSlot, margin } = await prepareJointTrade(client, options)
  const sent = await sendBundle(client, { calls, salt, maxSlot })
  return { ...sent, margin }
}

function joined(changes: readonly FillChange[]): IntendedChange {
  return {
    positions: changes.flatMap(({ positions }) => positions),
    claims: changes.flatMap(({ claims }) => claims),
  }
}
