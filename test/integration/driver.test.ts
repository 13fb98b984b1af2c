import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  forgetProcess,
  isRunning,
  readProcesses,
  type RecordedProcess,
} from '../../sdk/process/pids.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import { createAnvilDriver } from '../../sequencer/shell/drivers/anvil-driver.ts'
import { connectIpc, type IpcConnection } from '../../sequencer/shell/drivers/ipc.ts'
import {
  advance,
  envAfter,
  senders,
  signedLeg,
  testRollup,
  type Sender,
  type TestRollup,
} from '../fixtures/rollup/driver.ts'

const [alice, bob] = senders as [Sender, Sender]
const someone: Address = `0x${'ab'.repeat(20)}`
/** Stores BLOCKHASH(calldata word) under that word and logs it. */
const recorder: Address = `0x${'aa'.repeat(20)}`
const alloc = { [recorder]: { code: '0x6000354060003555600035405f5260205fa000' } as const }

const open: { close: () => Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((rollup) => rollup.close()))
})

function rollup(): TestRollup {
  const made = testRollup(alloc)
  open.push(made)
  return made
}

async function backDoor({ options }: TestRollup): Promise<IpcConnection> {
  return await connectIpc(join(options.directory, `${options.chainId}.ipc`))
}

const word = (value: number) => `0x${value.toString(16).padStart(64, '0')}` as const

async function recordLeg(nonce: number, blockNumber: number) {
  return await signedLeg(alice, nonce, { to: recorder, data: word(blockNumber) })
}

describe('a rollup from its genesis', () => {
  test('stands at the empty block 1, in a private directory, with its pid on record', async () => {
    const made = rollup()
    const head = await made.driver.start()
    expect(head.number).toBe(1)
    expect(statSync(made.options.directory).mode & 0o777).toBe(0o700)
    expect(statSync(made.options.pidFile).mode & 0o777).toBe(0o600)
    expect(readProcesses(made.options.pidFile)).toMatchObject([{ name: 'node-902' }])
    await made.driver.stop()
    expect(readProcesses(made.options.pidFile)).toEqual([])
  })

  test('gives the same block hashes on every fresh node (I3)', async () => {
    const first = rollup()
    const second = first.sibling()
    open.push(second)
    await first.driver.start()
    await second.driver.start()
    for (let nonce = 0; nonce < 5; nonce++) {
      const leg = await recordLeg(nonce, nonce)
      const { block } = await advance(first.driver, [leg])
      expect((await advance(second.driver, [leg])).block).toEqual(block)
    }
  })

  test.each([true, false])(
    'ends a node that a killed process left, recorded: %s',
    async (known) => {
      const made = rollup()
      await made.driver.start()
      const [left] = readProcesses(made.options.pidFile)
      if (!known) forgetProcess(made.options.pidFile, left?.pid as number)
      const successor = createAnvilDriver(made.options)
      open.push({ close: () => successor.stop() })
      await successor.start()
      const [now] = readProcesses(made.options.pidFile)
      expect(now?.pid).not.toBe(left?.pid)
      await expect.poll(() => isRunning(left as RecordedProcess)).toBe(false)
    },
  )
})

describe('simulation', () => {
  test('names the leg that makes a list impossible', async () => {
    const { driver } = rollup()
    await driver.start()
    const poor = await signedLeg(bob, 0, { to: someone, value: 10n ** 30n })
    const legs = [await recordLeg(0, 0), await recordLeg(1, 0), poor, await recordLeg(2, 0)]
    const simulation = await driver.simulate(envAfter(driver.head()), legs)
    expect(simulation).toMatchObject({ kind: 'invalid', index: 2 })
  })

  test('refuses an environment whose parent is not the published head', async () => {
    const { driver } = rollup()
    const head = await driver.start()
    const env = { ...envAfter(head), parentHash: word(7) }
    expect(await driver.simulate(env, [await recordLeg(0, 0)])).toMatchObject({ kind: 'stale' })
  })

  test('reads facts of accounts at the published head', async () => {
    const { driver } = rollup()
    await driver.start()
    await advance(driver, [await signedLeg(alice, 0, { to: someone, value: 5n })])
    const { head, facts } = await driver.accounts([alice.address, someone, recorder])
    expect(head.number).toBe(2)
    expect(facts.map(({ nonce, hasCode }) => [nonce, hasCode])).toEqual([
      [1, false],
      [0, false],
      [0, true],
    ])
    expect(facts[1]?.balance).toBe(5n)
  })
})

