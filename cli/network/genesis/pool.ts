import { pad } from 'viem'
import type { LocalChain } from '../../../sdk/protocol/chains.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { addressAt } from './addresses.ts'
import { GENESIS_CHAINS } from './chains.ts'
import type { Deployer } from './deployer.ts'
import { OWNER, type HyperlaneCore } from './hyperlane.ts'
import { ASSETS, protocolIdOf } from './market.ts'
import { deployProxied } from './proxied.ts'
import { routeModule } from './routes.ts'
import {
  DELIVERY_TERMS,
  FAST_CAP6,
  FORCED_FEES,
  LEASE_RULES,
  ledgerAsset,
  MARGIN_RULES,
  MARKS_TOLERANCE_MS,
  PROTOCOL_RULES,
  SLASHING,
  SPOKE_CAP18,
  vaultAsset,
} from './pool-rules.ts'

/** Tandem's contracts by their name in the network file: source and kinds of chain that have it. */
const CONTRACTS = {
  slotContext: { source: 'sequencing/SlotContext', on: ['hub', 'rollup'] },
  markFeeds: { source: 'marks/MarkFeeds', on: ['hub', 'rollup'] },
  ledger: { source: 'hub/Ledger', on: ['hub'] },
  marginVerifier: { source: 'hub/MarginVerifier', on: ['hub'] },
  creditBook: { source: 'hub/CreditBook', on: ['hub'] },
  hubVault: { source: 'hub/HubVault', on: ['hub'] },
  liquidationAuction: { source: 'hub/LiquidationAuction', on: ['hub'] },
  spokeVault: { source: 'spoke/SpokeVault', on: ['hub', 'rollup', 'foreign'] },
  protocolRegistry: { source: 'spoke/ProtocolRegistry', on: ['rollup'] },
  spokeCredit: { source: 'spoke/SpokeCredit', on: ['rollup'] },
  optionsExchange: { source: 'protocols/OptionsExchange', on: ['rollup'] },
  slotLedger: { source: 'l1/SlotLedger', on: ['settlement'] },
  bundleInbox: { source: 'l1/BundleInbox', on: ['settlement'] },
  receiptSlasher: { source: 'l1/ReceiptSlasher', on: ['settlement'] },
  bundleExecutor: { source: 'sequencing/BundleExecutor', on: ['hub', 'rollup'] },
  earlyMessages: { source: 'messaging/EarlyMessages', on: ['hub', 'rollup'] },
  sequencedHook: { source: 'messaging/SequencedHook', on: ['hub', 'rollup'] },
  slotInbox: { source: 'sequencing/SlotInbox', on: ['hub', 'rollup'] },
} as const satisfies Record<string, { source: string; on: readonly LocalChain['kind'][] }>

type ContractName = keyof typeof CONTRACTS

const NAMES = Object.keys(CONTRACTS) as ContractName[]

const HUB = GENESIS_CHAINS.find(({ kind }) => kind === 'hub')!
const WITH_VAULT = GENESIS_CHAINS.filter((chain) => has(chain, 'spokeVault'))
const SEQUENCED = GENESIS_CHAINS.filter((chain) => has(chain, 'slotContext'))
const WITH_CREDIT = GENESIS_CHAINS.filter((chain) => has(chain, 'spokeCredit'))

/** Chain-specific addresses that the pool's contracts are told. */
export type PoolSurroundings = {
  chain: LocalChain
  deployer: Deployer
  core: HyperlaneCore
  networkId: Address
  /** Name in the network file to token. */
  tokens: Readonly<Record<string, Address>>
  creditValuer: Address | undefined
}

/** Deploys Tandem's contracts of a chain behind proxies; gives name to address. */
export async function deployPool(around: PoolSurroundings): Promise<Record<string, Address>> {
  const { chain, deployer } = around
  const deployed: Record<string, Address> = {}
  for (const [index, name] of NAMES.entries()) {
    if (!has(chain, name)) continue
    await deployProxied(deployer, {
      section: 'pool',
      place: 2 * index,
      source: CONTRACTS[name].source,
      args: SETTINGS[name](around),
    })
    deployed[name] = poolAddress(name)
  }
  return deployed
}

/** Gives the address that a contract of the pool has on every chain that has it. */
export function poolAddress(name: ContractName): Address {
  return addressAt('pool', 2 * NAMES.indexOf(name) + 1)
}

function has({ kind }: LocalChain, name: ContractName): boolean {
  return (CONTRACTS[name].on as readonly string[]).includes(kind)
}

const NO_ADDRESS: Address = `0x${'0'.repeat(40)}`

const guardian = developmentKey('guardian').address
const riskSigner = developmentKey('risk').address
const roles = { governance: OWNER, guardian }
const marks = poolAddress('markFeeds')
const slotContext = poolAddress('slotContext')
const ledger = poolAddress('ledger')
const creditBook = poolAddress('creditBook')
const registry = poolAddress('protocolRegistry')

