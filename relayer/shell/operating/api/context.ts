import type { Redis } from 'ioredis'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import type { MessageRecord } from '../../../core/stages.ts'
import type { Controls } from '../controls.ts'
import type { RedisKeys } from '../../redis/keys.ts'
import type { LaneCommand } from '../../submitting/lane.ts'
import type { Records } from '../../redis/records.ts'
import type { IsmNode } from '../../metadata/resolver.ts'

/** What the operator API answers from; Redis over a connection that rather fails than waits. */
export type ApiContext = {
  redis: Redis
  keys: RedisKeys
  records: Records
  controls: Controls
  /** The security modules of a message as they stand now, and why its metadata cannot be built. */
  explain: (record: MessageRecord) => Promise<IsmNode | undefined>
  /** Tries a message's delivery without sending anything. */
  simulate: (
    record: MessageRecord,
  ) => Promise<{ passes: boolean; reason: string | null; ism: IsmNode | null }>
  /** Asks whoever owns a lane for something. */
  ask: (lane: string, command: LaneCommand) => Promise<void>
  /** Messages that a transaction dispatched; wakes who searches its chain. */
  hint: (
    chain: string,
    transactionHash: Hash,
  ) => Promise<readonly { id: Hash; stage: string | null }[] | undefined>
}