describe('sealing', () => {
  test('a block that does something else than promised stays unseen and is taken back', async () => {
    const { driver } = rollup()
    const head = await driver.start()
    const leg = await recordLeg(0, 1)
    const env = envAfter(head)
    const expected = [{ status: 1 as const, gasUsed: 21_000n, logs: [] }]
    const result = await driver.seal({ env, legs: [leg], expected })
    expect(result).toMatchObject({ kind: 'difference', difference: { index: 0, what: 'gasUsed' } })
    expect(driver.head().hash).toBe(head.hash)
    await driver.rollback()
    const { block } = await advance(driver, [leg])
    expect(block.number).toBe(2)
  })

  test('a reader sees the published head until the sealed block is published', async () => {
    const { driver } = rollup()
    await driver.start()
    const leg = await signedLeg(alice, 0, { to: someone, value: 5n })
    const env = envAfter(driver.head())
    const simulation = await driver.simulate(env, [leg])
    if (simulation.kind !== 'outcomes') throw new Error(simulation.kind)
    await driver.seal({ env, legs: [leg], expected: simulation.outcomes })
    const balance = () =>
      driver.read<string>(({ number }) => ({
        method: 'eth_getBalance',
        params: [someone, `0x${number.toString(16)}`],
      }))
    expect(await balance()).toBe('0x0')
    await driver.publish()
    expect(await balance()).toBe('0x5')
  })

  test('reads that come while a block is mined see the published head (I4)', async () => {
    // The more state, the longer a block takes: here long enough to be come upon.
    const slots = Array.from({ length: 20_000 }, (_, i) => [word(i), word(1)] as const)
    const made = testRollup({ [someone]: { storage: Object.fromEntries(slots) } })
    open.push(made)
    const { driver } = made
    await driver.start()
    for (let nonce = 0; nonce < 8; nonce++) {
      const env = envAfter(driver.head())
      const leg = await signedLeg(alice, nonce, { to: bob.address, value: 1n })
      const simulation = await driver.simulate(env, [leg])
      if (simulation.kind !== 'outcomes') throw new Error(simulation.kind)
      const seen = new Set<number | undefined>()
      let sealed = false
      const reader = async () => {
        while (!sealed) seen.add((await driver.accounts([alice.address])).facts[0]?.nonce)
      }
      const readers = Array.from({ length: 8 }, reader)
      await driver.seal({ env, legs: [leg], expected: simulation.outcomes })
      sealed = true
      await Promise.all(readers)
      expect([...seen]).toEqual([nonce])
      await driver.publish()
    }
  })

  test('rolling a sealed block back gives the same block again', async () => {
    const { driver } = rollup()
    await driver.start()
    const leg = await recordLeg(0, 1)
    const env = envAfter(driver.head())
    const simulation = await driver.simulate(env, [leg])
    if (simulation.kind !== 'outcomes') throw new Error(simulation.kind)
    const plan = { env, legs: [leg], expected: simulation.outcomes }
    const first = await driver.seal(plan)
    await driver.rollback()
    expect(await driver.seal(plan)).toEqual(first)
  })

  test('legs that were staged ahead for another plan are dropped', async () => {
    const { driver, alerts } = rollup()
    await driver.start()
    await driver.stage([await recordLeg(0, 5), await recordLeg(1, 5)])
    await advance(driver, [await recordLeg(0, 1)])
    await driver.stage([await recordLeg(1, 5)])
    await advance(driver, [await recordLeg(1, 1)])
    expect((await driver.accounts([alice.address])).facts[0]?.nonce).toBe(2)
    expect(alerts).toEqual([])
  })

  test('a hundred legs of one slot are mined in their order', async () => {
    const { driver } = rollup()
    await driver.start()
    const legs = []
    for (let nonce = 0; nonce < 50; nonce++) {
      legs.push(await recordLeg(nonce, 0))
      legs.push(await signedLeg(bob, nonce, { to: someone, value: 1n }))
    }
    await driver.stage(legs.slice(0, 30))
    await advance(driver, legs)
    expect((await driver.accounts([someone])).facts[0]?.balance).toBe(50n)
  })
})

describe('what others put into the node', () => {
  test('a transaction in the pool changes nothing', async () => {
    const made = rollup()
    const { driver } = made
    const undisturbed = made.sibling()
    open.push(undisturbed)
    await driver.start()
    await undisturbed.driver.start()
    const intruder = await backDoor(made)
    const foreign = await signedLeg(bob, 0, { to: someone, value: 5n })
    await intruder.call('eth_sendRawTransaction', [foreign.rawTx])
    const leg = await recordLeg(0, 1)
    const { block } = await advance(driver, [leg])
    expect((await advance(undisturbed.driver, [leg])).block).toEqual(block)
    expect((await driver.accounts([someone])).facts[0]?.balance).toBe(0n)
    intruder.close()
  })

  test('a transaction in the place of a staged leg changes nothing', async () => {
    const made = rollup()
    const { driver, alerts } = made
    await driver.start()
    const leg = await recordLeg(0, 1)
    await driver.stage([leg])
    const intruder = await backDoor(made)
    const rawTx = await alice.signTransaction({
      type: 'eip1559',
      chainId: 902,
      nonce: 0,
      gas: 21_000n,
      maxFeePerGas: 10n ** 12n,
      maxPriorityFeePerGas: 10n ** 11n,
      to: someone,
      value: 5n,
    })
    await intruder.call('eth_sendRawTransaction', [rawTx])
    await advance(driver, [leg])
    expect((await driver.accounts([someone])).facts[0]?.balance).toBe(0n)
    expect(alerts.map(({ kind }) => kind)).toEqual(['foreign-transactions'])
    intruder.close()
  })

  test('blocks mined behind our back are taken back, with an alert', async () => {
    const made = rollup()
    const { driver, alerts } = made
    const undisturbed = made.sibling()
    open.push(undisturbed)
    await driver.start()
    await undisturbed.driver.start()
    const intruder = await backDoor(made)
    await intruder.call('evm_mine', [{ timestamp: 1_900_000_000 }])
    const leg = await recordLeg(0, 1)
    const { block } = await advance(driver, [leg])
    expect((await advance(undisturbed.driver, [leg])).block).toEqual(block)
    expect(alerts.map(({ kind }) => kind)).toEqual(['foreign-blocks'])
    intruder.close()
  })

  test('more foreign blocks than a node remembers end it, and it is restored', async () => {
    const made = rollup()
    const { driver } = made
    const head = await driver.start()
    const intruder = await backDoor(made)
    for (let i = 0; i < 5; i++) await intruder.call('evm_mine', [{ timestamp: 1_900_000_000 }])
    const env = envAfter(head)
    const sealing = driver.seal({ env, legs: [], expected: [] })
    await expect(sealing).rejects.toMatchObject({ code: 'NODE_LOST' })
    expect(await driver.restore()).toEqual(head)
    intruder.close()
  })
})