/** Gives the arguments of each contract's `initialize`. */
const SETTINGS: Record<ContractName, (around: PoolSurroundings) => readonly unknown[]> = {
  slotContext: () => [developmentKey('system').address, OWNER, poolAddress('bundleExecutor')],
  markFeeds: ({ networkId }) => [
    {
      ...{ ...roles, slotContext, networkId, signers: feedSigners() },
      ...{ threshold: 2, toleranceMs: MARKS_TOLERANCE_MS },
    },
  ],
  ledger: ({ tokens }) => [
    { governance: OWNER, writers: ledgerWriters(), assets: ledgerAssets(tokens) },
  ],
  marginVerifier: ({ networkId }) => [
    {
      ...{ governance: OWNER, networkId, slotContext, marks, ledger },
      rules: { riskSigner, ...MARGIN_RULES },
    },
  ],
  creditBook: (around) => [
    {
      endpoint: endpointOf(around, 'fast', peersOf(WITH_CREDIT, 'spokeCredit')),
      ...{ ledger, slotContext, marginVerifier: poolAddress('marginVerifier') },
      liquidation: poolAddress('liquidationAuction'),
      rules: LEASE_RULES,
      spokeCaps: WITH_CREDIT.map(({ chainId }) => ({ chainId, cap18: SPOKE_CAP18 })),
      protocols: WITH_CREDIT.map(({ chainId }) => ({ protocolId: protocolIdOf(chainId), chainId })),
    },
  ],
  hubVault: (around) => [
    {
      endpoint: endpointOf(around, 'strict', peersOf(WITH_VAULT, 'spokeVault')),
      ...{ ledger, creditBook, early: poolAddress('earlyMessages') },
    },
  ],
  liquidationAuction: () => [{ creditBook, ledger, slotContext }],
  spokeVault: (around) => [
    {
      endpoint: endpointOf(around, 'strict', peersOf([HUB], 'hubVault')),
      hubChainId: HUB.chainId,
      assets: ASSETS.map((asset) => vaultAsset(asset, around.tokens[asset.contract]!)),
    },
  ],
  protocolRegistry: ({ chain }) => [{ ...roles, protocols: [exchangeOf(chain)] }],
  spokeCredit: (around) => [
    {
      endpoint: endpointOf(around, 'fast', peersOf([HUB], 'creditBook')),
      ...{ hubChainId: HUB.chainId, slotContext, registry, marks, riskSigner },
      maxMarksLag: MARGIN_RULES.maxMarksLag,
    },
  ],
  slotLedger: ({ networkId }) => [
    { governance: OWNER, networkId, sequencer: developmentKey('sequencer').address },
  ],
  bundleInbox: () => [{ governance: OWNER, fees: FORCED_FEES }],
  receiptSlasher: ({ networkId }) => [
    {
      ...{ governance: OWNER, operator: OWNER, beneficiary: OWNER, networkId },
      ...{
        sequencer: developmentKey('sequencer').address,
        system: developmentKey('system').address,
      },
      ledger: poolAddress('slotLedger'),
      ...SLASHING,
      validators: SEQUENCED.map(({ chainId }) => ({
        origin: chainId,
        validator: developmentKey(`validator-${chainId}`).address,
      })),
    },
  ],
  bundleExecutor: ({ networkId }) => [{ slotContext, networkId }],
  earlyMessages: ({ chain, core, creditValuer }) => {
    const origins = SEQUENCED.map(({ chainId }) => chainId).filter((id) => id !== chain.chainId)
    const recipient = chain.kind === 'hub' ? creditBook : poolAddress('spokeCredit')
    return [
      {
        ...{ ...roles, mailbox: core.mailbox.address, slotContext },
        modules: origins.map((origin) => ({ origin, module: routeModule(origin) })),
        caps: origins.map((origin) => ({ origin, token: NO_ADDRESS, cap6: FAST_CAP6 })),
        valuers: [{ recipient, valuer: creditValuer }],
      },
    ]
  },
  sequencedHook: ({ chain }) => [
    {
      ...{ owner: OWNER, beneficiary: OWNER, terms: DELIVERY_TERMS },
      destinations: SEQUENCED.map(({ chainId }) => chainId).filter((id) => id !== chain.chainId),
    },
  ],
  slotInbox: () => [slotContext],
  optionsExchange: () => [{ pool: poolAddress('spokeCredit'), slotContext, registry, marks }],
}

/** Money meets the strict module, credit the one that also takes in-slot messages. */
function endpointOf(
  { core, networkId }: PoolSurroundings,
  way: 'strict' | 'fast',
  peers: readonly unknown[],
) {
  return {
    ...roles,
    mailbox: core.mailbox.address,
    networkId,
    // The zero address leaves the choice to the Mailbox, whose default is the fast way.
    ism: way === 'strict' ? core.strictIsm.address : NO_ADDRESS,
    peers,
  }
}

function peersOf(chains: readonly LocalChain[], name: ContractName) {
  return chains.map(({ chainId }) => ({ chainId, router: pad(poolAddress(name)) }))
}

function ledgerWriters() {
  return [
    { module: poolAddress('hubVault'), mayMint: true, mayMove: false },
    { module: poolAddress('creditBook'), mayMint: false, mayMove: true },
    { module: poolAddress('liquidationAuction'), mayMint: false, mayMove: true },
  ]
}

function ledgerAssets(tokens: Readonly<Record<string, Address>>) {
  return ASSETS.map((asset) => ledgerAsset(asset, WITH_VAULT, tokens[asset.contract]!))
}

function exchangeOf({ chainId }: LocalChain) {
  const protocol = poolAddress('optionsExchange')
  return { protocolId: protocolIdOf(chainId), protocol, ...PROTOCOL_RULES }
}

/** The contract wants the feeds' addresses in ascending order. */
function feedSigners(): Address[] {
  return (['feed-0', 'feed-1', 'feed-2'] as const)
    .map((role) => developmentKey(role).address)
    .toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
}
