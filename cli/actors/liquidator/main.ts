import { parseArgs } from 'node:util'
import { privateKeyToAccount } from 'viem/accounts'
import { createTandemClient } from '../../../sdk/client/create-client.ts'
import { loadRoleKey } from '../../../sdk/process/keys.ts'
import { NETWORK_FILE_DEFAULT, loadNetwork } from '../../../sdk/process/network.ts'
import { runProcess } from '../../../sdk/process/run.ts'
import { openWatch } from './watch.ts'

const ROUND_INTERVAL_MS = 500
/** Bids at 97 % of value and below. */
const PRICE_MAX_18 = 970_000_000_000_000_000n

const HELP = `tandem liquidator: calls accounts below their line and bids for parts of them.

  --network FILE   network file (default ${NETWORK_FILE_DEFAULT})

The key is in TANDEM_KEY_LIQUIDATOR; on a local network the development key serves. Its main account
needs cash on the hub: it pays for what it buys and margins it afterwards.
`

const { values } = parseArgs({
  options: {
    network: { type: 'string', default: NETWORK_FILE_DEFAULT },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) {
  process.stdout.write(HELP)
} else {
  await runProcess({
    name: 'liquidator',
    start: async ({ log, signal }) => {
      const network = loadNetwork(values.network)
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
