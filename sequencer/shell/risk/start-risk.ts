import { toEventSelector, type AbiEvent } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Logger } from 'pino'
import { creditBookAbi } from '../../../sdk/abi/credit-book.ts'
import { ledgerAbi } from '../../../sdk/abi/ledger.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import type { Network } from '../../../sdk/protocol/network.ts'
import { parametersOf } from '../../../sdk/risk/ledger.ts'
import type { SequencerSettings } from '../config.ts'
import type { ChainDriver } from '../drivers/driver.ts'
import type { Engine } from '../engine/engine.ts'
import { sendOwn } from '../engine/own-entries.ts'
import type { ChainHistory, History } from '../history/history.ts'
import type { PublishedLeg } from '../port.ts'
import { HubBooks, type HubMarks, type HubRead } from './hub-books.ts'
import { RiskKeeper } from './keeper.ts'
import { watchLiquidations } from './liquidations.ts'
import { updatesOf } from './mark-updates.ts'
import { riskMethods, type RiskMethods } from './methods.ts'
import { openRiskService } from './service.ts'

/** Logs that a search for accounts takes at once. */
const LOGS_AT_ONCE = 10_000

/** The risk engine of a running sequencer. */
export type Risk = {
  methods: RiskMethods
  /** Marks that decisions rest on; undefined before the first version of this process. */
  inForce: () => HubMarks | undefined
  stop: () => Promise<void>
}

type RiskParts = {
  network: Network
  settings: SequencerSettings
  engine: Engine
  hub: ChainDriver | undefined
  history: History
  /** Signs attestations. */
  key: Hex
}

const positionChanged = topicOf('PositionChanged')
/** Events after which portfolios are other ones, with the number of accounts that each names. */
const changesPortfolio = new Map<Hash, number>([
  [positionChanged, 1],
  [topicOf('ClaimChanged'), 1],
  [topicOf('PortfolioReassigned'), 2],
])

function topicOf(event: string): Hash {
  const found = [...creditBookAbi, ...ledgerAbi].find(
    (item) => item.type === 'event' && item.name === event,
  )
  return toEventSelector(found as AbiEvent)
}

/** Starts what keeps accounts margined, signs margins, and begins liquidations; none without a hub. */
export async function startRisk(log: Logger, parts: RiskParts): Promise<Risk | undefined> {
  const { network, engine, hub, history } = parts
  const contracts = network.chains.find(({ kind }) => kind === 'hub')?.contracts
  if (hub === undefined || contracts === undefined) return undefined
  const named = (name: string) => (contracts[name] as string).toLowerCase() as Address
  const place = { hub, named }
  const { keeper, service, held } = openKeeper(log, parts, place)
  const sources = new Set([named('creditBook'), named('ledger')])
  const markFeeds = named('markFeeds')
  const end = await engine.publications.subscribe(
    ({ blocks }) => {
      const legs = blocks.find(({ chainId }) => chainId === hub.chainId)?.legs ?? []
      keeper.note(updatesOf(legs, markFeeds), changedAccounts(legs, sources, held))
    },
    history.place() ?? { superblock: 0, slot: engine.publishedSlot },
  )
  keeper.start()
  return {
    methods: riskMethods(service),
    inForce: () => keeper.inForce,
    stop: async () => {
      end()
      await keeper.stop()
    },
  }
}

/** The hub's driver, and the addresses of its contracts by name, in lower case. */
type HubPlace = { hub: ChainDriver; named: (name: string) => Address }

function openKeeper(log: Logger, parts: RiskParts, { hub, named }: HubPlace) {
  const { network, settings, engine, history } = parts
  const creditBook = named('creditBook')
  const read: HubRead = (to, data) =>
    hub.read<Hex>(({ number }) => ({
      method: 'eth_call',
      params: [{ to, data }, `0x${number.toString(16)}`],
    }))
  const underlyings = network.underlyings.map(({ id }) => id)
  const books = new HubBooks({ read, creditBook, markFeeds: named('markFeeds'), underlyings })
  const parameters = parametersOf(network.assets)
  const nowMs = () => engine.state.timestampMs
  const service = openRiskService({
    network,
    books,
    marks: () => keeper.marks(),
    parameters,
    key: privateKeyToAccount(parts.key),
    slot: () => ({ height: BigInt(engine.state.height), timestampMs: nowMs() }),
    validForSlots: settings.SEQUENCER_ATTESTATION_SLOTS,
    marksAgeMsMax: settings.SEQUENCER_MARKS_AGE_MS,
  })
  const look = watchLiquidations({
    read,
    creditBook,
    liquidationAuction: named('liquidationAuction'),
    attest: (account) => service.marginAttestation(account, { positions: [], claims: [] }),
    send: (start) => sendOwn(engine, (requestId) => ({ type: 'liquidation', requestId, start })),
    publishedSlot: () => engine.publishedSlot,
    nowMs,
    log,
  })
  /** Accounts that ever held a position. */
  const held = new Set<AccountId>()
  const keeper: RiskKeeper = new RiskKeeper({
    network,
    books,
    parameters,
    workers: settings.SEQUENCER_RISK_WORKERS,
    nowMs,
    version: () => engine.state.risk,
    putInForce: async (risk) => {
      await sendOwn(engine, (requestId) => ({ type: 'risk', requestId, risk }))
    },
    accounts: async () => {
      const past = await pastHolders(history.chain(hub.chainId), creditBook)
      for (const account of past) held.add(account)
      return past
    },
    look,
    log,
  })
  return { keeper, service, held }
}

/** Accounts whose portfolio changed in a block, of those that ever held a position. */
function changedAccounts(
  legs: readonly PublishedLeg[],
  sources: ReadonlySet<Address>,
  held: Set<AccountId>,
): Set<AccountId> {
  const changed = new Set<AccountId>()
  for (const { outcome } of legs) {
    for (const { address, topics } of outcome.logs) {
      const [topic, ...named] = topics
      const count = topic === undefined ? undefined : changesPortfolio.get(topic)
      if (count === undefined || !sources.has(address)) continue
      for (const account of named.slice(0, count)) {
        if (topic === positionChanged || count > 1) held.add(account)
        if (held.has(account)) changed.add(account)
      }
    }
  }
  return changed
}

/** Finds every account whose position ever changed, in what was published. */
async function pastHolders(
  chain: ChainHistory | undefined,
  creditBook: Address,
): Promise<AccountId[]> {
  const found = new Set<AccountId>()
  const toBlock = chain?.head()?.number ?? -1
  let fromBlock = 0
  while (chain !== undefined && fromBlock <= toBlock) {
    const topics = [new Set([positionChanged])]
    const query = { fromBlock, toBlock, addresses: new Set([creditBook]), topics }
    const logs = await chain.logs(query, LOGS_AT_ONCE)
    for (const { log } of logs) if (log.topics[1] !== undefined) found.add(log.topics[1])
    const last = logs.at(-1)
    if (last === undefined || logs.length <= LOGS_AT_ONCE) break
    // The last block may have more than was given: it is looked at again, unless it is all there is.
    const number = last.entry.block.number
    fromBlock = number > fromBlock ? number : number + 1
  }
  return [...found]
}
