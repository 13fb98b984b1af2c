import { alpha, at, draftAt, entry, header, other, type Case } from './lying.ts'
import { counterLeg } from '../../../fixtures/sequencer/harness.ts'
import { SYSTEM } from '../../../fixtures/sequencer/world.ts'

/** Lies about every field of a slot's header. */
export const headers: Case[] = [
  ['height', header('message', (h) => (h.height = 30)), { slot: at.message }, /contiguous/],
  ['view', header('message', (h) => (h.view = 1)), { slot: at.message }, /one term/],
  ['leader', header('message', (h) => (h.leader = SYSTEM)), { slot: at.message }, /that led/],
  [
    'superblock',
    (drafts) => {
      for (const { header: h } of drafts.slice(at.message)) h.superblock += 1
    },
    { slot: at.message + 1 },
    /without a gap/,
  ],
  [
    'superblock, one joined with the next',
    (drafts) => {
      for (const { header: h } of drafts.slice(at.message)) h.superblock -= 1
    },
    { slot: at.message + 1 },
    /first slot of a superblock/,
  ],
  ['parent hash', header('message', (h) => (h.parentHash = other)), { slot: 3 }, /its parent/],
  [
    'time that stands still',
    header('message', (h) => (h.timestampMs = 1)),
    { slot: at.message },
    /I13/,
  ],
  [
    'time that its opening legs do not tell',
    header('message', (h) => (h.timestampMs += 1)),
    { slot: at.message, chainId: alpha, leg: 0 },
    /opens with its height, its time/,
  ],
  [
    'block of l1, backwards',
    header('after', (h) => (h.l1Origin = { number: 1, hash: other })),
    { slot: at.after },
    /I17/,
  ],
  [
    'hash of the same block of l1',
    header('marks', (h) => (h.l1Origin = { ...h.l1Origin, hash: other })),
    { slot: at.marks },
    /one hash \(I17\)/,
  ],
  ['cursor', header('message', (h) => (h.forcedCursor = 1)), { slot: at.message }, /cursor/],
  ['count of marks', header('marks', (h) => (h.marksSeq = 9n)), { slot: at.marks }, /the marks/],
  [
    'risk version in force',
    header('crowd', (h) => (h.risk = { marksSeq: 1n, paramsVersion: 2 })),
    { slot: at.crowd },
    /risk version in force/,
  ],
  [
    'native state',
    header('crowd', (h) => (h.nativeRoot = other)),
    { slot: at.crowd },
    /native state/,
  ],
  ['lanes', header('crowd', (h) => (h.laneCounts[3] = 9)), { slot: at.crowd }, /its lanes/],
  [
    'entries’ root',
    header('crowd', (h) => (h.entriesRoot = other)),
    { slot: at.crowd },
    /its entries/,
  ],
  [
    'results’ root',
    header('crowd', (h) => (h.chainRoots[0]!.root = other)),
    { slot: at.crowd },
    /legs’ results/,
  ],
  ['body', header('crowd', (h) => (h.bodyHash = other)), { slot: at.crowd }, /its body/],
]

/** Lies about every field of an entry. */
export const entries: Case[] = [
  ['kind', entry('message', 0, (e) => (e.kind = 1)), { slot: at.message, entry: 0 }, /id binds/],
  ['id', entry('message', 0, (e) => (e.entryId = other)), { slot: at.message }, /id binds/],
  [
    'lane',
    (drafts) => {
      const draft = draftAt(drafts, 'message')
      draft.entries[0]!.lane = 4
      draft.header.laneCounts = [0, 0, 0, 0, 1]
    },
    { slot: at.message, entry: 0 },
    /lane of what it does \(I10\)/,
  ],
  [
    'order of lanes',
    (drafts) => draftAt(drafts, 'crowd').entries.reverse(),
    { slot: at.crowd },
    /order of lanes \(I9\)/,
  ],
  [
    'order of arrival in a lane',
    entry('crowd', 3, (e) => (e.sequence = 9_999)),
    { slot: at.crowd },
    /as they came \(I9\)/,
  ],
  [
    'deadline of its own',
    entry('guarded', 0, (e) => (e.deadlineSlot += 1)),
    { slot: at.guarded, entry: 0 },
    /deadline/,
  ],
  [
    'deadline that passed',
    entry('plain', 0, (e) => (e.deadlineSlot = 1)),
    { slot: at.plain, entry: 0 },
    /deadline/,
  ],
  [
    'which legs may revert',
    entry('message', 0, (e) => (e.canRevert[0] = true)),
    { slot: at.message, entry: 0 },
    /id binds/,
  ],
  [
    'terms',
    entry('guarded', 0, (e) => (e.terms.salt = other)),
    { slot: at.guarded, entry: 0 },
    /id binds/,
  ],
  [
    'who may cancel',
    entry('guarded', 0, (e) => delete e.sender),
    { slot: at.guarded, entry: 0 },
    /who may cancel/,
  ],
  [
    'sequence of marks',
    entry('marks', 0, (e) => (e.marks!.sequence = 8n)),
    { slot: at.marks, entry: 0 },
    /calldata brings/,
  ],
  [
    'risk version',
    entry('risk', 0, (e) => (e.risk!.paramsVersion = 2)),
    { slot: at.risk, entry: 0 },
    /id binds/,
  ],
  [
    'place in the inbox',
    entry('forced', 0, (e) => (e.forced!.index = 1)),
    { slot: at.forced, entry: 0 },
    /inbox’s order/,
  ],
  [
    'content of the inbox',
    entry('forced', 0, (e) => (e.forced!.contentHash = other)),
    { slot: at.forced, entry: 0 },
    /as they were put there/,
  ],
  [
    'block of the inbox',
    entry('forced', 0, (e) => (e.forced!.l1Block = 9)),
    { slot: at.forced, entry: 0 },
    /as they were put there/,
  ],
  [
    'a forced entry that is left out although it had no effect (I11)',
    (drafts) => {
      draftAt(drafts, 'voided').entries = []
      draftAt(drafts, 'voided').header.laneCounts = [0, 0, 0, 0, 0]
      for (const { header: h } of drafts.slice(at.voided - 1)) h.forcedCursor -= 1
    },
    { slot: at.after, entry: 0 },
    /inbox’s order/,
  ],
  [
    'a leg left out: which',
    entry('crowd', 5, (e) => (e.skipped[0]!.leg = 1)),
    { slot: at.crowd, entry: 5 },
    /every leg of an entry/,
  ],
  [
    'a leg left out: its hash',
    entry('crowd', 5, (e) => (e.skipped[0]!.hash = other)),
    { slot: at.crowd, entry: 5, chainId: alpha },
    /hash that names it/,
  ],
  [
    'a leg left out: another one',
    entry('crowd', 5, (e) => Object.assign(e.skipped[0]!, counterLeg(alpha, 3, []))),
    { slot: at.crowd, entry: 5 },
    /id binds/,
  ],
  [
    'why an entry has no effect',
    entry('crowd', 0, (e) => (e.voided!.reason = 'because')),
    { slot: at.crowd, entry: 0 },
    /verdict is what the legs do/,
  ],
  [
    'which leg made it have none',
    entry('voided', 0, (e) => (e.voided!.leg = 1)),
    { slot: at.voided, entry: 0 },
    /verdict is what the legs do/,
  ],
  [
    'the legs of an entry without effect',
    entry('crowd', 0, (e) => (e.withheld = [])),
    { slot: at.crowd, entry: 0 },
    /stand with it/,
  ],
]
