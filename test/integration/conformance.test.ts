import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import type { LegOutcome, SealedBlock } from '../../sequencer/core/entries/execution.ts'
import type { Call, Leg } from '../../sequencer/core/entries/leg.ts'
import type { BlockPlan } from '../../sequencer/shell/drivers/driver.ts'
import { connectIpc } from '../../sequencer/shell/drivers/ipc.ts'
import { decodeTransaction } from '../../sequencer/shell/drivers/transaction.ts'
import { envAfter, senders, testRollup, type TestRollup } from '../fixtures/rollup/driver.ts'
import { createRandom } from '../fixtures/rollup/random.ts'
import { randomCreation, randomLeg, zoo } from '../fixtures/rollup/random-legs.ts'

const seed = Number(process.env['SEED'] ?? 20_261_122)
const legsInAll = Number(process.env['CONFORMANCE_LEGS'] ?? 2_400)
const legsPerBlock = 24

type Run = { plan: BlockPlan; outcomes: readonly LegOutcome[]; block: SealedBlock }

const open: TestRollup[] = []
afterAll(async () => {
  await Promise.all(open.map((rollup) => rollup.close()))
})

function rollup(): TestRollup {
  const made = testRollup(zoo)
  open.push(made)
  return made
}

/** Simulates and mines random legs; a difference in status, gas or logs ends the run. */
async function runRandomBlocks(made: TestRollup, onBlock: (run: Run) => Promise<void>) {
  const random = createRandom(seed)
  const nonces = senders.map(() => 0)
  const runs: Run[] = []
  for (let done = 0; done < legsInAll; done += legsPerBlock) {
    const legs = []
    for (let i = 0; i < legsPerBlock; i++) legs.push(await randomLeg(random, nonces))
    const env = envAfter(made.driver.head(), random.between(0, 3))
    // A slot behind another in an open superblock: first some legs, then all of them as one list.
    const first = await made.driver.simulate(env, legs.slice(0, random.between(0, legsPerBlock)))
    const all = await made.driver.simulate(env, legs)
    if (all.kind !== 'outcomes' || first.kind !== 'outcomes') throw new Error(JSON.stringify(all))
    expect(all.outcomes.slice(0, first.outcomes.length)).toEqual(first.outcomes)
    const plan = { env, legs, expected: all.outcomes }
    const result = await made.driver.seal(plan)
    if (result.kind === 'difference') {
      throw new Error(`block ${env.number}: ${JSON.stringify(result.difference)}`)
    }
    await made.driver.publish()
    const run = { plan, outcomes: all.outcomes, block: result.block }
    await onBlock(run)
    runs.push(run)
  }
  return runs
}

/** Mines the same plans again and gives the blocks. */
async function replay(made: TestRollup, runs: readonly Run[]): Promise<SealedBlock[]> {
  const blocks = []
  for (const { plan } of runs) {
    const result = await made.driver.seal(plan)
    if (result.kind === 'difference') throw new Error(JSON.stringify(result.difference))
    await made.driver.publish()
    blocks.push(result.block)
  }
  return blocks
}

describe(`${legsInAll} random legs (SEED=${seed})`, () => {
  let runs: Run[] = []
  let snapshotAt = 0
  const made = rollup()

  test('do in their block what simulation promised: status, gas, logs, return data (I19)', async () => {
    await made.driver.start()
    const node = await connectIpc(join(made.options.directory, '902.ipc'))
    const returned = async (hash: Hash) => {
      const trace = await node.call<{ returnValue: Hex }>('debug_traceTransaction', [hash])
      return trace.returnValue
    }
    runs = await runRandomBlocks(made, async ({ plan, outcomes }) => {
      const outputs = await Promise.all(plan.legs.map(({ hash }) => returned(hash)))
      expect(outcomes.map(({ output }) => output)).toEqual(outputs)
      if (plan.env.number * legsPerBlock * 2 > legsInAll && snapshotAt === 0) {
        snapshotAt = (await made.driver.snapshot()).number
      }
    })
    node.close()
    const outcomes = runs.flatMap((run) => run.outcomes)
    const failed = outcomes.filter(({ status }) => status === 0).length
    const logged = outcomes.filter(({ logs }) => logs.length > 0).length
    const answered = outcomes.filter(({ output }) => output.length > 2).length
    expect(outcomes.length).toBeGreaterThanOrEqual(Math.min(2_000, legsInAll))
    // Chance must not have made it an easy run.
    for (const count of [failed, logged, answered]) {
      expect(count).toBeGreaterThan(outcomes.length / 5)
    }
  })

  test('give the same block hashes on a fresh node (I3)', async () => {
    const fresh = rollup()
    await fresh.driver.start()
    expect(await replay(fresh, runs)).toEqual(runs.map(({ block }) => block))
  })

  test('give the same block hashes after a restart from a snapshot (I3)', async () => {
    const { number } = await made.driver.restore()
    expect(number).toBe(snapshotAt)
    const rest = runs.filter(({ block }) => block.number > snapshotAt)
    expect(await replay(made, rest)).toEqual(rest.map(({ block }) => block))
    expect(made.alerts).toEqual([])
  })
})

