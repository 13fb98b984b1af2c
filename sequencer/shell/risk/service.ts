import { encodeAbiParameters, keccak256 } from 'viem'
import type { LocalAccount } from 'viem/accounts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import { tandemDomain } from '../../../sdk/protocol/feeds.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import {
  unpackInstrumentId,
  unpackRiskKey,
  RIGHT,
  type AccountId,
  type InstrumentId,
} from '../../../sdk/protocol/ids.ts'
import {
  instrumentRiskTypes,
  marginAttestationTypes,
  type InstrumentRisk,
  type MarginAttestation,
} from '../../../sdk/protocol/margin.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Network } from '../../../sdk/protocol/network.ts'
import { amount18, size18 } from '../../../sdk/protocol/units.ts'
import { explainMargin, type MarginExplanation } from '../../../sdk/risk/explain.ts'
import { fromFixed, toUsd18Down, toUsd18Up } from '../../../sdk/risk/fixed-point.ts'
import { InvalidPortfolioError } from '../../../sdk/risk/invalid-portfolio.ts'
import { marketOf, parametersOf, portfolioOf } from '../../../sdk/risk/ledger.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import { confidenceFault, seriesRequirement } from '../../../sdk/risk/stand-alone.ts'
import { openHubBooks, type HubPortfolio, type HubRead } from './hub-books.ts'

/** Asset id of the numéraire. */
const NUMERAIRE = 1

/** What an account is about to do, on top of what the hub has on its books. */
export type PortfolioChange = {
  positions: readonly { instrument: InstrumentId; size18: bigint }[]
  claims: readonly { asset: number; amount18: bigint }[]
}

/** An attestation with the risk key's signature and why it says what it says. */
export type AttestedMargin = {
  attestation: MarginAttestation
  signature: Hex
  explanation: MarginExplanation
}

/** An instrument's stand-alone risk with the risk key's signature. */
export type AttestedInstrument = { risk: InstrumentRisk; signature: Hex }

/** Margins portfolios on the hub's books and signs what it found. */
export type RiskService = {
  /** @throws TandemError MARGIN_UNAVAILABLE while marks are missing or the change cannot be. */
  marginAttestation: (account: AccountId, change: PortfolioChange) => Promise<AttestedMargin>
  /** @throws TandemError MARGIN_UNAVAILABLE while the series has no mark or its marks are doubtful. */
  instrumentRisk: (instruments: readonly InstrumentId[]) => Promise<AttestedInstrument[]>
}

/**
 * Opens the risk signer over the hub's published head.
 *
 * @param options.slot - Height of the last durable slot, and its time in milliseconds.
 * @param options.validForSlots - Slots after which what was signed is void.
 */
