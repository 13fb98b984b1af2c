import { privateKeyToAccount } from 'viem/accounts'
import { createTandemClient } from '../../../sdk/client/create-client.ts'
import { loadRoleKey } from '../../../sdk/process/keys.ts'
import { loadNetwork } from '../../../sdk/process/network.ts'
import { runProcess } from '../../../sdk/process/run.ts'
import { openWatch } from './watch.ts'

const ROUND_INTERVAL_MS = 500
/** It bids at 97 % of value and below. */
const PRICE_MAX_18 = 970_000_000_000_000_000n

/** Runs the liquidator of a network until it is asked to stop. */
export async function runLiquidator(networkFile: string): Promise<void> {
  await runProcess({
    name: 'liquidator',
    start: async ({ log, signal }) => {
      const network = loadNetwork(networkFile)
      const account = privateKeyToAccount(loadRoleKey('liquidator', network).privateKey)
      const client = createTandemClient({ network, account })
      const watch = openWatch(client, { priceMax18: PRICE_MAX_18 }, log)
      const done = (async () => {
        while (!signal.aborted) {
          try {
            await watch.round()
          } catch (err) {
            log.warn({ err }, 'round failed')
          }
          await pause(ROUND_INTERVAL_MS, signal)
        }
      })()
      return { stop: () => done }
    },
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
