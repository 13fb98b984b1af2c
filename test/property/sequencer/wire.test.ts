import { fc, test } from '@fast-check/vitest'
import { hashTypedData, keccak256 } from 'viem'
import { describe, expect } from 'vitest'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { bundleEntryId } from '../../../sdk/protocol/entry.ts'
import type { LegResult, SignedReceipt } from '../../../sdk/protocol/receipt.ts'
import { merkleRoot, merkleTree, rootFromBranch } from '../../../sdk/protocol/merkle.ts'
import { receiptDigest, slotReceiptsDigest } from '../../../sdk/protocol/receipt-hash.ts'
import {
  decodeSlotRecord,
  encodeSlotRecord,
  slotBodyHash,
} from '../../../sdk/protocol/slot-codec.ts'
import { slotHash, type SlotRecord } from '../../../sdk/protocol/slot.ts'
import { receiptsOf, signReceipts } from '../../../sequencer/core/slots/record.ts'
import { digestSigner, recoverSigner } from '../../../sequencer/shell/signing.ts'

const hex = (bytes: number): fc.Arbitrary<Hex> =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array): Hex => `0x${Buffer.from(array).toString('hex')}`)
const anyHex = fc
  .uint8Array({ maxLength: 80 })
  .map((array): Hex => `0x${Buffer.from(array).toString('hex')}`)
const hash: fc.Arbitrary<Hash> = hex(32)
const address: fc.Arbitrary<Address> = hex(20)
const height = fc.integer({ min: 0, max: 2 ** 40 })
const status = fc.constantFrom(0 as const, 1 as const)
const amount = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

const logArbitrary = fc.record({ address, topics: fc.array(hash, { maxLength: 4 }), data: anyHex })

