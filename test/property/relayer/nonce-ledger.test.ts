import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../risk/runs.ts'
import {
  nextNonce,
  planLedger,
  underWay,
  type LedgerEntry,
  type NonceLedger,
} from '../../../relayer/core/nonce-ledger.ts'

/*
 * A chain, a durable ledger and a signer that may die between any two steps. What must hold:
 * L1  what is sent was written down before, so that a successor can send the same bytes;
 * L2  a nonce under way is never given to another message;
 * L3  in the end the chain has no gap, nothing is left in the pool, and every message was carried.
 */
type Hash = `0x${string}`

const policy = { resendBlocks: 2, bumpBlocks: 4, settleBlocks: 0, pendingMax: 6 }

/** Submissions overlap: a nonce may be signed for while a lower one is only reserved. */
const command = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ type: 'reserve' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('persist' as const), pick: fc.nat({ max: 5 }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('pump' as const), crash: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('mine' as const), count: fc.nat({ max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ type: 'tick' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('drop' as const), pick: fc.nat({ max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'foreign' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'outside' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'flush' as const }) },
)

function createWorld() {
  const durable = new Map<number, string>()
  const pool = new Map<number, Hash>()
  const mined = new Map<number, Hash>()
  const carriedBy = new Map<Hash, string>()
  const carried = new Set<string>()
  const queue: string[] = []
  const inHand: number[] = []
  /** Transactions in the pool that no ledger has: a count cannot see them above a gap. */
  const unknowable = new Set<Hash | undefined>()
  let memory: NonceLedger = new Map()
  let unsent = new Set<number>()
  let head = 0
  let uuids = 0

  const view = () => {
    let pending = mined.size
    while (pool.has(pending)) pending += 1
    return { latest: mined.size, pending, headNumber: head }
  }
  const write = (entry: LedgerEntry) => {
    durable.set(entry.nonce, JSON.stringify(entry))
    memory.set(entry.nonce, entry)
  }
  const forget = (nonce: number) => {
    durable.delete(nonce)
    memory.delete(nonce)
    unsent.delete(nonce)
  }
  const sign = (entry: LedgerEntry) => {
    const hash: Hash = `0x${(uuids += 1).toString(16)}`
    carriedBy.set(hash, entry.messageIds[0] ?? '')
    const attempt = { hash, rawTx: hash, maxFeePerGas: '1', maxPriorityFeePerGas: '1' }
    return {
      ...entry,
      state: 'signed',
      attempts: [...entry.attempts, attempt],
    } satisfies LedgerEntry
  }
  const send = (nonce: number) => {
    const entry = memory.get(nonce)!
    const stored = JSON.parse(durable.get(nonce)!) as LedgerEntry
    const newest = entry.attempts.at(-1)!
    expect(stored.attempts.at(-1)?.rawTx, 'L1').toBe(newest.rawTx)
    unsent.delete(nonce)
    if (nonce < mined.size) return
    const there = pool.get(nonce)
    // Only a form of the same entry may take the place of what is in the pool.
    const forms = [undefined, ...entry.attempts.map(({ hash }) => hash)]
    expect(unknowable.has(there) || forms.includes(there), 'L2').toBe(true)
    pool.set(nonce, newest.hash)
    write({ ...entry, state: 'broadcast', broadcastAt: head })
  }
  const pump = () => {
    for (let nonce = mined.size; ; nonce++) {
      const entry = memory.get(nonce)
      if (entry === undefined && nonce < view().pending) continue
      if (entry === undefined || entry.state === 'reserved') return
      if (unsent.has(nonce)) send(nonce)
    }
  }
  const reserve = (messageId: string) => {
    const nonce = nextNonce(memory, view(), policy)
    if (nonce === undefined) return void queue.push(messageId)
    expect(memory.has(nonce) || mined.has(nonce) || nonce < view().pending, 'L2').toBe(false)
    write({
      nonce,
      txUuid: `u${(uuids += 1)}`,
      purpose: 'deliver',
      messageIds: [messageId as Hash],
      state: 'reserved',
      attempts: [],
    })
    inHand.push(nonce)
  }
  const persist = (pick: number) => {
    const [nonce] = inHand.splice(pick % Math.max(1, inHand.length), 1)
    const entry = nonce === undefined ? undefined : memory.get(nonce)
    if (entry?.state !== 'reserved') return
    write(sign(entry))
    unsent.add(entry.nonce)
  }
  /** The node has it, and this process dies before it can write that down. */
  const pumpAndDie = () => {
    const before = new Map(durable)
    pump()
    for (const [nonce, text] of before) durable.set(nonce, text)
    restart()
  }
  const release = ({ nonce, attempts, messageIds }: LedgerEntry) => {
    expect(attempts, 'L2: what was signed is not given back').toEqual([])
    queue.push(...messageIds)
    forget(nonce)
  }
  const act = ({ resuming }: { resuming: boolean }) => {
    for (const { type, nonce } of planLedger(memory, view(), { resuming, policy })) {
      const entry = memory.get(nonce)
      if (type === 'settle') forget(nonce)
      else if (type === 'fill') {
        const filler = {
          nonce,
          txUuid: `u${(uuids += 1)}`,
          purpose: 'fill',
          messageIds: [],
        } as const
        write(sign({ ...filler, state: 'reserved', attempts: [] }))
        unsent.add(nonce)
      } else if (type === 'release') {
        release(entry!)
      } else if (type === 'sign' || type === 'bump') {
        write(sign(entry!))
        unsent.add(nonce)
      } else if (type === 'send') unsent.add(nonce)
      else if (entry!.attempts.some(({ hash }) => hash === mined.get(nonce))) {
        write({ ...entry!, state: 'mined', minedAt: head })
        unsent.delete(nonce)
      } else {
        queue.push(...entry!.messageIds)
        forget(nonce)
      }
    }
    pump()
  }
  const restart = () => {
    memory = new Map([...durable].map(([nonce, text]) => [nonce, JSON.parse(text) as LedgerEntry]))
    unsent = new Set()
    inHand.length = 0
    act({ resuming: true })
  }
  /** Redis lost everything: whatever the chain does not know as delivered is found on chain again. */
  const flush = (sent: readonly string[]) => {
    durable.clear()
    for (const hash of pool.values()) unknowable.add(hash)
    queue.splice(0, queue.length, ...sent.filter((messageId) => !carried.has(messageId)))
    restart()
  }
  const mine = (count: number) => {
    head += 1
    for (let i = 0; i < count; i++) {
      const hash = pool.get(mined.size)
      if (hash === undefined) return
      pool.delete(mined.size)
      mined.set(mined.size, hash)
      const messageId = carriedBy.get(hash)
      if (messageId !== undefined && messageId !== '') carried.add(messageId)
    }
  }
  return {
    reserve,
    persist,
    pump,
    pumpAndDie,
    restart,
    flush,
    mine,
    tick: () => act({ resuming: false }),
    drop: (pick: number) => {
      pool.delete([...pool.keys()][pick % Math.max(1, pool.size)] ?? -1)
    },
    foreign: () => {
      pool.delete(mined.size)
      mined.set(mined.size, `0xf${mined.size}`)
    },
    /** Somebody else uses the key: a transaction in the pool that the ledger does not know. */
    outside: () => {
      const { pending } = view()
      const hash: Hash = `0xe${(uuids += 1)}`
      unknowable.add(hash)
      if (!memory.has(pending)) pool.set(pending, hash)
    },
    queue,
    carried,
    // What somebody else left in the pool with a gap below it is theirs.
    quiet: () =>
      [...pool.values()].every((hash) => !carriedBy.has(hash)) &&
      underWay(memory) === 0 &&
      queue.length === 0,
    inHand: () => inHand.length,
  }
}

type Command = typeof command extends fc.Arbitrary<infer C> ? C : never

function obey(world: ReturnType<typeof createWorld>, one: Command, sent: string[]): void {
  switch (one.type) {
    case 'reserve': {
      const messageId = `m${sent.length}`
      sent.push(messageId)
      return world.reserve(messageId)
    }
    case 'persist':
      return world.persist(one.pick)
    case 'pump':
      return one.crash ? world.pumpAndDie() : world.pump()
    case 'mine':
      return world.mine(one.count)
    case 'drop':
      return world.drop(one.pick)
    case 'flush':
      return world.flush(sent)
    case 'tick':
      return world.tick()
    case 'foreign':
      return world.foreign()
    case 'outside':
      return world.outside()
    case 'crash':
      return world.restart()
  }
}

test('whatever dies when, nothing unwritten is sent (L1), no nonce is reused (L2), all is carried (L3)', () => {
  const property = fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
    const world = createWorld()
    const sent: string[] = []
    for (const one of commands) obey(world, one, sent)
    for (let round = 0; round < 200 && !world.quiet(); round++) {
      for (const messageId of world.queue.splice(0)) world.reserve(messageId)
      while (world.inHand() > 0) world.persist(0)
      world.pump()
      world.mine(10)
      world.tick()
    }
    expect(world.quiet(), 'L3: nothing is left under way').toBe(true)
    expect(
      sent.filter((messageId) => !world.carried.has(messageId)),
      'L3: all carried',
    ).toEqual([])
  })
  fc.assert(property, runs(1_000))
})
