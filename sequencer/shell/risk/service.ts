import type { LocalAccount } from 'viem/accounts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import { tandemDomain, type FeedUpdate } from '../../../sdk/protocol/feeds.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
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
import type { Network } from '../../../sdk/protocol/network.ts'
import { explainMargin, type MarginExplanation } from '../../../sdk/risk/explain.ts'
import { fromFixed, toUsd18Down, toUsd18Up } from '../../../sdk/risk/fixed-point.ts'
import { InvalidPortfolioError } from '../../../sdk/risk/invalid-portfolio.ts'
import { marketOf, portfolioOf } from '../../../sdk/risk/ledger.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket } from '../../../sdk/risk/portfolio.ts'
import {
  confidenceFault,
  seriesRequirement,
  type SeriesRequirement,
} from '../../../sdk/risk/stand-alone.ts'
import type { HubBooks, HubMarks, HubPortfolio } from './hub-books.ts'
import {
  changed,
  holdingsOf,
  positionsHash,
  underlyingsOf,
  type PortfolioChange,
} from './portfolio.ts'

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

/** What the risk signer works with. */
type Signer = {
  network: Network
  books: HubBooks
  /** Marks that the risk version in force rests on. */
  marks: () => Promise<HubMarks>
  parameters: RiskParameters
  key: LocalAccount
  slot: () => { height: bigint; timestampMs: number }
  validForSlots: bigint
  marksAgeMsMax: number
}

/**
 * Opens the risk signer over the hub's published books and the marks in force.
 *
 * @param options.slot - Height of the last durable slot, and its time in milliseconds.
 * @param options.validForSlots - Slots after which what was signed is void.
 * @param options.marksAgeMsMax - Milliseconds after which marks say nothing any more (V18).
 */
export function openRiskService(signer: Signer): RiskService {
  return {
    marginAttestation: (account, change) => attestMargin(signer, account, change),
    instrumentRisk: (instruments) => attestInstruments(signer, instruments),
  }
}

async function attestMargin(
  signer: Signer,
  account: AccountId,
  change: PortfolioChange,
): Promise<AttestedMargin> {
  const { network, books, parameters, slot, validForSlots } = signer
  const held = changed(await books.portfolio(account), change, account)
  const { height, timestampMs } = slot()
  const nowS = Math.floor(timestampMs / 1000)
  const { marks, margin } = await margining(account, async () => {
    const marks = await signer.marks()
    const { updates } = marks
    requireFresh(signer, held, { updates, nowMs: timestampMs })
    const settled = await books.settlements(held.positions.keys(), nowS)
    const market = marketOf(updates, network.assets, nowS, settled)
    const portfolio = portfolioOf(holdingsOf(held), network.assets)
    return { marks, margin: computeMargin(portfolio, market, parameters) }
  })
  const attestation: MarginAttestation = {
    account,
    positionsHash: positionsHash(account, held),
    marksSeq: marks.marksSeq,
    paramsVersion: parameters.version,
    initial18: toUsd18Down(margin.initialUsd),
    maintenance18: toUsd18Down(margin.maintenanceUsd),
    markToMarket18: toUsd18Down(margin.positionsUsd),
    equity18: toUsd18Down(margin.equityUsd),
    worstScenario: margin.worstIndex,
    validUntilSlot: height + validForSlots,
  }
  const signature = await signer.key.signTypedData({
    domain: tandemDomain(network.logId),
    types: marginAttestationTypes,
    primaryType: 'MarginAttestation',
    message: attestation,
  })
  return { attestation, signature, explanation: explainMargin(margin, parameters) }
}

async function attestInstruments(
  signer: Signer,
  instruments: readonly InstrumentId[],
): Promise<AttestedInstrument[]> {
  const { network, slot, validForSlots, marksAgeMsMax } = signer
  const { height, timestampMs } = slot()
  const { marksSeq, updates } = await margining('every instrument', signer.marks)
  const fresh = updates.filter((update) => timestampMs - update.timestampMs <= marksAgeMsMax)
  const market = marketOf(fresh, network.assets, Math.floor(timestampMs / 1000))
  return Promise.all(
    instruments.map(async (instrument) => {
      const requirement = await margining(`instrument ${instrument}`, () =>
        requirementOf(signer, market, instrument),
      )
      const risk: InstrumentRisk = {
        instrument,
        marksSeq,
        mark18: toUsd18Down(requirement.markUsd),
        longRequirement18: toUsd18Up(requirement.longUsd),
        shortRequirement18: toUsd18Up(requirement.shortUsd),
        validUntilSlot: height + validForSlots,
      }
      const signature = await signer.key.signTypedData({
        domain: tandemDomain(network.logId),
        types: instrumentRiskTypes,
        primaryType: 'InstrumentRisk',
        message: risk,
      })
      return { risk, signature }
    }),
  )
}

function requirementOf(
  { parameters }: Signer,
  market: RiskMarket,
  instrument: InstrumentId,
): SeriesRequirement {
  const { key } = unpackInstrumentId(instrument)
  const { underlying, expiryS, strike8, right } = unpackRiskKey(key)
  const fault = confidenceFault(underlying, market, parameters)
  if (fault !== undefined) throw new InvalidPortfolioError('marks are trusted', fault)
  const series = {
    underlying,
    expiryS,
    strikeUsd: fromFixed(strike8, 8),
    right: right === RIGHT.call ? ('call' as const) : ('put' as const),
  }
  return seriesRequirement(series, market, parameters)
}

function requireFresh(
  { network, marksAgeMsMax }: Signer,
  held: HubPortfolio,
  { updates, nowMs }: { updates: readonly FeedUpdate[]; nowMs: number },
): void {
  for (const underlying of underlyingsOf(held, network)) {
    const update = updates.find((candidate) => candidate.underlying === underlying)
    const ageMs = update === undefined ? Infinity : nowMs - update.timestampMs
    if (ageMs <= marksAgeMsMax) continue
    const values = `marks of underlying ${underlying} are ${ageMs} ms old`
    throw new InvalidPortfolioError(`marks are at most ${marksAgeMsMax} ms old`, values)
  }
}

async function margining<T>(account: string, compute: () => T | Promise<T>): Promise<T> {
  try {
    return await compute()
  } catch (cause) {
    if (!(cause instanceof InvalidPortfolioError)) throw cause
    throw new TandemError('MARGIN_UNAVAILABLE', { account, reason: cause.message }, cause)
  }
}
