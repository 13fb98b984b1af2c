import type { Hex } from '../../sdk/protocol/hex.ts'
import type { CoreConfig } from '../core/config.ts'
import type { ForcedInput } from '../core/bundles/forced.ts'
import type { Leg } from '../core/entries/leg.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'

/** What a follower takes from elsewhere than the log. */
export type FollowRules = {
  config: CoreConfig
  /**
   * Reads a signed transaction of a rollup and recovers its sender.
   *
   * @throws TandemError when it is none.
   */
  legOf: (chainId: number, rawTx: Hex) => Leg
  /** Reads what a call that brings marks brings; undefined when it brings none. */
  marksOf: (input: Hex) => { underlying: number; sequence: bigint } | undefined
  /** Keys that ever signed receipts for the network, lower case; absent when nobody was asked. */
  leaders?: ReadonlySet<string> | undefined
  /** The inbox of forced bundles, by place; absent when `l1` was not asked. */
  inbox?: readonly ForcedInput[] | undefined
  /** Nodes of the follower's own, by chain; none checks the log alone and executes nothing. */
  drivers: ReadonlyMap<number, ChainDriver>
}
