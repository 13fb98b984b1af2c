import { describe, expect, test } from 'vitest'
import { bumpedFee, firstFee, gasLimitUp } from '../../../relayer/core/fees.ts'
import { deliveryStage, finalityOf } from '../../../relayer/core/finality.ts'
import {
  aggregationMetadata,
  merkleRootMetadata,
  multisigMetadata,
  quorumOf,
  type ValidatorAnswer,
} from '../../../relayer/core/metadata.ts'
import { sendOutcomeOf } from '../../../relayer/core/send-errors.ts'
import { blockRanges, checkSequence, commonAncestor } from '../../../relayer/core/sequence.ts'

describe('finality', () => {
  test('waits for exactly the reorg period', () => {
    expect(finalityOf({ blockNumber: 10, headNumber: 11 }, { reorgPeriod: 2 })).toEqual({
      final: false,
      missingBlocks: 1,
    })
    expect(finalityOf({ blockNumber: 10, headNumber: 12 }, { reorgPeriod: 2 })).toEqual({
      final: true,
    })
    expect(finalityOf({ blockNumber: 10, headNumber: 10 }, { reorgPeriod: 0 })).toEqual({
      final: true,
    })
  })

  test('of a delivery rises with the blocks on top of it', () => {
    const at = (headNumber: number) =>
      deliveryStage({ blockNumber: 10, headNumber }, { reorgPeriod: 3 })
    expect([10, 11, 12, 13].map(at)).toEqual(['included', 'included', 'safe', 'final'])
  })
})

describe('the sequence of dispatches', () => {
  test.each([
    ['all there', [2, 3, 4], 5, true, { status: 'ok', count: 5 }],
    ['nothing new', [], 2, true, { status: 'ok', count: 2 }],
    ['one in the middle missing', [2, 4], 5, true, { status: 'gap', firstMissing: 3, expected: 5 }],
    ['the last missing', [2, 3], 5, true, { status: 'gap', firstMissing: 4, expected: 5 }],
    ['more than the chain counts', [2, 3], 3, true, { status: 'ahead', count: 4, expected: 3 }],
    ['more than a lower bound', [2, 3], 3, false, { status: 'ok', count: 4 }],
    ['less than a lower bound', [2], 5, false, { status: 'gap', firstMissing: 3, expected: 5 }],
  ])('%s', (_name, found, chainCount, exact, expected) => {
    expect(checkSequence({ known: 2, found, chainCount, exact })).toEqual(expected)
  })
})

describe('a chain that went back', () => {
  const mark = (number: number, branch = 'a') => ({ number, hash: `0x${branch}${number}` as const })
  const marks = [mark(1), mark(2), mark(3)]
  const chain = (...blocks: { number: number; hash: `0x${string}` }[]) =>
    new Map(blocks.map(({ number, hash }) => [number, hash]))

  test('is not seen while the newest block is still there', () => {
    expect(commonAncestor(marks, chain(mark(1), mark(2), mark(3)))).toEqual({ status: 'same' })
    expect(commonAncestor([], chain())).toEqual({ status: 'same' })
  })

  test('is undone to the newest block that both have', () => {
    const ancestor = { status: 'reorg', ancestor: mark(1) }
    expect(commonAncestor(marks, chain(mark(1), mark(2, 'b'), mark(3, 'b')))).toEqual(ancestor)
    expect(commonAncestor(marks, chain(mark(1)))).toEqual(ancestor)
  })

  test('further than remembered is left to a person', () => {
    const others = chain(mark(1, 'b'), mark(2, 'b'), mark(3, 'b'))
    expect(commonAncestor(marks, others)).toEqual({ status: 'none' })
  })
})

test('ranges of blocks cover each block once', () => {
  expect(blockRanges(3, 9, 3)).toEqual([
    [3, 5],
    [6, 8],
    [9, 9],
  ])
  expect(blockRanges(4, 3, 10)).toEqual([])
})

