import { encodeErrorResult } from 'viem'
import { describe, expect, test } from 'vitest'
import { contractErrors } from '../../../sdk/abi/errors.ts'
import { describeRevert } from '../../../sdk/protocol/revert.ts'

describe('why a call reverted', () => {
  test('a custom error of a contract shows its name and values', () => {
    const output = encodeErrorResult({
      abi: contractErrors,
      errorName: 'BidTooLow',
      args: [5n, 7n],
    })
    expect(describeRevert(output, contractErrors)).toBe('BidTooLow(bid18: 5, needed18: 7)')
  })

  test('a sentence is shown as it is', () => {
    const output = encodeErrorResult({
      abi: [{ type: 'error', name: 'Error', inputs: [{ name: 'message', type: 'string' }] }],
      errorName: 'Error',
      args: ['Mailbox: paused'],
    })
    expect(describeRevert(output, contractErrors)).toBe('Mailbox: paused')
  })

  test('data of an unknown contract is shown, shortened', () => {
    const long = `0xdeadbeef${'00'.repeat(200)}` as const
    expect(describeRevert(long, contractErrors)).toMatch(/^0xdeadbeef0+…$/)
    expect(describeRevert('0x', contractErrors)).toBe('no reason given')
  })
})
