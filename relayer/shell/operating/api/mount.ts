import type { Express } from 'express'
import type { Redis } from 'ioredis'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import { messageIdOf } from '../../../core/message.ts'
import type { MessageRecord } from '../../../core/stages.ts'
import { decodeDispatches, type RawLog } from '../../chains/logs.ts'
import type { Records } from '../../redis/records.ts'
import type { RelayerOptions, Shared, Site } from '../../relayer.ts'
import type { Resolution } from '../../metadata/resolver.ts'
import { revertNow } from '../../submitting/trial.ts'
import type { ApiContext } from './context.ts'
import { controlRoutes } from './control.ts'
import { messageRoutes } from './messages.ts'
import { mountRoutes } from './routes.ts'
import { streamRoute } from './stream.ts'
import { createTokens } from './tokens.ts'

/** Adds the operator API to a server. */
export function mountOperatorApi(
  app: Express,
  given: {
    shared: Shared
    sites: ReadonlyMap<number, Site>
    /** A connection that rather fails than waits. */
    probe: Redis
    records: Records
    options: RelayerOptions
  },
): void {
  const { shared, probe: redis, records, options } = given
  const { keys, controls } = shared
  const context: ApiContext = {
    ...{ redis, keys, records, controls },
    explain: async (record) => (await resolve(given, record))?.ism,
    simulate: (record) => simulate(given, record),
    ask: async (subject, command) => {
      await redis.publish(keys.commands, JSON.stringify({ subject, command }))
    },
    hint: (name, transactionHash) => hint(given, name, transactionHash),
  }
  const tokens = createTokens({ tokens: options.tokens, openRead: options.config.openRead })
  const routes = [
    ...messageRoutes(context),
    ...controlRoutes(context),
    streamRoute({ redis, keys }),
  ]
  mountRoutes(app, routes, tokens)
}

type Given = Parameters<typeof mountOperatorApi>[1]

async function resolve(
  { shared, sites, probe }: Given,
  record: MessageRecord,
): Promise<Resolution | undefined> {
  const origin = sites.get(record.origin)?.chain
  const destination = sites.get(record.destination)?.chain
  if (origin === undefined || destination === undefined) return undefined
  const leaf = await probe.hget(shared.keys.leaves(record.origin), record.id)
  const leafIndex = leaf === null ? undefined : Number(leaf)
  return await shared.resolver.resolve({ record, origin, destination, leafIndex })
}

async function simulate(given: Given, record: MessageRecord) {
  const resolution = await resolve(given, record)
  const destination = given.sites.get(record.destination)?.chain
  if (resolution === undefined || destination === undefined) {
    return { passes: false, reason: 'its destination is not in the network', ism: null }
  }
  const ism = resolution.ism ?? null
  if (resolution.status !== 'ok') return { passes: false, reason: resolution.text, ism }
  const from = given.options.signers.transfer.address
  const ready = { ...record, metadata: resolution.metadata }
  const reason = await revertNow(destination, from, ready)
  return { passes: reason === undefined, reason: reason ?? null, ism }
}

async function hint({ shared, sites, probe, records }: Given, name: string, hash: Hash) {
  const site = [...sites.values()].find(
    ({ chain }) => chain.name === name || `${chain.chainId}` === name,
  )
  if (site === undefined) return undefined
  const { chain } = site
  const receipt = await chain.rpc.call<{ logs: readonly RawLog[] } | null>(
    'eth_getTransactionReceipt',
    [hash],
  )
  if (receipt === null) return undefined
  const command = { subject: `indexer-${chain.chainId}`, command: { act: 'reconcile' } }
  await probe.publish(shared.keys.commands, JSON.stringify(command))
  const ids = decodeDispatches(chain, receipt.logs).map((raw) => messageIdOf(raw))
  const known = await Promise.all(ids.map((id) => records.load(id)))
  return ids.map((id, i) => ({ id, stage: known[i]?.stage ?? null }))
}
