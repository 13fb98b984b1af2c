import { keccak256 } from '../../sdk/protocol/keccak.ts'
import type { GenesisRecord } from '../../sdk/protocol/slot.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'
import { LieError } from './lie.ts'
import { legAt, type FollowedSuperblock } from './superblocks.ts'

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
 * Executes a superblock on every rollup that it touches and compares each leg's result and each block's
 * hash with the log (I3, I19).
 *
 * @returns Number of blocks.
 * @throws {@link LieError} with the first difference.
 */
export async function executeSuperblock(
  superblock: FollowedSuperblock,
  drivers: ReadonlyMap<number, ChainDriver>,
): Promise<number> {
  const chains = [...superblock.plans.keys()]
  const faults = await Promise.all(
    chains.map((chainId) => executeBlock(superblock, chainId, drivers.get(chainId))),
  )
  // Chains run at once: of several lies the one in the earliest slot is told.
  const [first] = faults
    .filter((fault) => fault !== undefined)
    .toSorted((a, b) => a.place.slot - b.place.slot)
  if (first !== undefined) throw first
  return chains.length
}

async function executeBlock(
  { records, plans, headers, whole }: FollowedSuperblock,
  chainId: number,
  driver: ChainDriver | undefined,
): Promise<LieError | undefined> {
  const plan = plans.get(chainId)
  const last = records.at(-1)?.header.height ?? 0
  if (driver === undefined || plan === undefined) {
    const finding = { what: 'the chain is sequenced', posted: `${chainId}`, recomputed: 'none' }
    return new LieError({ slot: last, chainId }, finding)
  }
  const head = driver.head()
  if (plan.env.parentHash !== head.hash || plan.env.number !== head.number + 1) {
    const what = 'a block follows the one before'
    const posted = `block ${plan.env.number} after ${plan.env.parentHash}`
    const recomputed = `block ${head.number + 1} after ${head.hash}`
    return new LieError({ slot: last, chainId }, { what, posted, recomputed })
  }
  let sealed = await driver.seal(plan)
  if (sealed.kind === 'difference') {
    await driver.rollback()
    sealed = await driver.seal(plan)
  }
  if (sealed.kind === 'difference') {
    const { index, what, expected, actual } = sealed.difference
    const place = index === undefined ? undefined : legAt(records, chainId, index)
    const finding = { what: `${what} differs`, posted: expected, recomputed: actual }
    return new LieError(place ?? { slot: last, chainId }, finding)
  }
  const header = headers.get(chainId)
  const posted = header === undefined ? undefined : keccak256(header)
  if (whole && posted !== sealed.block.hash) {
    const what = `the hash of block ${plan.env.number} differs`
    const finding = { what, posted: posted ?? 'none', recomputed: sealed.block.hash }
    return new LieError({ slot: last, chainId }, finding)
  }
  await driver.publish()
  return undefined
}
