import { assert } from '../../sdk/protocol/assert.ts'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import type { GenesisRecord } from '../../sdk/protocol/slot.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'
import { LieError } from './lie.ts'
import {
  legAt,
  type FollowedBlock,
  type FollowedSuperblock,
  type ToldBlocks,
} from './superblocks.ts'

/**
 * Checks that the log begins with the genesis that this follower knows, block 1 of every rollup
 * included.
 *
 * @throws {@link LieError} when it does not.
 */
export async function beginAt(
  genesis: GenesisRecord,
  drivers: ReadonlyMap<number, ChainDriver>,
  genesisHashes: ReadonlyMap<number, string>,
): Promise<void> {
  const text = (rows: readonly (readonly [number, string])[]) =>
    rows.map(([chainId, hash]) => `${chainId} ${hash}`).join(', ')
  const own = [...drivers.keys()].toSorted((a, b) => a - b)
  const posted = text(genesis.chains.map(({ chainId, genesisHash }) => [chainId, genesisHash]))
  const known = text(own.map((chainId) => [chainId, genesisHashes.get(chainId) ?? 'none']))
  if (posted !== known) {
    const what = 'the log begins with the genesis of every rollup'
    throw new LieError({ slot: 0 }, { what, posted, recomputed: known })
  }
  for (const { chainId, header } of genesis.chains) {
    const head = await drivers.get(chainId)?.start()
    const expected = keccak256(header)
    if (head?.hash === expected) continue
    const what = 'block 1 follows from the genesis'
    const recomputed = head?.hash ?? 'none'
    throw new LieError({ slot: 0, chainId }, { what, posted: expected, recomputed })
  }
}

/**
 * Executes a superblock on every rollup that it touches and compares each leg's result and output and,
 * where a later slot tells them, each block's hash (I3, I19).
 *
 * @param told - What the slot after it tells; absent when there is none, or when only what comes before
 * a lie is looked at: then nothing is published.
 * @returns Number of blocks.
 * @throws {@link LieError} with the lie of the earliest slot.
 */
export async function executeSuperblock(
  { blocks, last }: FollowedSuperblock,
  drivers: ReadonlyMap<number, ChainDriver>,
  told: ToldBlocks | undefined,
): Promise<number> {
  const faults = await Promise.all(
    [...blocks].map(([chainId, block]) => {
      const place = { slot: last?.header.height ?? 0, chainId }
      return executeBlock(block, drivers.get(chainId), { place, told })
    }),
  )
  // Chains run at once: of several lies the one in the earliest slot is told.
  const [first] = faults
    .filter((fault) => fault !== undefined)
    .toSorted((a, b) => a.place.slot - b.place.slot)
  if (first !== undefined) throw first
  return blocks.size
}

async function executeBlock(
  block: FollowedBlock,
  driver: ChainDriver | undefined,
  { place, told }: { place: { slot: number; chainId: number }; told: ToldBlocks | undefined },
): Promise<LieError | undefined> {
  assert(driver !== undefined, 'every rollup of the log has a node')
  const { plan, calls } = block
  const { chainId } = place
  // A receipt tells nothing of what a leg returned.
  const simulated = await driver.simulate(plan.env, calls)
  let sealed = await driver.seal(plan)
  if (sealed.kind === 'difference') {
    await driver.rollback()
    sealed = await driver.seal(plan)
  }
  const outputs = simulated.kind === 'outcomes' ? simulated.outcomes : []
  const other = outputs.findIndex(({ output }, i) => {
    return keccak256(output) !== legAt(block, chainId, i)?.outputHash
  })
  const difference = sealed.kind === 'difference' ? sealed.difference : undefined
  if (other >= 0 && other < (difference?.index ?? outputs.length)) {
    const at = legAt(block, chainId, other)
    const recomputed = keccak256(outputs[other]?.output ?? '0x')
    const finding = { what: 'output differs', posted: at?.outputHash ?? 'none', recomputed }
    return new LieError(at?.place ?? place, finding)
  }
  if (sealed.kind === 'difference') {
    const { index, what, expected, actual } = sealed.difference
    const finding = { what: `${what} differs`, posted: expected, recomputed: actual }
    const at = index === undefined ? undefined : legAt(block, chainId, index)
    return new LieError(at?.place ?? place, finding)
  }
  const header = told?.headers.get(chainId)
  if (told === undefined || header === undefined) return undefined
  const posted = keccak256(header)
  if (posted !== sealed.block.hash) {
    const what = `the hash of block ${plan.env.number} differs`
    const finding = { what, posted, recomputed: sealed.block.hash }
    return new LieError({ slot: told.slot, chainId }, finding)
  }
  await driver.publish()
  return undefined
}
