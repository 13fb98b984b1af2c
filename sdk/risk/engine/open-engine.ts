import { assert } from '../../protocol/assert.ts'
import {
  FREE_ADDRESS,
  type KernelMemory,
  makeKernelMemory,
  openKernels,
  PAGE_BYTES,
} from '../kernel/instance.ts'
import { SCRATCH_BYTES } from '../kernel/layout.ts'
import type { RiskParameters } from '../parameters.ts'
import { AccountShard } from './accounts.ts'
import { Arena } from './arena.ts'
import { GreekSheet, greekSheetBytes } from './greek-sheet.ts'
import { RiskGrid } from './grid.ts'
import { type GridCapacity, type GridPlan, planGrid, round16 } from './grid-plan.ts'

/** How much an engine can hold. */
export type EngineCapacity = GridCapacity & {
  accounts: number
  /** Bytes of all accounts' records together, per shard. */
  accountBytes: number
}

/** Where the parts of an engine stand in its memory. */
export type EnginePlan = {
  grid: GridPlan
  copies: number
  gridStart: number
  scratch: number
  greeks: number
  /** Per shard: its list of accounts, then its arena. */
  shards: readonly { scratch: number; list: number; arena: number; end: number }[]
  pages: number
}

/** A risk engine on one thread: a grid and its accounts. */
export type RiskEngine = { grid: RiskGrid; greeks: GreekSheet; accounts: AccountShard }

/** Plans an engine's memory. */
export function planEngine(
  capacity: EngineCapacity,
  { copies, shards }: { copies: number; shards: number },
): EnginePlan {
  const grid = planGrid(capacity)
  const scratch = FREE_ADDRESS
  const gridStart = scratch + round16(SCRATCH_BYTES)
  const greeks = gridStart + copies * grid.bytes
  let next = greeks + round16(greekSheetBytes(grid))
  const places = Array.from({ length: shards }, () => {
    const list = next + round16(SCRATCH_BYTES)
    const arena = list + round16(4 * capacity.accounts)
    const place = { scratch: next, list, arena, end: arena + round16(capacity.accountBytes) }
    next = place.end
    return place
  })
  const pages = Math.ceil(next / PAGE_BYTES)
  return { grid, copies, gridStart, scratch, greeks, shards: places, pages }
}

/**
 * Opens a risk engine on one thread.
 *
 * @example
 * const { grid, accounts } = openRiskEngine({ parameters, capacity })
 */
export function openRiskEngine(options: {
  parameters: RiskParameters
  capacity: EngineCapacity
}): RiskEngine {
  const plan = planEngine(options.capacity, { copies: 1, shards: 1 })
  const memory: KernelMemory = makeKernelMemory(plan.pages, false)
  const kernels = openKernels(memory, { pages: plan.pages, shared: false })
  const grid = new RiskGrid({
    kernels,
    memory,
    start: plan.gridStart,
    scratch: plan.scratch,
    plan: plan.grid,
    copies: 1,
    parameters: options.parameters,
  })
  const [place] = plan.shards
  assert(place !== undefined, 'an engine has a shard')
  const arena = new Arena(place.arena, place.end)
  const { list } = place
  const accountsMax = options.capacity.accounts
  const accounts = new AccountShard({ grid, kernels, memory, arena, list, accountsMax })
  const greeks = new GreekSheet({ grid, kernels, memory, start: plan.greeks })
  return { grid, greeks, accounts }
}
