import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { keccak256, stringToBytes } from 'viem'
import { localChains, ROLLUP_NAMES, type LocalChain } from '../../sdk/protocol/chains.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { networkSchema, type Network } from '../../sdk/protocol/network.ts'
import { writeDurably } from '../../sdk/process/durable-file.ts'
import { loadNetwork } from '../../sdk/process/network.ts'
import { describeNetwork } from './describe.ts'
import { genesisFileText } from './genesis/file.ts'
import { contractOf, readAllocs, readManifest, type GenesisManifest } from './genesis/store.ts'
import { newLogId, withLogId } from './identity.ts'
import { applyChainChanges, faultsOfChanges, type ChainChange } from './chain-change.ts'
import { createDirectories, wipe, type Layout } from './layout.ts'
import { NetworkOptionsError } from './options-error.ts'
import { planPorts, PORT_BASE_DEFAULT, type PortPlan } from './port-plan.ts'

/** Everybody may read what everybody may know. */
const PUBLIC = 0o644

/** How a network is started. */
export type PrepareOptions = {
  layout: Layout
  /** Removes what an earlier network left. */
  fresh: boolean
  /** Sequenced rollups besides the hub; default 2, or what the network has. */
  rollups?: number | undefined
  /** Rollups with another chain id or base fee; default none, or what the network has. */
  changes?: readonly ChainChange[] | undefined
  /** Port of the gateway; default 9500, or what the network has. */
  portBase?: number | undefined
}

/** A network whose files are in place. */
export type Prepared = {
  network: Network
  chains: readonly LocalChain[]
  ports: PortPlan
  /** False when it goes on where an earlier run stopped. */
  first: boolean
  /** True when the contracts that it began with are not those of this version. */
  outdated: boolean
}

const ROLLUPS_DEFAULT = 2

/** Which chains and ports a network gets with some options. */
export type Plan = { chains: readonly LocalChain[]; ports: PortPlan; existing: Network | undefined }

/**
 * Finds out what a network would get, without changing anything.
 *
 * @throws {@link NetworkOptionsError} when the options are not those of the network that is there.
 */
export function planFor(options: PrepareOptions): Plan {
  const { layout, fresh } = options
  requireRollups(options.rollups)
  const existing =
    !fresh && existsSync(layout.networkFile) ? loadNetwork(layout.networkFile) : undefined
  const known = existing?.chains.filter(({ kind }) => kind === 'rollup').length
  if (known !== undefined && options.rollups !== undefined && options.rollups !== known) {
    throw new NetworkOptionsError('The network has another number of rollups.', [
      `rollups: ${known}; asked for: ${options.rollups}`,
      'Wipe it with `--fresh`, or use another directory with `--dir`.',
    ])
  }
  const chains =
    existing === undefined
      ? applyChainChanges(localChains(options.rollups ?? ROLLUPS_DEFAULT), options.changes ?? [])
      : chainsOf(existing, options.changes)
  const knownBase = existing && Number(new URL(existing.sequencer.rpcUrl).port)
  const ports = planPorts(options.portBase ?? knownBase ?? PORT_BASE_DEFAULT, chains)
  return { chains, ports, existing }
}

/** Chains of a network that is there: they are what they were when it began. */
function chainsOf({ chains }: Network, changes: readonly ChainChange[] = []): LocalChain[] {
  const faults = faultsOfChanges(chains, changes)
  if (faults.length > 0) {
    throw new NetworkOptionsError('The network has other chains than were asked for.', [
      ...faults,
      'Wipe it with `--fresh`, or use another directory with `--dir`.',
    ])
  }
  return chains.map(({ name, chainId, kind, baseFeePerGasWei }) => ({
    ...{ name, chainId, kind },
    ...(baseFeePerGasWei === undefined ? {} : { baseFeePerGasWei }),
  }))
}

/**
 * Writes a network's files, or takes up those that an earlier run left.
 *
 * The description is written last and at once: a first start that is cut short leaves no network
 * and the next one begins again.
 *
 * @throws {@link NetworkOptionsError} when the options are not those of the network that is there.
 */
export function prepareNetwork(options: PrepareOptions): Prepared {
  const { layout } = options
  const { chains, ports, existing } = planFor(options)
  const network =
    existing === undefined
      ? createNetwork(layout, chains, ports)
      : describeNetwork({
          logId: existing.logId,
          chains,
          genesisHashes: new Map(existing.chains.map((c) => [c.chainId, c.genesisHash])),
          contracts: new Map(existing.chains.map((c) => [c.chainId, c.contracts])),
          ports,
        })
  createDirectories(layout)
  writeNetwork(layout, network)
  return { network, chains, ports, first: existing === undefined, outdated: isOutdated(network) }
}

/** The hub has every kind of contract but one, so its genesis tells for all. */
function isOutdated({ logId, chains }: Network): boolean {
  const hub = chains.find(({ kind }) => kind === 'hub')!
  return genesisOf(readManifest(), [hub.chainId], logId).get(hub.chainId)!.hash !== hub.genesisHash
}

/** Gives the text of some chains' genesis files with a network's identity in it, and its hash. */
function genesisOf(manifest: GenesisManifest, chainIds: readonly number[], logId: Hash) {
  const allocs = readAllocs(manifest, chainIds)
  return new Map(
    chainIds.map((chainId) => {
      const networkId = contractOf(manifest, chainId, 'networkId')
      const text = genesisFileText(chainId, withLogId(allocs.get(chainId)!, networkId, logId))
      return [chainId, { text, hash: keccak256(stringToBytes(text)) }]
    }),
  )
}

function createNetwork(layout: Layout, chains: readonly LocalChain[], ports: PortPlan): Network {
  wipe(layout)
  createDirectories(layout)
  const manifest = readManifest()
  const chainIds = chains.map(({ chainId }) => chainId)
  const kept = manifest.chains.filter(({ chainId }) => chainIds.includes(chainId))
  const logId = newLogId(
    kept.map(({ hash }) => hash),
    { version: 1, chains },
  )
  const genesis = genesisOf(manifest, chainIds, logId)
  for (const [chainId, { text }] of genesis) {
    writeDurably(join(layout.genesis, `${chainId}.json`), text, PUBLIC)
  }
  const genesisHashes = new Map([...genesis].map(([chainId, { hash }]) => [chainId, hash]))
  const contracts = new Map(kept.map((chain) => [chain.chainId, chain.contracts]))
  return describeNetwork({ logId, chains, genesisHashes, contracts, ports })
}

function writeNetwork(layout: Layout, network: Network): void {
  const checked = networkSchema.parse(network)
  writeDurably(layout.networkFile, `${JSON.stringify(checked, undefined, 2)}\n`, PUBLIC)
}

function requireRollups(rollups: number | undefined): void {
  if (rollups === undefined) return
  if (Number.isInteger(rollups) && rollups >= 1 && rollups <= ROLLUP_NAMES.length) return
  throw new NetworkOptionsError('The number of rollups is out of range.', [
    `rollups: ${rollups}; allowed: 1 to ${ROLLUP_NAMES.length}`,
  ])
}
