import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { nativeKey, nativeValues } from '../../../sdk/protocol/native.ts'
import { proveSparse, sparseRoot } from '../../../sdk/protocol/sparse-merkle.ts'
import type { SignedReceipt } from '../../../sdk/protocol/receipt.ts'
import { accountKey, userLegs } from '../../core/entries/entry.ts'
import type { CoreEvent, Preview } from '../../core/input.ts'
import type { CoreState } from '../../core/state.ts'
import { checkMarks } from '../marks.ts'
import type {
  AcceptedBundle,
  BundlePreview,
  CancelledBundle,
  DecodedBundle,
  SequencerPort,
  SequencerStatus,
} from '../port.ts'
import type { Engine } from './engine.ts'
import { resumeRollup } from './resume.ts'

/** What the gateway asks of a running engine. */
export function enginePort(engine: Engine): SequencerPort {
  const { state, answers, options } = engine
  const open = () => {
    if (engine.closed !== undefined) throw new TandemError('NOT_READY', { reason: engine.closed })
  }
  const receiptFor = (event: (requestId: number) => CoreEvent) =>
    new Promise<SignedReceipt>((resolve, reject) => {
      engine.dispatch(event(answers.wait({ receipt: resolve, reject })))
    })
  return {
    ...bundlePort(engine, open),
    sendBundle: async (bundle) => {
      open()
      return receiptFor((requestId) => ({ type: 'bundle', requestId, bundle }))
    },
    sendTransaction: async (leg) => {
      open()
      return receiptFor((requestId) => ({ type: 'transaction', requestId, leg }))
    },
    acceptTransaction: async (leg) => {
      open()
      return new Promise<SignedReceipt | undefined>((resolve, reject) => {
        const held = () => resolve(undefined)
        const requestId = answers.wait({ receipt: resolve, held, reject })
        engine.dispatch({ type: 'transaction', requestId, leg })
      })
    },
    publishMarks: async (signed) => {
      open()
      const marks = checkMarks(signed, options.feeds)
      return receiptFor((requestId) => ({ type: 'marks', requestId, marks }))
    },
    resume: async (chainId) => {
      open()
      return resumeRollup(engine, chainId)
    },
    receiptOf: async (entryId) => {
      const place = state.memory.sequenced.get(entryId)
      if (place === undefined) return undefined
      await engine.writer.durable(place.height)
      return engine.writer.receiptAt(place.height, entryId)
    },
    nativeProof: (id) => {
      const tree = engine.publishedNative
      return {
        id,
        slot: engine.publishedSlot,
        root: sparseRoot(tree),
        values: nativeValues(tree, id),
        proof: proveSparse(tree, nativeKey(id)),
      }
    },
    pendingNonce: (chainId, address) => pendingNonce(engine, chainId, lower(address)),
    status: () => statusOf(engine),
    refuse: (requestHash, error) =>
      engine.refusal(requestHash, { error: error.errorName, values: error.values }),
    subscribe: (listener, after) => engine.publications.subscribe(listener, after),
  }
}

/** What is asked about bundles besides a receipt. */
function bundlePort(
  engine: Engine,
  open: () => void,
): Pick<SequencerPort, 'acceptBundle' | 'callBundle' | 'cancelBundle'> {
  const { answers } = engine
  return {
    acceptBundle: async (bundle) => {
      open()
      return new Promise<AcceptedBundle>((resolve, reject) => {
        const requestId = answers.wait({
          receipt: (receipt) => resolve({ entryId: receipt.preconfirmation.entryId, receipt }),
          held: (entryId) => resolve({ entryId }),
          reject,
        })
        engine.dispatch({ type: 'bundle', requestId, bundle })
      })
    },
    callBundle: async (bundle) => {
      open()
      const preview = await new Promise<Preview>((resolve, reject) => {
        const requestId = answers.wait({ preview: resolve, reject })
        engine.dispatch({ type: 'preview', requestId, bundle })
      })
      return bundlePreview(bundle, preview)
    },
    cancelBundle: async ({ owner, replacementUuid }) => {
      open()
      return new Promise<CancelledBundle>((resolve, reject) => {
        const requestId = answers.wait({ cancelled: resolve, reject })
        engine.dispatch({ type: 'cancel', requestId, owner, replacementUuid })
      })
    },
  }
}

function bundlePreview(bundle: DecodedBundle, preview: Preview): BundlePreview {
  const { entryId, height, outcomes, deliveries, fault, margin } = preview
  return {
    bundleHash: entryId,
    slot: BigInt(height),
    outcomes: outcomes.map(({ leg: index, ...outcome }) => {
      const leg = bundle.legs[index] as DecodedBundle['legs'][number]
      return { ...outcome, leg }
    }),
    deliveries,
    ...(margin === undefined ? {} : { margin }),
    ...(fault === undefined ? {} : { refusal: new TandemError(fault.error, fault.values) }),
  }
}

async function pendingNonce(engine: Engine, chainId: number, address: Address): Promise<number> {
  const { state, blocks } = engine
  const key = accountKey(chainId, address)
  const known = state.accounts.get(key)?.nonce
  let next = known
  if (next === undefined) {
    const { facts } = await blocks.run(chainId, (driver) => driver.accounts([address]))
    next = state.accounts.get(key)?.nonce ?? facts[0]?.nonce ?? 0
  }
  const waiting = waitingNonces(state, chainId, address)
  while (waiting.has(next)) next += 1
  return next
}

function waitingNonces(state: CoreState, chainId: number, address: Address): Set<number> {
  const nonces = new Set<number>()
  for (const entry of state.pending.values()) {
    for (const leg of userLegs(entry)) {
      if (leg.chainId === chainId && leg.from === address) nonces.add(leg.nonce)
    }
  }
  return nonces
}

function statusOf({ state, options }: Engine): SequencerStatus {
  return {
    logId: options.config.logId,
    slot: BigInt(options.log.tip()),
    slotTimestampMs: state.timestampMs,
    superblock: state.superblock.published,
    heads: [...state.heads].map(([chainId, head]) => ({ chainId, ...head })),
    stopped: [...state.stopped].map(([chainId, reason]) => ({ chainId, reason })),
    queued: state.ready.length + state.reading.size,
    held: state.held.size,
    marksSeq: state.marksSeq,
    risk: state.risk,
  }
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address
}
