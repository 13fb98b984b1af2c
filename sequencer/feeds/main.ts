/** The mark publisher: plays the recorded market, signs its marks and brings them to the gateway. */
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { ConfigError } from '../../sdk/process/config-error.ts'
import { readEnvironment } from '../../sdk/process/environment.ts'
import { type HealthServer, serveHealth } from '../../sdk/process/health.ts'
import { loadRoleKey } from '../../sdk/process/keys.ts'
import { NETWORK_FILE_DEFAULT, loadNetwork } from '../../sdk/process/network.ts'
import { type ProcessContext, type Running, runProcess } from '../../sdk/process/run.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { NamedRole } from '../../sdk/protocol/roles.ts'
import { mountControl } from './control.ts'
import { publishMarks } from './gateway-client.ts'
import { type Publisher, startPublisher } from './publisher.ts'
import recorded from './recorded/2026-02.json' with { type: 'json' }
import { parseMarketFile } from './recorded/source.ts'
import { openRecording } from './recording.ts'
import { feedSigner } from './sign.ts'
import { openSequence, stateFiles } from './state.ts'

const POST_TIMEOUT_MS = 5_000
/** Marks that nobody accepted for this long mean that the publisher does not do its job. */
const STALE_MS = 10_000

const { values: options } = parseArgs({
  options: {
    network: { type: 'string', default: NETWORK_FILE_DEFAULT },
    state: { type: 'string' },
  },
})

await runProcess({ name: 'publisher', start })

async function start(context: ProcessContext): Promise<Running> {
  const environment = publisherEnvironment()
  const network = loadNetwork(options.network)
  const networkDirectory = dirname(options.network)
  const files = stateFiles(options.state ?? join(networkDirectory, 'publisher'))
  const recording = openRecording(parseMarketFile(recorded), {
    networkDirectory,
    playbackFile: files.playback,
    logId: network.logId as Hash,
    rate: environment.PUBLISHER_RATE,
    clockMs,
  })
  const { rpcUrl } = network.sequencer
  const { log, registry, signal } = context
  const publisher = startPublisher(
    publishedUnderlyings(network, recording.source.symbols),
    {
      intervalMs: environment.PUBLISHER_INTERVAL_MS,
      checkMs: environment.PUBLISHER_CHECK_MS,
      moveBps: environment.PUBLISHER_MOVE_BPS,
    },
    {
      clockMs,
      source: recording.source,
      sign: networkSigner(network),
      sequence: openSequence(files.sequence),
      post: (signed) => publishMarks({ rpcUrl, signed, timeoutMs: POST_TIMEOUT_MS, signal }),
      log,
      registry,
    },
  )
  const server = await serveControl(network, context, publisher, (app) =>
    mountControl(app, {
      clockMs,
      recording,
      play: (next) => {
        recording.play(next)
        log.info({ playback: next }, 'recorded market moved')
        publisher.wake()
      },
      status: publisher.status,
    }),
  )
  return {
    stop: async () => {
      await publisher.stop()
      await server.close()
    },
  }
}

function publisherEnvironment() {
  return readEnvironment({
    prefix: 'PUBLISHER_',
    shape: {
      /** Marks are published at least this often. */
      PUBLISHER_INTERVAL_MS: z.coerce.number().int().min(50).max(60_000).default(1_000),
      /** The market is looked at this often. */
      PUBLISHER_CHECK_MS: z.coerce.number().int().min(10).max(10_000).default(200),
      /** A move of spot by this many hundredths of a percent is published at once. */
      PUBLISHER_MOVE_BPS: z.coerce.number().min(0.1).max(10_000).default(10),
      /** Recorded time per clock time, when nothing is replayed; 0 stands still. */
      PUBLISHER_RATE: z.coerce.number().min(0).max(100_000).default(1),
    },
  })
}

function clockMs(): number {
  return Date.now()
}

/** Serves health and control on the loopback address that the network's description names. */
async function serveControl(
  network: Network,
  { registry }: ProcessContext,
  publisher: Publisher,
  mount: Parameters<typeof serveHealth>[0]['mount'],
): Promise<HealthServer> {
  const { hostname, port } = new URL(network.publisher.url)
  if (hostname !== '127.0.0.1' && hostname !== 'localhost') {
    await publisher.stop()
    throw new ConfigError('The publisher is controlled on loopback only.', [`host: ${hostname}`])
  }
  try {
    return await serveHealth({
      port: Number(port),
      registry,
      readiness: () => {
        const reasons = publisher
          .status()
          .filter(({ acceptedAtMs }) => Date.now() - (acceptedAtMs ?? 0) > STALE_MS)
          .map(({ symbol, fault }) => `${symbol}: ${fault ?? 'no marks accepted yet'}`)
        return { ready: reasons.length === 0, reasons }
      },
      mount,
    })
  } catch (error) {
    await publisher.stop()
    throw error
  }
}

function publishedUnderlyings(
  network: Network,
  symbols: readonly string[],
): { id: number; symbol: string }[] {
  const unknown = network.underlyings.filter(({ symbol }) => !symbols.includes(symbol))
  if (unknown.length > 0) {
    throw new ConfigError('The recorded market does not have every underlying of the network.', [
      `missing: ${unknown.map(({ symbol }) => symbol).join(', ')}`,
      `recorded: ${symbols.join(', ')}`,
    ])
  }
  return network.underlyings.map(({ id, symbol }) => ({ id, symbol }))
}

/** Locally one process holds as many feed keys as an update needs; elsewhere each feed is its own. */
function networkSigner(network: Network): ReturnType<typeof feedSigner> {
  const { feeds, threshold } = network.publisher
  const privateKeys = feeds
    .slice(0, threshold)
    .map((_, i) => loadRoleKey(`feed-${i}` as NamedRole, network).privateKey)
  return feedSigner({ logId: network.logId as Hash, privateKeys, threshold })
}
