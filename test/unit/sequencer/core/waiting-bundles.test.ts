import { describe, expect, test } from 'vitest'
import { nextBlock } from '../../../../sequencer/core/bundles/admission.ts'
import type { DecodedBundle } from '../../../../sequencer/shell/port.ts'
import type { Op } from '../../../fixtures/sequencer/chain-double.ts'
import {
  bundleOf,
  counterLeg,
  hashesOf,
  refusalOf,
  startHarness,
  type Harness,
} from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, USERS } from '../../../fixtures/sequencer/world.ts'

const [, alpha, beta] = CHAIN_IDS
const add: Op[] = [{ do: 'add', value: 1 }]
const fail: Op[] = [{ do: 'fail' }]
const uuid = '3f2c1c9e-5d0a-4a52-8f6b-0d9b3c1f7a11'

/** The block that a leg on a rollup would stand in now. */
function blockOf({ process }: Harness, chainId: number): number {
  const entry = { legs: [{ chainId }] } as unknown as Parameters<typeof nextBlock>[1]
  return nextBlock(process().engine.state, entry)
}

const accept = ({ process, answer }: Harness, bundle: DecodedBundle) =>
  answer(process().port.acceptBundle(bundle))

describe('a bundle that waits for its block', () => {
  test('is answered at once, stands in that block alone, and outlives a crash (I16)', async () => {
    const harness = await startHarness()
    const leg = counterLeg(alpha, 0, add)
    const blockNumber = blockOf(harness, alpha) + 6
    const { entryId, receipt } = await accept(harness, bundleOf([leg], { blockNumber }))
    expect(receipt).toBeUndefined()
    await harness.restart()
    await harness.restart()
    await harness.until(() => hashesOf(harness.visible(alpha)).includes(leg.hash))
    const found = await harness.process().port.receiptOf(entryId)
    expect(found?.results[0]).toMatchObject({ status: 1, blockNumber: BigInt(blockNumber) })
  })

  test('is withdrawn by its owner after that answer, over a crash too (I20)', async () => {
    const harness = await startHarness()
    const leg = counterLeg(alpha, 0, add)
    const blockNumber = blockOf(harness, alpha) + 6
    const owner = USERS[4]!
    const bundle = { ...bundleOf([leg], { blockNumber, replacementUuid: uuid }), owner }
    await accept(harness, bundle)
    await harness.restart()
    const cancel = harness.process().port.cancelBundle({ owner, replacementUuid: uuid })
    expect(await harness.answer(cancel)).toMatchObject({ legHashes: [leg.hash] })
    await harness.restart()
    await harness.until(() => blockOf(harness, alpha) > blockNumber + 1)
    expect(hashesOf(harness.visible(alpha))).not.toContain(leg.hash)
  })

  test('is refused when its block passed while a nonce before it was missing', async () => {
    const harness = await startHarness()
    const blockNumber = blockOf(harness, alpha) + 2
    const sent = harness
      .process()
      .port.sendBundle(bundleOf([counterLeg(alpha, 3, add)], { blockNumber }))
    expect(await refusalOf(harness.answer(sent))).toMatchObject({ error: 'NONCE_GAP' })
    expect(blockOf(harness, alpha)).toBeLessThan(blockNumber + 4)
  })
})

describe('the same transactions in bundles for several blocks', () => {
  test('stand in the first block in which they can, once (I6)', async () => {
    const harness = await startHarness()
    const legs = [counterLeg(alpha, 0, add), counterLeg(alpha, 1, add)]
    const first = blockOf(harness, alpha) + 3
    for (const blockNumber of [first, first + 1, first + 2]) {
      await accept(harness, bundleOf(legs, { blockNumber }))
    }
    await harness.until(() => blockOf(harness, alpha) > first + 3)
    const hashes = hashesOf(harness.visible(alpha))
    for (const { hash } of legs) expect(hashes.filter((other) => other === hash)).toEqual([hash])
    expect(harness.process().engine.state.held.size).toBe(0)
  })

  test('may be tried again whole after they failed, and never in part (I21)', async () => {
    const harness = await startHarness()
    const { port } = harness.process()
    const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, fail)]
    const told = await refusalOf(harness.answer(port.sendBundle(bundleOf(legs))))
    expect(told.error).toBe('LEG_FAILED')
    const maxTimestamp = 9_999_999_999
    const again = port.sendBundle(bundleOf(legs, { maxTimestamp }))
    expect(await refusalOf(harness.answer(again))).toMatchObject({ error: 'LEG_FAILED' })
    const part = port.sendBundle(bundleOf([legs[0]!], { maxTimestamp }))
    expect(await refusalOf(harness.answer(part))).toMatchObject({ error: 'LEG_ALONE' })
    const turned = port.sendBundle(bundleOf([legs[1]!, legs[0]!], { maxTimestamp }))
    expect(await refusalOf(harness.answer(turned))).toMatchObject({ error: 'LEG_ALONE' })
    const optional = { legs, canRevert: [false, true] }
    expect(await refusalOf(harness.answer(port.sendBundle(optional)))).toMatchObject({
      error: 'LEG_ALONE',
    })
  })

  test('stay out whole once their bundle was cancelled', async () => {
    const harness = await startHarness()
    const { port } = harness.process()
    const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, add)]
    const blockNumber = blockOf(harness, alpha) + 9
    await accept(harness, bundleOf(legs, { blockNumber, replacementUuid: uuid }))
    await harness.answer(port.cancelBundle({ owner: USERS[0]!, replacementUuid: uuid }))
    expect(await refusalOf(harness.answer(port.sendBundle(bundleOf(legs))))).toMatchObject({
      error: 'LEG_ALONE',
    })
  })
})
