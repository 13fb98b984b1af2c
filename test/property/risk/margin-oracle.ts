import type { RiskEngine } from '../../../sdk/risk/engine/open-engine.ts'
import type { EngineHoldings } from '../../../sdk/risk/engine/account-record.ts'
import type { EngineMargin } from '../../../sdk/risk/engine/accounts.ts'
import { assetRecord, underlyingRecord } from '../../../sdk/risk/engine/records.ts'
import { columnsOf } from '../../../sdk/risk/arrays/columns.ts'
import { ASSET, EXPIRY, UNDERLYING } from '../../../sdk/risk/kernel/layout.ts'
import { initialLossFactor } from '../../../sdk/risk/margin.ts'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket } from '../../../sdk/risk/portfolio.ts'

/** Margins holdings from a grid's risk arrays, step by step and with whole sums of any size. */
export function oracleMargin(
  { grid }: RiskEngine,
  given: { holdings: EngineHoldings; market: RiskMarket; parameters: RiskParameters },
): EngineMargin {
  const { holdings, market, parameters } = given
  const { list, scenarios, mark, basisUp, basisDown } = columnsOf(parameters)
  const ids = [
    ...new Set([
      ...holdings.options.map(({ instrument }) => instrument.underlying),
      ...(holdings.perpetuals ?? []).map(({ underlying }) => underlying),
      ...holdings.collaterals.map(({ underlying }) => underlying),
    ]),
  ]
  let equity = holdings.cashMicro
  let worstSum = 0
  let charges = 0
  let extra = 0
  for (const id of ids) {
    const marks = market.underlyings.find(({ underlying }) => underlying === id)
    const record = marks ? underlyingRecord(marks, parameters) : new Float64Array(8)
    const word = (name: keyof typeof UNDERLYING) => record[UNDERLYING[name]] as number
    const perpetual = holdings.perpetuals?.find(({ underlying }) => underlying === id)
    const lots = perpetual?.lots ?? 0
    const options = holdings.options.filter(({ instrument }) => instrument.underlying === id)
    const expiries = [...new Set(options.map(({ instrument }) => instrument.expiryAddress))]
    const profits = list.map(() => 0)
    const totals = { basis: 0, mark: 0, naked: 0, doubt: 0 }
    for (const address of expiries) {
      const held = options.filter(({ instrument }) => instrument.expiryAddress === address)
      const expiry = grid.expiryRecord(0, { expiryAddress: address })
      const of = (name: keyof typeof EXPIRY) => expiry[EXPIRY[name]] as number
      const sums = list.map((_, column) =>
        held.reduce(
          (sum, { instrument, lots: size }) =>
            sum + BigInt(size) * (grid.row(0, instrument)[column] as bigint),
          0n,
        ),
      )
      const value = (column: number) => Number(sums[column])
      for (const [s, scenario] of scenarios.entries()) {
        const sum = value(s)
        const discount = sum < 0 ? of('discountNegative') : of('discountPositive')
        const profit = (sum * discount - value(mark)) * (scenario.dampening * 1e-4)
        const counted = scenario.kind === 'skew' ? -Math.abs(profit) : profit
        profits[s] = (profits[s] as number) + Math.floor(counted)
      }
      const down = Math.min(value(basisUp) - value(mark), value(basisDown) - value(mark), 0)
      totals.basis += Math.floor(down * (of('basisWeight') * 1e-4))
      totals.mark += Math.floor(value(mark) * 1e-4)
      let naked = 0
      const strikes = [...new Set(held.map(({ instrument }) => instrument.strikeUsd))]
      for (const strike of strikes) {
        const same = held.filter(({ instrument }) => instrument.strikeUsd === strike)
        naked += Math.max(0, -same.reduce((sum, option) => sum + option.lots, 0))
      }
      totals.naked += naked * of('live')
      const gross = held.reduce((sum, option) => sum + Math.abs(option.lots), 0)
      const rate = lots !== 0 ? of('confidenceWithPerpetual') : of('confidence')
      totals.doubt += gross * word('spot') * rate
    }
    const collateral = { value: 0, exposure: lots * word('perpetualPrice'), charge: 0, more: 0 }
    for (const { asset, amount } of holdings.collaterals.filter((c) => c.underlying === id)) {
      const rules = parameters.collaterals.find((c) => c.asset === asset)!
      const price = market.collaterals.find((c) => c.asset === asset)!
      const own = assetRecord({ rules, mark: price, market, parameters })
      const value = amount * (own[ASSET.price] as number)
      collateral.value += value
      collateral.exposure += value * (own[ASSET.cancels] as number)
      collateral.charge += value * (own[ASSET.maintenance] as number)
      const rate = (own[ASSET.initial] as number) + (own[ASSET.confidence] as number)
      collateral.more += value * rate
    }
    let lowest = Math.min(totals.basis, 0)
    for (const [s, scenario] of scenarios.entries()) {
      const move = scenario.kind === 'skew' ? 0 : (scenario.spotFactor - 1) * scenario.dampening
      lowest = Math.min(lowest, Math.floor(collateral.exposure * move) + (profits[s] as number))
    }
    const notional = Math.abs(lots) * word('spot')
    const naked = totals.naked * word('spot')
    worstSum += -lowest
    charges +=
      notional * word('perpetualMaintenance') + naked * word('nakedMaintenance') + collateral.charge
    extra +=
      notional * word('perpetualInitial') +
      naked * word('nakedInitial') +
      (notional * word('perpetualConfidence') + totals.doubt + collateral.more)
    equity += totals.mark + (perpetual?.unsettledMicro ?? 0) + collateral.value
  }
  const lossFactor = initialLossFactor(market.stableUsd, parameters)
  return {
    equityMicro: Math.floor(equity),
    initialMicro: Math.floor(equity - worstSum * lossFactor - (charges + extra)),
    maintenanceMicro: Math.floor(equity - worstSum * parameters.lossFactor.maintenance - charges),
    worstLossMicro: worstSum,
  }
}