export function openRiskService(options: {
  network: Network
  read: HubRead
  signer: LocalAccount
  slot: () => { height: bigint; timestampMs: number }
  validForSlots: bigint
}): RiskService {
  const { network, signer, slot, validForSlots } = options
  const hub = network.chains.find(({ kind }) => kind === 'hub')
  if (!hub) throw new Error('the network has a hub')
  const books = openHubBooks({
    read: options.read,
    creditBook: hub.contracts['creditBook'] as Hex,
    markFeeds: hub.contracts['markFeeds'] as Hex,
    underlyings: network.underlyings.map(({ id }) => id),
  })
  const parameters = parametersOf(network.assets)
  const domain = tandemDomain(network.logId)

  async function marginAttestation(
    account: AccountId,
    change: PortfolioChange,
  ): Promise<AttestedMargin> {
    const held = changed(await books.portfolio(account), change, account)
    const { height, timestampMs } = slot()
    const nowS = Math.floor(timestampMs / 1000)
    const { marksSeq, updates } = await books.marks()
    const margin = await margining(account, async () => {
      const settled = await books.settlements(held.positions.keys(), nowS)
      const market = marketOf(updates, network.assets, nowS, settled)
      return computeMargin(portfolioOf(holdingsOf(held), network.assets), market, parameters)
    })
    const attestation: MarginAttestation = {
      account,
      positionsHash: positionsHash(account, held),
      marksSeq,
      paramsVersion: parameters.version,
      initial18: toUsd18Down(margin.initialUsd),
      maintenance18: toUsd18Down(margin.maintenanceUsd),
      markToMarket18: toUsd18Down(margin.positionsUsd),
      equity18: toUsd18Down(margin.equityUsd),
      worstScenario: margin.worstIndex,
      validUntilSlot: height + validForSlots,
    }
    const signature = await signer.signTypedData({
      domain,
      types: marginAttestationTypes,
      primaryType: 'MarginAttestation',
      message: attestation,
    })
    return { attestation, signature, explanation: explainMargin(margin, parameters) }
  }

  async function instrumentRisk(
    instruments: readonly InstrumentId[],
  ): Promise<AttestedInstrument[]> {
    const { height, timestampMs } = slot()
    const { marksSeq, updates } = await books.marks()
    const market = marketOf(updates, network.assets, Math.floor(timestampMs / 1000))
    return Promise.all(
      instruments.map(async (instrument) => {
        const { underlying, expiryS, strike8, right } = unpackRiskKey(
          unpackInstrumentId(instrument).key,
        )
        const requirement = await margining(`instrument ${instrument}`, async () => {
          const fault = confidenceFault(underlying, market, parameters)
          if (fault !== undefined) throw new InvalidPortfolioError('marks are trusted', fault)
          const strikeUsd = fromFixed(strike8, 8)
          const side = right === RIGHT.call ? 'call' : 'put'
          return seriesRequirement(
            { underlying, expiryS, strikeUsd, right: side },
            market,
            parameters,
          )
        })
        const risk: InstrumentRisk = {
          instrument,
          marksSeq,
          mark18: toUsd18Down(requirement.markUsd),
          longRequirement18: toUsd18Up(requirement.longUsd),
          shortRequirement18: toUsd18Up(requirement.shortUsd),
          validUntilSlot: height + validForSlots,
        }
        const signature = await signer.signTypedData({
          domain,
          types: instrumentRiskTypes,
          primaryType: 'InstrumentRisk',
          message: risk,
        })
        return { risk, signature }
      }),
    )
  }
  return { marginAttestation, instrumentRisk }
}

async function margining<T>(account: string, compute: () => Promise<T>): Promise<T> {
  try {
    return await compute()
  } catch (cause) {
    if (!(cause instanceof InvalidPortfolioError)) throw cause
    throw new TandemError('MARGIN_UNAVAILABLE', { account, reason: cause.message }, cause)
  }
}

function changed(held: HubPortfolio, change: PortfolioChange, account: AccountId): HubPortfolio {
  const positions = new Map(held.positions)
  const claims = new Map(held.claims)
  for (const { instrument, size18: size } of change.positions) {
    positions.set(instrument, (positions.get(instrument) ?? 0n) + size)
  }
  for (const { asset, amount18: amount } of change.claims) {
    const claim = (claims.get(asset) ?? 0n) + amount
    if (claim < 0n && asset !== NUMERAIRE) {
      const reason = `claim in asset ${asset} would be ${claim}`
      throw new TandemError('MARGIN_UNAVAILABLE', { account, reason })
    }
    claims.set(asset, claim)
  }
  const after = { positions: withoutZeros(positions), claims: withoutZeros(claims) }
  if (after.positions.size > LIMITS.positionsPerAccount) {
    const reason = `${after.positions.size} positions, limit ${LIMITS.positionsPerAccount}`
    throw new TandemError('MARGIN_UNAVAILABLE', { account, reason })
  }
  return after
}

function withoutZeros<K extends bigint | number>(entries: Map<K, bigint>): Map<K, bigint> {
  return new Map(
    [...entries].filter(([, value]) => value !== 0n).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function holdingsOf(held: HubPortfolio): Parameters<typeof portfolioOf>[0] {
  return {
    claims: [...held.claims].map(([asset, value]) => ({ asset, amount18: amount18(value) })),
    positions: [...held.positions].map(([instrument, value]) => ({
      key: unpackInstrumentId(instrument).key,
      size18: size18(value),
    })),
  }
}

/** The hash that `CreditBook.positionsHash` gives for this portfolio. */
function positionsHash(account: AccountId, held: HubPortfolio): Hash {
  return keccak256(
    encodeAbiParameters(
      [
        { type: 'bytes32' },
        { type: 'uint256[]' },
        { type: 'int256[]' },
        { type: 'uint16[]' },
        { type: 'int256[]' },
      ],
      [
        account,
        [...held.positions.keys()],
        [...held.positions.values()],
        [...held.claims.keys()],
        [...held.claims.values()],
      ],
    ),
  )
}