describe(`blocks with contract creations (SEED=${seed})`, () => {
  type Tried = { plan: BlockPlan; block: SealedBlock }

  /** A list of random legs in which about every other creates a contract. */
  async function mixedLegs(random: ReturnType<typeof createRandom>, nonces: number[]) {
    const legs = []
    for (let i = 0; i < 12; i++) {
      const creates = random.chance(0.4)
      legs.push(await randomLeg(random, nonces, creates ? randomCreation : undefined))
    }
    legs.push(await randomLeg(random, nonces, randomCreation))
    return legs
  }

  /** The system key's calls have no signature yet when they are tried. */
  function withoutSignature(leg: Leg): Call {
    if (leg.to === undefined) return leg
    const { from, to, input, value, gas, nonce, fee, accessList } = leg
    return { from, to, input, value, gas, nonce, fee, accessList }
  }

  test('a trial promises what the block does, and the same on a fresh node (I3, I19)', async () => {
    const made = rollup()
    await made.driver.start()
    const random = createRandom(seed + 1)
    const nonces = senders.map(() => 0)
    const tried: Tried[] = []
    let created = 0
    for (let i = 0; i < 12; i++) {
      const head = made.driver.head()
      const legs = await mixedLegs(random, nonces)
      const env = envAfter(head, random.between(0, 3))
      const plain = legs.slice(
        0,
        legs.findIndex(({ to }) => to === undefined),
      )
      const [simulated, trial, again] = [
        await made.driver.simulate(env, plain),
        await made.driver.simulate(env, legs),
        await made.driver.simulate(env, legs.map(withoutSignature)),
      ]
      if (trial.kind !== 'outcomes' || simulated.kind !== 'outcomes') {
        throw new Error(JSON.stringify(trial))
      }
      // The trial is the simulation's oracle, return data and all; and it leaves nothing behind.
      expect(trial.outcomes.slice(0, plain.length)).toEqual(simulated.outcomes)
      expect(again).toEqual(trial)
      expect(made.driver.head()).toEqual(head)
      const plan = { env, legs, expected: trial.outcomes }
      const result = await made.driver.seal(plan)
      if (result.kind === 'difference') throw new Error(JSON.stringify(result.difference))
      await made.driver.publish()
      tried.push({ plan, block: result.block })
      created += legs.filter(
        ({ to }, at) => to === undefined && trial.outcomes[at]?.status === 1,
      ).length
    }
    expect(created).toBeGreaterThan(8)
    const fresh = rollup()
    await fresh.driver.start()
    for (const { plan, block } of tried) {
      const result = await fresh.driver.seal(plan)
      expect(result).toEqual({ kind: 'sealed', block })
      await fresh.driver.publish()
    }
    expect(made.alerts).toEqual([])
  })

  test('a creation that no block can hold is named, and the node goes on', async () => {
    const made = rollup()
    await made.driver.start()
    const nonces = senders.map(() => 0)
    const good = await randomLeg(createRandom(1), nonces, () => ({ to: undefined, data: '0x00' }))
    const poor = { ...(await poorCreation()) }
    const env = envAfter(made.driver.head())
    const trial = await made.driver.simulate(env, [good, poor])
    expect(trial).toMatchObject({ kind: 'invalid', index: 1 })
    expect(await made.driver.simulate(env, [good])).toMatchObject({ kind: 'outcomes' })
  })

  /** A creation that carries more than its sender has. */
  async function poorCreation() {
    const rawTx = await senders[5]!.signTransaction({
      type: 'eip1559',
      chainId: 902,
      nonce: 0,
      gas: 100_000n,
      maxFeePerGas: 2n * 10n ** 9n,
      maxPriorityFeePerGas: 0n,
      value: 10n ** 30n,
      data: '0x00',
    })
    return decodeTransaction(rawTx, {
      chainId: 902,
      baseFeePerGas: 10n ** 9n,
      gasMax: 1_000_000_000n,
    })
  }
})
