import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Registry } from 'prom-client'
import { serveHealth } from '../../sdk/process/health.ts'
import type { Logger } from '../../sdk/process/log.ts'
import type { Chain } from '../shell/chains/chains.ts'
import { followHeads } from '../shell/chains/heads.ts'
import type { Signer } from '../shell/submitting/signer.ts'
import { announce } from './announce.ts'
import { mountValidatorApi } from './api.ts'
import { validatorGauges } from './gauges.ts'
import { openPublished } from './published.ts'
import { openStorage, prepareFolder } from './storage.ts'
import { startWatch } from './watch.ts'

/** What a validator runs with. */
export type ValidatorOptions = {
  chain: Chain
  signer: Signer
  /** Folder of its checkpoints. */
  folder: string
  /** Port of its server; 0 takes a free one. */
  port: number
  /** Milliseconds between questions to a chain that has no WebSocket. */
  pollMs: number
  version: string
  registry: Registry
  log: Logger
}

/** A running validator. */
export type Validator = { url: string; stop: () => Promise<void> }

const SILENT_MS_MAX = 10_000
const ANNOUNCE_RETRY_MS = 5_000

/** Starts the validator of one chain. */
export async function startValidator(options: ValidatorOptions): Promise<Validator> {
  const { chain, signer, folder, port, pollMs, version, registry, log } = options
  const path = resolve(folder)
  await prepareFolder(path)
  const storage = openStorage(path)
  await storage.writeMetadata(version)
  const newest = await storage.latestIndex()
  const signedNext = newest === undefined ? 0 : newest + 1
  const published = openPublished(signedNext)
  const nowS = () => Math.floor(Date.now() / 1000)
  const watch = await startWatch({ chain, signer, storage, published, log, nowS }, signedNext)
  const show = validatorGauges(registry, chain.name)

  let trouble: string | undefined = 'not started'
  const note = (error: unknown) => {
    trouble = (error as Error).message.split('\n', 1)[0]
    log.debug({ err: error, chain: chain.name }, 'look failed')
  }
  const heads = followHeads({ chain, pollMs, onError: note })
  heads.subscribe(async (head) => {
    await watch.look()
    trouble = undefined
    show({ height: head.number, ...watch.state() })
  })

  const readiness = () => {
    const { halted } = watch.state()
    const silentMs = heads.silentMs()
    const reasons = [
      halted,
      trouble,
      silentMs > SILENT_MS_MAX ? `no answer for ${Math.round(silentMs)} ms` : undefined,
    ].filter((reason) => reason !== undefined)
    return { ready: reasons.length === 0, reasons }
  }
  const server = await serveHealth({
    registry,
    readiness,
    port,
    mount: (app) => mountValidatorApi(app, { published, storage, state: watch.state }),
  })
  const location = pathToFileURL(path).href
  const stopAnnouncing = repeatUntil(ANNOUNCE_RETRY_MS, async () => {
    try {
      const result = await announce({ chain, signer, storage, location, log })
      if (result === 'announced') log.info({ chain: chain.name, location }, 'checkpoints announced')
      return result === 'announced'
    } catch (error) {
      log.debug({ err: error, chain: chain.name }, 'announcement failed')
      return false
    }
  })
  log.info({ chain: chain.name, validator: signer.address, url: server.url }, 'validator serves')
  return {
    url: server.url,
    stop: async () => {
      stopAnnouncing()
      heads.stop()
      await server.close()
    },
  }
}

/** Tries something now and then until it is done; gives the way to end it. */
function repeatUntil(intervalMs: number, attempt: () => Promise<boolean>): () => void {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const round = async () => {
    const done = await attempt()
    if (!done && !stopped) timer = setTimeout(() => void round(), intervalMs)
  }
  void round()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
