import type { Address, Hash } from '../../sdk/protocol/hex.ts'
import { bundleEntryId, transactionEntryId } from '../../sdk/protocol/entry.ts'
import type { SignedReceipt, SignedRefusal } from '../../sdk/protocol/receipt.ts'
import { RefusedError, type DecodedBundle } from '../../sequencer/shell/port.ts'
import type { Leg } from '../../sequencer/core/entries/leg.ts'
import {
  CONTRACT,
  inputOf,
  liquidation,
  reduction,
  UNLUCKY,
  type Op,
} from '../fixtures/sequencer/chain-double.ts'
import { legOf } from '../fixtures/sequencer/driver-double.ts'
import type { Random } from '../fixtures/sequencer/random.ts'
import { CHAIN_IDS, logId, USERS, type Process } from '../fixtures/sequencer/world.ts'

/** One request of a client, and what it was told. */
export type Request = {
  entryId: Hash
  bundle: DecodedBundle
  kind: 'transaction' | 'bundle'
  /** In the order in which answers came; a request may be sent again. */
  receipts: SignedReceipt[]
  refusals: SignedRefusal[]
  /** The client was told that its cancellation holds. */
  cancelled: boolean
  open: number
}

/** Everybody who sends: they keep their nonces and remember what they were told. */
export type Clients = {
  requests: Request[]
  /** Does one thing: something new, something again, or something that must not work. */
  act: (process: Process) => void
  /** Sends a plain transaction that must be taken. */
  probe: (process: Process) => Request
  /** The process ended: its answers will not come. */
  abandon: () => void
}

/** Makes the clients of a simulation. */
export function createClients(random: Random): Clients {
  const requests: Request[] = []
  const nonces = new Map<string, number>()
  let uuids = 0
  let generation = 0
  let marks = 0
  // Numbers of their own, so that older choices stay what they were.
  const terms = random.fork('terms')
  const lanes = random.fork('lanes')

  const legs = (count: number, sender: Address, make: (chainId: number) => readonly Op[]) => {
    const used = new Map<string, number>()
    return Array.from({ length: count }, () => {
      const chainId = random.pick(CHAIN_IDS)
      const key = `${chainId}:${sender}`
      const nonce = (nonces.get(key) ?? 0) + (used.get(key) ?? 0)
      used.set(key, (used.get(key) ?? 0) + 1)
      return legOf(chainId, callOf(sender, nonce + (random.chance(0.04) ? 1 : 0), make(chainId)))
    })
  }
  const send = (process: Process, request: Request) => {
    const mine = generation
    const { port } = process
    request.open += 1
    const [leg] = request.bundle.legs
    const answer =
      request.kind === 'transaction' && leg !== undefined
        ? port.sendTransaction(leg)
        : port.sendBundle(request.bundle)
    answer.then(
      (receipt) => {
        request.receipts.push(receipt)
        if (mine === generation) request.open -= 1
        learn(nonces, request, receipt)
      },
      (error: unknown) => {
        if (mine === generation) request.open -= 1
        if (error instanceof RefusedError) {
          request.refusals.push(error.refusal)
          learnNonce(nonces, error.refusal)
        }
      },
    )
  }
  const add = (
    process: Process,
    request: Omit<Request, 'receipts' | 'refusals' | 'cancelled' | 'open'>,
  ) => {
    const known = requests.find(({ entryId }) => entryId === request.entryId)
    const whole = known ?? { ...request, receipts: [], refusals: [], cancelled: false, open: 0 }
    if (known === undefined) requests.push(whole)
    send(process, whole)
    return whole
  }
  const addBundle = (process: Process, bundle: DecodedBundle) => {
    const named = bundle.legs.map(({ chainId, hash }, i) => ({
      chainId,
      hash,
      canRevert: bundle.canRevert[i] === true,
    }))
    return add(process, { entryId: bundleEntryId(logId, named, bundle), bundle, kind: 'bundle' })
  }
  const addTransaction = (process: Process, leg: DecodedBundle['legs'][number]) => {
    const bundle = { legs: [leg], canRevert: [true] }
    return add(process, { entryId: transactionEntryId(logId, leg), bundle, kind: 'transaction' })
  }
  const newBundle = (process: Process) => {
    const sender = random.pick(USERS)
    const made = legs(1 + random.below(4), sender, () => someOps(random))
    const salt = random.chance(0.4) ? saltOf(uuids) : undefined
    const named = random.chance(0.3) ? `uuid-${random.chance(0.5) ? uuids : uuids++}` : undefined
    addBundle(process, {
      legs: made,
      canRevert: made.map(() => random.chance(0.15)),
      ...someTerms(terms, { legs: made.length, chainId: made[0]?.chainId ?? 0, process }),
      ...(salt === undefined ? {} : { salt }),
      ...(named === undefined ? {} : { replacementUuid: named }),
      ...(random.chance(0.2)
        ? { maxSlot: BigInt(process.engine.state.height + 1 + random.below(40)) }
        : {}),
      ...(random.chance(0.1)
        ? { minSlot: BigInt(process.engine.state.height + random.below(6)) }
        : {}),
    })
  }
  const cancel = (process: Process, request: Request) => {
    const uuid = request.bundle.replacementUuid
    const owner = request.bundle.legs[0]?.from
    if (uuid === undefined || owner === undefined) return
    process.port.cancelBundle({ owner, replacementUuid: uuid }).then(
      ({ entryId }) => {
        for (const other of requests) if (other.entryId === entryId) other.cancelled = true
      },
      () => undefined,
    )
  }
  const sendMarks = (process: Process) => {
    const { engine } = process
    const ignore = () => undefined
    const requestId = engine.answers.wait({ receipt: ignore, reject: ignore })
    const sequence = BigInt(random.chance(0.8) ? ++marks : random.below(marks + 1))
    const calldata = `0x${sequence.toString(16).padStart(64, '0')}` as const
    engine.dispatch({ type: 'marks', requestId, marks: { underlying: 1, sequence, calldata } })
  }
  return {
    requests,
    act: (process) => {
      const old = requests.length === 0 ? undefined : random.pick(requests)
      const what = random.below(100)
      if (what < 30) {
        const sender = random.pick(USERS)
        const [leg] = legs(1, sender, () => someOps(random))
        if (leg !== undefined) addTransaction(process, lanes.chance(0.2) ? inLane(lanes, leg) : leg)
      } else if (what < 70 || old === undefined) newBundle(process)
      else if (what < 80) send(process, old)
      else if (what < 88) addTransaction(process, random.pick(old.bundle.legs))
      else if (what < 94) cancel(process, old)
      else if (what < 96) sendMarks(process)
      else if (what < 98) {
        const reordered = old.bundle.legs.toReversed()
        addBundle(process, { legs: reordered, canRevert: old.bundle.canRevert.toReversed() })
      } else void process.port.callBundle(old.bundle).catch(() => undefined)
    },
    probe: (process) => {
      const sender = USERS[0] as Address
      const chainId = CHAIN_IDS[0]
      const nonce = nonces.get(`${chainId}:${sender}`) ?? 0
      return addTransaction(
        process,
        legOf(chainId, callOf(sender, nonce, [{ do: 'add', value: 1 }])),
      )
    },
    abandon: () => {
      generation += 1
      for (const request of requests) request.open = 0
    },
  }
}