const condition = fc.record(
  {
    blockNumberMin: height,
    blockNumberMax: height,
    timestampMin: height,
    timestampMax: height,
    knownAccounts: fc.array(
      fc.record({
        address,
        slots: fc.array(fc.record({ slot: hash, value: hash }), { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
)
const legTerms = fc.record(
  { canSkip: fc.boolean(), after: fc.array(height, { maxLength: 3 }), if: condition },
  { requiredKeys: ['canSkip', 'after'] },
)

/** Records whose entries have one leg each, on chains of their own choosing. */
const recordArbitrary: fc.Arbitrary<SlotRecord> = fc
  .record({
    legs: fc.array(
      fc.record({
        chainId: fc.integer({ min: 901, max: 904 }),
        hash,
        rawTx: anyHex.filter((raw) => raw.length > 2),
        status,
        gasUsed: amount,
        logs: fc.array(logArbitrary, { maxLength: 2 }),
        outputHash: hash,
        entryId: hash,
        canRevert: fc.boolean(),
        terms: fc.record(
          {
            minSlot: fc.bigInt({ min: 1n, max: 2n ** 40n }),
            maxTimestamp: fc.integer({ min: 1, max: 2 ** 32 }),
            salt: hash,
            replacementUuid: fc.uuid(),
            blockNumber: fc.integer({ min: 1, max: 2 ** 40 }),
            backrun: fc.constant(true),
            legTerms: fc.array(legTerms, { minLength: 1, maxLength: 3 }),
            conditional: fc.array(
              condition.chain((held) => height.map((chainId) => ({ ...held, chainId }))),
              { minLength: 1, maxLength: 2 },
            ),
            requireDelivery: fc.array(height, { minLength: 1, maxLength: 3 }),
            margin: fc.record({
              account: hash,
              initialMin18: fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
            }),
          },
          { requiredKeys: [] },
        ),
        sender: address,
        skipped: fc.array(
          fc.record({ leg: fc.constant(1), chainId: height, hash, rawTx: anyHex }),
          { maxLength: 1 },
        ),
        withheld: fc.array(fc.record({ chainId: height, hash, rawTx: anyHex }), { maxLength: 2 }),
        voided: fc.option(fc.record({ leg: fc.nat(15), reason: fc.string({ maxLength: 20 }) }), {
          nil: undefined,
        }),
        forced: fc.option(fc.record({ index: height, contentHash: hash, l1Block: height }), {
          nil: undefined,
        }),
      }),
      { maxLength: 6 },
    ),
    header: fc.record({
      height,
      superblock: height,
      timestampMs: height,
      parentHash: hash,
      leader: address,
      l1Origin: fc.record({ number: height, hash }),
      forcedCursor: height,
      nativeRoot: hash,
    }),
    sealed: fc.array(fc.record({ chainId: height, header: anyHex }), { maxLength: 2 }),
    seen: fc.array(
      fc.record({ entryId: hash, untilSlot: height, legHashes: fc.array(hash, { maxLength: 3 }) }),
      { maxLength: 2 },
    ),
    closed: fc.array(
      fc.record({
        entryId: hash,
        untilSlot: height,
        by: fc.oneof(hash, fc.constant('sender' as const)),
      }),
      { maxLength: 2 },
    ),
    stopped: fc.array(
      fc.record({
        chainId: height,
        reason: fc.string({ maxLength: 30 }).filter((t) => /^[ -~]*$/.test(t)),
      }),
      { maxLength: 2 },
    ),
    resumed: fc.array(fc.record({ chainId: height, slot: height }), { maxLength: 2 }),
  })
  .map(({ legs, header, ...notes }): SlotRecord => {
    const chainIds = [...new Set(legs.map(({ chainId }) => chainId))].toSorted((a, b) => a - b)
    return {
      header: {
        version: 1,
        view: 0,
        marksSeq: 7n,
        risk: { marksSeq: 6n, paramsVersion: 1 },
        laneCounts: [0, 0, 0, legs.length, 0],
        entriesRoot: merkleRoot(legs.map(({ entryId }) => keccak256(entryId))),
        chainRoots: chainIds.map((chainId) => ({ chainId, root: keccak256(`0x0${chainId}`) })),
        bodyHash: keccak256('0x01'),
        ...header,
      },
      entries: legs.map(({ entryId, canRevert, terms, sender, ...rest }) => ({
        kind: 2,
        entryId,
        lane: 3,
        sequence: 9,
        skipped: rest.skipped,
        withheld: rest.withheld,
        ...(rest.voided === undefined ? {} : { voided: rest.voided }),
        ...(rest.forced === undefined ? {} : { forced: rest.forced }),
        ...(canRevert ? { risk: { marksSeq: BigInt(header.height), paramsVersion: 1 } } : {}),
        deadlineSlot: header.height,
        canRevert: [canRevert],
        terms,
        ...(terms.replacementUuid === undefined ? {} : { sender }),
      })),
      chains: chainIds.map((chainId) => ({
        chainId,
        env: {
          number: header.height,
          parentHash: header.parentHash,
          timestampS: 1,
          baseFeePerGas: 10n ** 9n,
          gasLimit: 10n ** 9n,
          coinbase: header.leader,
        },
        legs: legs.flatMap((leg, entry) =>
          leg.chainId === chainId
            ? [
                {
                  origin: { type: 'entry' as const, entry, leg: 0 },
                  hash: leg.hash,
                  rawTx: leg.rawTx,
                  status: leg.status,
                  gasUsed: leg.gasUsed,
                  logs: leg.logs,
                  outputHash: leg.outputHash,
                },
              ]
            : [],
        ),
      })),
      notes,
    }
  })

describe('records of the log', () => {
  test.prop([recordArbitrary])('decode(encode(record)) ≡ record', (record) => {
    expect(decodeSlotRecord(encodeSlotRecord(record))).toEqual(record)
  })

  test.prop([recordArbitrary, fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'a changed byte never passes for the same record',
    (record, at, change) => {
      const bytes = encodeSlotRecord(record)
      bytes[at % bytes.length]! ^= change
      let read: SlotRecord | undefined
      try {
        read = decodeSlotRecord(bytes)
      } catch {
        return
      }
      const same =
        slotBodyHash(read) === slotBodyHash(record) &&
        slotHash(hash0, read.header) === slotHash(hash0, record.header)
      expect(same).toBe(false)
    },
  )

  test.prop([recordArbitrary, hash])('a slot’s hash is that of EIP-712', (record, logId) => {
    const { header } = record
    expect(slotHash(logId, header)).toBe(
      hashTypedData({
        domain: { name: 'Tandem', version: '1', salt: logId },
        types: slotTypes,
        primaryType: 'SlotHeader',
        message: {
          riskMarksSeq: header.risk.marksSeq,
          paramsVersion: header.risk.paramsVersion,
          ...header,
          l1Number: BigInt(header.l1Origin.number),
          l1Hash: header.l1Origin.hash,
          forcedCursor: BigInt(header.forcedCursor),
          height: BigInt(header.height),
          view: BigInt(header.view),
          superblock: BigInt(header.superblock),
          timestampMs: BigInt(header.timestampMs),
          chainRoots: header.chainRoots.map(({ chainId, root }) => ({
            chainId: BigInt(chainId),
            root,
          })),
        },
      }),
    )
  })
})

describe('receipts', () => {
  const legResult: LegResult = {
    chainId: 901,
    transactionHash: keccak256('0x05'),
    status: 1,
    gasUsed: 1n,
    logsHash: keccak256('0x06'),
    blockNumber: 1n,
  }
  const key = `0x${'11'.repeat(32)}` as const
  const sign = digestSigner(key)
  const sequencer = recoverSigner(keccak256('0x01'), sign(keccak256('0x01')))!
  const holds = (receipt: SignedReceipt, logId: Hash): boolean => {
    const checked = receiptDigest(receipt, logId)
    if (checked.fault !== undefined) return false
    return recoverSigner(checked.digest, receipt.signature) === sequencer
  }

  test.prop([recordArbitrary.filter(({ entries }) => entries.length > 0), hash, fc.nat()])(
    'hold as they are signed and in no changed form',
    (record, logId, pick) => {
      const unsigned = receiptsOf(record)
      const receipts = signReceipts(unsigned, sign(slotReceiptsDigest(logId, unsigned)))
      const receipt = receipts[pick % receipts.length]!
      expect(holds(receipt, logId)).toBe(true)
      const { results, voided } = receipt
      const [first, ...rest] = results
      const changed = (change: Partial<NonNullable<typeof first>>) =>
        first === undefined ? [] : [{ ...receipt, results: [{ ...first, ...change }, ...rest] }]
      const lies: SignedReceipt[] = [
        ...changed({ gasUsed: (first?.gasUsed ?? 0n) ^ 1n }),
        ...changed({ status: first?.status === 1 ? 0 : 1 }),
        { ...receipt, results: [...results, ...results, legResult] },
        { ...receipt, voided: { leg: (voided?.leg ?? 0) + 1, reason: 'another' } },
        ...(voided === undefined ? [] : [{ ...receipt, voided: undefined }]),
        {
          ...receipt,
          preconfirmation: { ...receipt.preconfirmation, slot: receipt.preconfirmation.slot ^ 1n },
        },
        {
          ...receipt,
          preconfirmation: { ...receipt.preconfirmation, index: receipt.preconfirmation.index + 1 },
        },
        { ...receipt, branch: [...receipt.branch, logId] },
      ]
      for (const lie of lies) expect(holds(lie, logId)).toBe(false)
      expect(holds(receipt, keccak256(logId))).toBe(false)
    },
  )

  test.prop([fc.array(hash, { minLength: 1, maxLength: 40 }), fc.nat()])(
    'every leaf’s branch leads to the root',
    (leaves, pick) => {
      const index = pick % leaves.length
      const tree = merkleTree(leaves)
      expect(tree.root).toBe(merkleRoot(leaves))
      expect(rootFromBranch(leaves[index]!, tree.branch(index))).toBe(tree.root)
    },
  )
})

describe('ids of bundles', () => {
  const plain = { canSkip: false, after: [] }
  const legs = [
    { chainId: 901, hash: keccak256('0x01'), canRevert: false },
    { chainId: 902, hash: keccak256('0x02'), canRevert: false },
  ]
  test.prop([hash])('bind network, order, flags and terms', (logId) => {
    const id = bundleEntryId(logId, legs, {})
    const others = [
      bundleEntryId(keccak256(logId), legs, {}),
      bundleEntryId(logId, legs.toReversed(), {}),
      bundleEntryId(logId, [{ ...legs[0]!, canRevert: true }, legs[1]!], {}),
      bundleEntryId(logId, [{ ...legs[0]!, chainId: 903 }, legs[1]!], {}),
      bundleEntryId(logId, legs, { maxSlot: 1n }),
      bundleEntryId(logId, legs, { minSlot: 1n }),
      bundleEntryId(logId, legs, { salt: logId }),
      bundleEntryId(logId, legs, { blockNumber: 1 }),
      bundleEntryId(logId, legs, { backrun: true }),
      bundleEntryId(logId, legs, { requireDelivery: [0] }),
      bundleEntryId(logId, legs, { margin: { account: logId, initialMin18: 1n } }),
      bundleEntryId(logId, legs, { margin: { account: logId, initialMin18: -1n } }),
      bundleEntryId(logId, legs, { conditional: [{ chainId: 901 }] }),
      bundleEntryId(logId, legs, { conditional: [{ chainId: 901, blockNumberMax: 0 }] }),
      bundleEntryId(logId, legs, { legTerms: [plain, { ...plain, canSkip: true }] }),
      bundleEntryId(logId, legs, { legTerms: [plain, { ...plain, after: [0] }] }),
      bundleEntryId(logId, legs, { legTerms: [plain, { ...plain, if: { timestampMin: 0 } }] }),
    ]
    expect(new Set([id, ...others]).size).toBe(others.length + 1)
  })
})

const hash0: Hash = `0x${'0'.repeat(64)}`

const slotTypes = {
  SlotHeader: [
    { name: 'version', type: 'uint16' },
    { name: 'height', type: 'uint64' },
    { name: 'view', type: 'uint64' },
    { name: 'leader', type: 'address' },
    { name: 'superblock', type: 'uint64' },
    { name: 'parentHash', type: 'bytes32' },
    { name: 'timestampMs', type: 'uint64' },
    { name: 'l1Number', type: 'uint64' },
    { name: 'l1Hash', type: 'bytes32' },
    { name: 'forcedCursor', type: 'uint64' },
    { name: 'nativeRoot', type: 'bytes32' },
    { name: 'marksSeq', type: 'uint64' },
    { name: 'riskMarksSeq', type: 'uint64' },
    { name: 'paramsVersion', type: 'uint32' },
    { name: 'laneCounts', type: 'uint32[]' },
    { name: 'entriesRoot', type: 'bytes32' },
    { name: 'chainRoots', type: 'ChainRoot[]' },
    { name: 'bodyHash', type: 'bytes32' },
  ],
  ChainRoot: [
    { name: 'chainId', type: 'uint64' },
    { name: 'root', type: 'bytes32' },
  ],
} as const
