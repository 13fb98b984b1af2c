import { describe, expect, test } from 'vitest'
import type { Leg } from '../../../../sequencer/core/entries/leg.ts'
import { counterLeg, refusalOf, startHarness } from '../../../fixtures/sequencer/harness.ts'
import { legOf } from '../../../fixtures/sequencer/driver-double.ts'
import { CHAIN_IDS } from '../../../fixtures/sequencer/world.ts'

const [, alpha] = CHAIN_IDS

/** The leg that adds a number, at a price and a tip in percent of the usual ones. */
function priced(value: number, { percent, tip = percent }: { percent: bigint; tip?: bigint }): Leg {
  const leg = counterLeg(alpha, 1, [{ do: 'add', value }])
  const fee = {
    type: 'eip1559',
    maxFeePerGas: (20_000n * percent) / 100n,
    maxPriorityFeePerGas: (1_000n * tip) / 100n,
  } as const
  return legOf(alpha, { ...leg, fee })
}

describe('a transaction that waits for its nonce', () => {
  test('gives way to one that offers a tenth more, and only that one stands (I6, I7)', async () => {
    const { answer, process, until, restart } = await startHarness()
    const { port, engine } = process()
    const first = priced(1, { percent: 100n })
    const second = priced(2, { percent: 110n })
    const withdrawn = refusalOf(port.sendTransaction(first))
    await until(() => engine.state.held.size === 1)
    const receipt = port.sendTransaction(second)
    expect(await answer(withdrawn)).toMatchObject({ error: 'REPLACED' })
    await answer(port.sendTransaction(counterLeg(alpha, 0, [])))
    expect((await answer(receipt)).results[0]?.transactionHash).toBe(second.hash)
    expect(engine.state.held.size).toBe(0)
    // Not after a restart either: that it was withdrawn stands in the log.
    await restart()
    expect(await refusalOf(answer(process().port.sendTransaction(first)))).toMatchObject({
      error: 'REPLACED',
    })
  })

  test.each([
    ['the same', { percent: 100n }],
    ['too little more', { percent: 109n }],
    ['more, and the same tip', { percent: 120n, tip: 100n }],
  ])('stays when another offers %s', async (_what, offer) => {
    const { answer, process, until } = await startHarness()
    const { port, engine } = process()
    const first = priced(1, { percent: 100n })
    const receipt = port.sendTransaction(first)
    await until(() => engine.state.held.size === 1)
    expect(await refusalOf(answer(port.sendTransaction(priced(2, offer))))).toMatchObject({
      error: 'UNDERPRICED',
      values: { hash: first.hash, nonce: 1, needed: '22000' },
    })
    await answer(port.sendTransaction(counterLeg(alpha, 0, [])))
    expect((await answer(receipt)).results[0]?.transactionHash).toBe(first.hash)
  })
})