/** The same sender and nonce, but a liquidation or a reduction: another lane. */
function inLane(random: Random, leg: Leg): Leg {
  const input = random.chance(0.5) ? liquidation(random.below(60)) : reduction(1)
  return legOf(leg.chainId, { ...callOf(leg.from, leg.nonce, []), to: CONTRACT.auction, input })
}

/** Terms that few bundles have: what may be skipped, what must come before, what must hold. */
function someTerms(
  random: Random,
  { legs, chainId, process }: { legs: number; chainId: number; process: Process },
): Partial<DecodedBundle> {
  const head = process.engine.state.heads.get(chainId)?.number ?? 0
  const word = (value: number): Hash => `0x${value.toString(16).padStart(64, '0')}`
  const storage = () => ({
    knownAccounts: [
      { address: CONTRACT.counter, slots: [{ slot: word(0), value: word(random.below(20)) }] },
    ],
  })
  const legTerms = Array.from({ length: legs }, (_, i) => ({
    canSkip: random.chance(0.5),
    after: i > 0 && random.chance(0.3) ? [random.below(i)] : [],
    ...(random.chance(0.3) ? { if: storage() } : {}),
  }))
  return {
    ...(random.chance(0.25) ? { legTerms } : {}),
    ...(random.chance(0.05) ? { conditional: [{ chainId, ...storage() }] } : {}),
    ...(random.chance(0.05) ? { conditional: [{ chainId, blockNumberMax: head + 2 }] } : {}),
    ...(random.chance(0.06) ? { blockNumber: head + random.below(4) } : {}),
    ...(random.chance(0.06) ? { backrun: true } : {}),
    ...(random.chance(0.08) ? { requireDelivery: [0] } : {}),
  }
}

function someOps(random: Random): Op[] {
  const ops: Op[] = [{ do: 'add', value: 1 + random.below(5) }]
  if (random.chance(0.3)) ops.push({ do: 'look' })
  if (random.chance(0.12)) ops.push({ do: 'fail' })
  if (random.chance(0.1)) ops.push({ do: 'failBelow', value: random.below(40) })
  if (random.chance(0.1)) ops.push({ do: 'guard', salt: saltOf(random.below(4)) })
  while (random.chance(0.3) && ops.length < 6) {
    const recipient = random.pick(['counter', 'credit', 'strict'] as const)
    const value = random.pick([1, 2, UNLUCKY, 101, 103, 213])
    ops.push({ do: 'send', to: random.pick(CHAIN_IDS), recipient, value })
  }
  return ops
}

function callOf(from: Address, nonce: number, ops: readonly Op[]) {
  return {
    from,
    to: CONTRACT.counter,
    input: inputOf(ops),
    value: 0n,
    gas: 200_000n,
    nonce,
    fee: { type: 'eip1559', maxFeePerGas: 2n, maxPriorityFeePerGas: 0n },
    accessList: [],
  } as const
}

function saltOf(number: number): Hash {
  return `0x${(number + 1).toString(16).padStart(64, '0')}`
}

function learn(
  nonces: Map<string, number>,
  { bundle }: Request,
  { results }: Pick<SignedReceipt, 'results'>,
): void {
  for (const [i, { chainId, from, nonce }] of bundle.legs.entries()) {
    // What was left out, or voided with its entry, used no nonce.
    if (results[i] === undefined || results[i].status === 2) continue
    const key = `${chainId}:${from}`
    nonces.set(key, Math.max(nonces.get(key) ?? 0, nonce + 1))
  }
}

function learnNonce(nonces: Map<string, number>, { error, values }: SignedRefusal): void {
  if (error !== 'NONCE_TOO_LOW' && error !== 'NONCE_GAP') return
  nonces.set(`${values['chainId']}:${values['sender']}`, Number(values['expected']))
}