describe('death and restoring', () => {
  test('a killed node is noticed and restored from genesis to the same blocks', async () => {
    const made = rollup()
    const { driver, alerts } = made
    const first = await driver.start()
    const legs = [await recordLeg(0, 1), await recordLeg(1, 2), await recordLeg(2, 3)]
    const blocks = []
    for (const leg of legs) blocks.push((await advance(driver, [leg])).block)
    const [entry] = readProcesses(made.options.pidFile)
    process.kill(entry?.pid as number, 'SIGKILL')
    await expect
      .poll(() => driver.accounts([]).catch((error: { code: string }) => error.code))
      .toBe('NODE_LOST')
    expect(() => driver.head()).toThrow('is lost')
    expect(alerts).toMatchObject([{ kind: 'node-lost' }])

    expect(await driver.restore()).toEqual(first)
    for (const [i, leg] of legs.entries()) {
      expect((await advance(driver, [leg])).block).toEqual(blocks[i])
    }
  })

  test('from a snapshot the following blocks equal those of an undisturbed node (I3)', async () => {
    const made = rollup()
    const undisturbed = made.sibling()
    open.push(undisturbed)
    const { driver } = made
    await driver.start()
    await undisturbed.driver.start()
    for (let nonce = 0; nonce < 300; nonce++) {
      const leg = await recordLeg(nonce, Math.max(0, nonce - 3))
      await advance(driver, [leg])
      await advance(undisturbed.driver, [leg])
    }
    const head = await driver.snapshot()
    expect(await driver.restore()).toMatchObject({ number: 301, hash: head.hash })
    for (let nonce = 300; nonce < 320; nonce++) {
      const leg = await recordLeg(nonce, nonce - 200 + (nonce % 7))
      const { block } = await advance(driver, [leg])
      expect((await advance(undisturbed.driver, [leg])).block).toEqual(block)
    }
  })

  test('a snapshot that was changed on disk is passed over for an older one', async () => {
    const made = rollup()
    const { driver, alerts, options } = made
    await driver.start()
    await advance(driver, [await signedLeg(alice, 0, { to: someone, value: 5n })])
    const older = await driver.snapshot()
    await advance(driver, [await signedLeg(alice, 1, { to: someone, value: 5n })])
    const newer = await driver.snapshot()
    const path = join(options.snapshotDirectory, `${newer.number}-${newer.hash}.json`)
    const text = readFileSync(path, 'utf8')
    const changed = text.replace('"balance":"0xa"', '"balance":"0xff"')
    expect(changed).not.toBe(text)
    writeFileSync(path, changed)
    expect(await driver.restore()).toMatchObject({ number: older.number, hash: older.hash })
    expect(alerts).toMatchObject([{ kind: 'snapshot-unusable', path }])
  })

  test('a snapshot waits until a sealed block is published', async () => {
    const { driver } = rollup()
    await driver.start()
    const leg = await recordLeg(0, 1)
    const env = envAfter(driver.head())
    const simulation = await driver.simulate(env, [leg])
    if (simulation.kind !== 'outcomes') throw new Error(simulation.kind)
    await driver.seal({ env, legs: [leg], expected: simulation.outcomes })
    const snapshot = driver.snapshot()
    await driver.publish()
    expect(await snapshot).toMatchObject({ number: 2 })
    expect(await driver.restore()).toMatchObject({ number: 2 })
  })

  test('keeps three snapshots and leaves no part of one behind', async () => {
    const { driver, options } = rollup()
    await driver.start()
    for (let nonce = 0; nonce < 5; nonce++) {
      await advance(driver, [await recordLeg(nonce, 1)])
      await driver.snapshot()
    }
    const names = readdirSync(options.snapshotDirectory)
    expect(names.length).toBe(3)
    expect(names.every((name) => name.endsWith('.json'))).toBe(true)
    expect(existsSync(options.pidFile)).toBe(true)
  })
})
