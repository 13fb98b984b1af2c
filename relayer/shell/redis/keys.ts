import type { SignerLane } from '../../core/class.ts'
import type { Stage } from '../../core/stages.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'

/** Names of everything that the relayer keeps in Redis, one network apart from the next. */
export type RedisKeys = ReturnType<typeof redisKeys>

/**
 * Names the keys of a network's relayer.
 *
 * @param logId - The network's log id: a wiped network's leftovers are never taken for its successor's.
 */
export function redisKeys(logId: Hex) {
  const base = `tandem:${logId.slice(2, 18)}:relayer`
  return {
    /** Prefix of the records' keys. */
    records: `${base}:message:`,
    /** Hash: one message's record. */
    record: (id: Hash) => `${base}:message:${id}`,
    /** Sorted set: ids that wait for work, by the time (ms) from which a worker may take them. */
    work: (list: string) => `${base}:work:${list}`,
    /** Channel: names of lists in which something may be taken now. */
    wakes: `${base}:wakes`,
    /** Stream: what happened to one message. */
    timeline: (id: Hash) => `${base}:message:${id}:log`,
    /** Sorted set: ids in a stage, by the time (ms) at which they came to it. */
    stage: (stage: Stage) => `${base}:stage:${stage}`,
    /** Hash: how far an origin was searched. */
    cursor: (chainId: number) => `${base}:cursor:${chainId}`,
    /** Sorted set: an origin's recent messages by block. */
    blocks: (chainId: number) => `${base}:blocks:${chainId}`,
    /** Hash: message id to leaf index in an origin's tree. */
    leaves: (chainId: number) => `${base}:leaves:${chainId}`,
    /** Hash: nonce to what it is used for. */
    ledger: (chainId: number, signer: Address) =>
      `${base}:ledger:${chainId}:${signer.toLowerCase()}`,
    /** Hash: the policy that operators set, and its version. */
    policy: `${base}:policy`,
    /** Hash: what is paused, and why. */
    paused: `${base}:paused`,
    /** Hash: tokens of one bucket of a limit. */
    bucket: (name: string) => `${base}:bucket:${name}`,
    /** Stream: what operators did. */
    audit: `${base}:audit`,
    /** Stream: every change of every message, capped. */
    events: `${base}:events`,
    /** Hash: what each part (a lane, an indexer) says of itself. */
    parts: `${base}:parts`,
    /** Channel: what operators ask of lanes. */
    commands: `${base}:commands`,
    /** Block from which what a chain accepted early is searched. */
    early: (chainId: number) => `${base}:early:${chainId}`,
    /** Hash: what was paid on an origin for messages. */
    payments: (chainId: number) => `${base}:payments:${chainId}`,
    lease: (name: string) => `${base}:lease:${name}`,
    fence: (name: string) => `${base}:fence:${name}`,
  }
}

/** Names the lease of a signer lane of a destination. */
export function laneName(chainId: number, lane: SignerLane): string {
  return `lane-${chainId}-${lane}`
}
