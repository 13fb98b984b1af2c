import type { ProcessContext } from '../../../sdk/process/run.ts'
import { loadRoleKey } from '../../../sdk/process/keys.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import type { Network } from '../../../sdk/protocol/network.ts'
import type { SequencerSettings } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { openInbox } from '../l1/inbox.ts'
import { createL1Client } from '../l1/l1-client.ts'
import type { LogStore } from '../log/log-store.ts'
import type { SignDigest } from '../signing.ts'
import { openLedger } from './ledger.ts'
import { createPostingObserver } from './observer.ts'
import { createPoster } from './poster.ts'
import { startSettlement } from './settlement.ts'
import { createTags, type BlockTags } from './tags.ts'

/** Posting to `l1` that runs. */
export type Posting = { tags: BlockTags; stop: () => Promise<void> }

/**
 * Starts to post the log to `l1` and to tell the core of its blocks.
 *
 * @returns Undefined for a network whose settlement chain has no ledger: nothing is posted there.
 */
export function startPosting(
  { log: logger, registry }: ProcessContext,
  parts: {
    network: Network
    settings: SequencerSettings
    engine: Engine
    log: LogStore
    signDigest: SignDigest
  },
): Posting | undefined {
  const { network, settings, engine, log, signDigest } = parts
  const settlement = network.chains.find(({ kind }) => kind === 'settlement')
  const ledgerAddress = settlement?.contracts['slotLedger'] as Address | undefined
  if (settlement === undefined || ledgerAddress === undefined) {
    logger.warn('the settlement chain has no ledger of slots, nothing is posted')
    return undefined
  }
  const inboxAddress = settlement.contracts['bundleInbox'] as Address | undefined
  const l1 = createL1Client(settlement.rpcUrl)
  const ledger = openLedger(l1, ledgerAddress)
  const observe = createPostingObserver(logger, registry)
  const tags = createTags(log)
  const poster = createPoster({
    ...{ log, l1, ledger, ledgerAddress, signDigest, observe },
    logId: network.logId as Hash,
    l1ChainId: settlement.chainId,
    posterKey: loadRoleKey('poster', network).privateKey,
    publishedSlot: () => engine.publishedSlot,
    known: engine.writer.posted,
    elapsedMs: () => performance.now(),
    intervalMs: settings.SEQUENCER_POST_INTERVAL_MS,
  })
  const running = startSettlement({
    ...{ l1, ledger, poster, tags, observe },
    origin: () => engine.state.l1Origin,
    inbox: inboxAddress === undefined ? undefined : openInbox(l1, inboxAddress),
    forcedWithinBlocks: engine.options.config.forcedWithinBlocks,
    onOrigin: (origin, forced) => engine.dispatch({ type: 'l1', origin, forced }),
    onConflict: (error) => {
      logger.error({ err: error }, 'the log and l1 disagree, nothing more is sequenced')
      engine.halt(error.message)
    },
    pollMs: settings.SEQUENCER_L1_POLL_MS,
  })
  return { tags, stop: running.stop }
}
