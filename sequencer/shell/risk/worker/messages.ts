import type { AccountId, UnderlyingId } from '../../../../sdk/protocol/ids.ts'
import type { EnginePlan } from '../../../../sdk/risk/engine/open-engine.ts'
import type { EngineHoldings } from '../../../../sdk/risk/engine/account-record.ts'
import type { Series } from '../../../../sdk/risk/engine/grid.ts'
import type { KernelMemory } from '../../../../sdk/risk/kernel/instance.ts'
import type { RiskParameters } from '../../../../sdk/risk/parameters.ts'
import type { SharedBlocks } from './control.ts'

/** What a worker is started with. */
export type WorkerStart = {
  index: number
  workers: number
  memory: KernelMemory
  plan: EnginePlan
  accountsMax: number
  parameters: RiskParameters
  underlyings: readonly UnderlyingId[]
  blocks: SharedBlocks
}

/** What an account holds, with its options named by series. */
export type SeriesHoldings = Omit<EngineHoldings, 'options'> & {
  options: readonly { series: Series; lots: number }[]
}

/** What a worker is told. Listings go to every worker, in the same order. */
export type WorkerMessage =
  | { type: 'list'; series: readonly Series[] }
  | { type: 'set'; accounts: readonly { account: AccountId; holdings: SeriesHoldings }[] }
