import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve, join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { eventually, freePort } from '../fixtures/relayer/processes.ts'
import {
  getJson,
  sendMany,
  startStack,
  untilDelivered,
  type Stack,
} from '../fixtures/relayer/stack.ts'

/** Folder of Debian's `prometheus` and `promtool`; without it they are looked for on the path. */
const folder = process.env['TANDEM_PROMETHEUS'] ?? ''
const binary = (name: string) => join(folder, name)

type Answer = { data: { result: { metric: Record<string, string>; value: [number, string] }[] } }
type Rules = { data: { groups: { rules: { name: string; health: string }[] }[] } }

let stack: Stack
let server: ChildProcess | undefined
let url: string

const query = async (text: string) => {
  const answer = await getJson<Answer>(`${url}/api/v1/query?query=${encodeURIComponent(text)}`)
  return answer.data.result
}

beforeAll(async () => {
  stack = await startStack()
  await stack.startRelayer()
  await sendMany(stack.east, stack.west, 3)
  await untilDelivered(stack.east, stack.west, 3)
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const hosts = stack.network.validators.map((validator) => new URL(validator.url).host)
  const config = join(stack.folder, 'prometheus.yml')
  const jobs = [
    ['tandem-relayer', [new URL(stack.relayerUrl).host]],
    ['tandem-validator', hosts],
  ] as const
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [resolve('relayer/ops/alerts.yml')],
      scrape_configs: jobs.map(([name, targets]) => {
        return { job_name: name, static_configs: [{ targets }] }
      }),
    }),
  )
  server = spawn(
    binary('prometheus'),
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(stack.folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
}, 120_000)

afterAll(async () => {
  if (server !== undefined && server.exitCode === null) {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  await stack?.stop()
})

test('promtool takes the rules and the configuration', () => {
  execFileSync(binary('promtool'), ['check', 'rules', 'relayer/ops/alerts.yml'])
  execFileSync(binary('promtool'), ['check', 'config', 'relayer/ops/prometheus.yml'])
})

test('a Prometheus scrapes relayer and validators, and every rule evaluates', async () => {
  await eventually('all are scraped', async () => {
    return (await query('up == 1')).length === 3
  })
  const rules = await eventually('all rules were evaluated', async () => {
    const { data } = await getJson<Rules>(`${url}/api/v1/rules`)
    const all = data.groups.flatMap((group) => group.rules)
    return all.length > 0 && all.every(({ health }) => health !== 'unknown') && all
  })
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
}, 60_000)

test.each([
  ['hyperlane_messages_processed_count', ['origin', 'remote']],
  ['hyperlane_submitter_queue_length', ['queue_name', 'remote', 'app_context', 'operation_status']],
  ['hyperlane_latest_checkpoint', ['agent', 'phase', 'chain']],
  ['hyperlane_block_height', ['agent', 'chain']],
  ['hyperlane_contract_sync_liveness', ['data_type', 'chain']],
  ['hyperlane_contract_sync_block_height', ['data_type', 'chain']],
  ['hyperlane_cursor_current_block', ['event_type', 'chain', 'cursor_type']],
  ['hyperlane_cursor_max_sequence', ['event_type', 'chain']],
  ['hyperlane_operations_processed_count', ['phase', 'chain']],
  ['hyperlane_wallet_balance', ['chain', 'wallet_address', 'wallet_name', 'token_symbol']],
  ['hyperlane_request_count', ['chain', 'method', 'status']],
  ['hyperlane_metadata_build_count', ['origin', 'remote', 'status']],
  ['hyperlane_merkle_root_mismatch', ['chain']],
])(
  'after real traffic %s is there with its labels',
  async (name, labels) => {
    const [first] = await eventually('the series', async () => {
      const found = await query(name)
      return found.length > 0 && found
    })
    expect(Object.keys(first!.metric)).toEqual(expect.arrayContaining([...labels]))
  },
  60_000,
)