describe('a quorum', () => {
  const root = `0x${'aa'.repeat(32)}` as const
  const other = `0x${'bb'.repeat(32)}` as const
  const hook = `0x${'cc'.repeat(20)}` as const
  const signature = (digit: string) => `0x${digit.repeat(130)}` as const
  const signed = (digit: string, over = root): ValidatorAnswer => ({
    validator: `0x${digit.repeat(40)}`,
    status: 'signed',
    root: over,
    index: 4,
    hook,
    signature: signature(digit),
  })
  const missing: ValidatorAnswer = {
    validator: `0x${'9'.repeat(40)}`,
    status: 'missing',
    reason: 'has no checkpoint 4 yet',
  }

  test('gives signatures in the order of the set, no more than needed', () => {
    const quorum = quorumOf([signed('1'), missing, signed('2'), signed('3')], 2)
    const head = `0x${'0'.repeat(24)}${hook.slice(2)}${root.slice(2)}00000004`
    const metadata = `${head}${'1'.repeat(130)}${'2'.repeat(130)}`
    expect(quorum.status === 'ok' && multisigMetadata(quorum)).toBe(metadata)
  })

  test('does not add up signatures over different roots, and names who is missing', () => {
    const built = quorumOf([signed('1'), signed('2', other), missing], 2)
    expect(built).toMatchObject({ status: 'below', have: 1, need: 2 })
    expect(built.status === 'below' && built.missing).toEqual([
      `0x${'2'.repeat(40)}: signed another root, ${other}`,
      `0x${'9'.repeat(40)}: has no checkpoint 4 yet`,
    ])
  })

  test('of the Merkle kind has the leaf, its path and the signed leaf before the signatures', () => {
    const quorum = quorumOf([signed('1')], 1)
    const path = Array.from({ length: 32 }, () => other)
    const messageId = `0x${'7'.repeat(64)}` as const
    const metadata = quorum.status === 'ok' ? merkleRootMetadata(quorum, { messageId, path }) : '0x'
    const bytes = (from: number, to: number) => metadata.slice(2 + 2 * from, 2 + 2 * to)
    expect(bytes(0, 32)).toBe(`${'0'.repeat(24)}${hook.slice(2)}`)
    expect(bytes(32, 36)).toBe('00000004')
    expect(bytes(36, 68)).toBe(messageId.slice(2))
    expect(bytes(68, 1_092)).toBe(other.slice(2).repeat(32))
    expect(bytes(1_092, 1_096)).toBe('00000004')
    expect(bytes(1_096, 1_161)).toBe('1'.repeat(130))
    expect(metadata).toHaveLength(2 + 2 * 1_161)
  })

  test('of several modules says where each part is; who takes no part has none', () => {
    expect(aggregationMetadata(['0xaabb', undefined, '0x', '0xcc'])).toBe(
      '0x' +
        '00000020' +
        '00000022' +
        '0000000000000000' +
        '00000022' +
        '00000022' +
        '00000022' +
        '00000023' +
        'aabbcc',
    )
  })

  test('of nobody is no quorum', () => {
    expect(quorumOf([], 0).status).toBe('below')
  })
})

describe('fees', () => {
  const policy = { maxFeePerGas: 100n, tipMin: 2n }

  test('leave room for the base fee to double, within the cap', () => {
    expect(firstFee({ baseFee: 10n, tip: 5n }, policy)).toEqual({
      status: 'ok',
      fee: { maxFeePerGas: 25n, maxPriorityFeePerGas: 5n },
    })
    expect(firstFee({ baseFee: 60n, tip: 1n }, policy)).toEqual({
      status: 'ok',
      fee: { maxFeePerGas: 100n, maxPriorityFeePerGas: 2n },
    })
  })

  test('above the cap hold the lane and say what is needed', () => {
    expect(firstFee({ baseFee: 99n, tip: 5n }, policy)).toEqual({
      status: 'above_cap',
      needed: 104n,
    })
  })

  test('of a replacement rise by more than nodes ask for', () => {
    const last = { maxFeePerGas: 50n, maxPriorityFeePerGas: 10n }
    const raised = bumpedFee(last, { baseFee: 10n, tip: 1n }, policy)
    expect(raised).toEqual({ status: 'ok', fee: { maxFeePerGas: 57n, maxPriorityFeePerGas: 12n } })
    const high = { maxFeePerGas: 95n, maxPriorityFeePerGas: 10n }
    expect(bumpedFee(high, { baseFee: 10n, tip: 1n }, policy)).toEqual({
      status: 'above_cap',
      needed: 108n,
    })
  })

  test('come with a fifth more gas than estimated', () => {
    expect(gasLimitUp(100_001n)).toBe(140_002n)
  })
})

test.each([
  [-32003, 'nonce too low', 'nonce_used'],
  [-32000, 'nonce too high', 'nonce_gap'],
  [-32603, 'transaction already imported', 'accepted'],
  [-32000, 'already known', 'accepted'],
  [-32003, 'replacement transaction underpriced', 'underpriced'],
  [-32003, 'Insufficient funds for gas * price + value', 'unfunded'],
  [-32005, 'too many requests', 'transient'],
  [-38005, 'Nonce 3 of 0x… is used; expected 4.', 'nonce_used'],
  [-38006, 'Nonce 5 leaves a gap', 'nonce_gap'],
  [-38012, 'Entry is known already.', 'accepted'],
  [-38017, 'Leg 0 on chain 902 failed: delivered.', 'refused'],
  [-38022, 'The sequencer does not take entries now.', 'transient'],
  [3, 'execution reverted', 'refused'],
])('a node that answers %i "%s" means %s', (code, message, outcome) => {
  expect(sendOutcomeOf({ code, message })).toBe(outcome)
})
