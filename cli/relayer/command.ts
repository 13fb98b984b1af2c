import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { stringify } from 'yaml'
import { loadConfig, type RelayerConfig } from '../../relayer/shell/config.ts'
import { forgetRecords } from '../../relayer/shell/redis/forget.ts'
import { readKeystore, storeKey } from '../../relayer/shell/submitting/keystore.ts'
import { ConfigError } from '../../sdk/process/config-error.ts'
import { NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'
import type { Hex } from '../../sdk/protocol/hex.ts'
import { openRelayerApi } from './api.ts'

type Flags = { network: string; config?: string }

const say = (text: string) => void process.stdout.write(`${text}\n`)

/** Makes `tandem relayer`: what an operator does with a running relayer, and before it runs. */
export function createCommand(): Command {
  const command = new Command('relayer')
    .description('Look after a relayer: configuration, keys, what is pending, health, rebuild.')
    .option('--network <file>', 'network file', NETWORK_FILE_DEFAULT)
    .option('--config <file>', 'configuration file (YAML)')
  command.addCommand(configCommand())
  command.addCommand(keysCommand())
  command.addCommand(queryCommand())
  command
    .command('clear')
    .description('Try everything that waits once more, now.')
    .option('--destination <chain id>', 'only what goes there')
    .action(async (options: { destination?: string }, self: Command) => {
      const api = openRelayerApi(self.optsWithGlobals<Flags>().network)
      const { destination } = options
      const line = destination === undefined ? {} : { destinationdomain: Number(destination) }
      const { evaluated, matched } = await api.post<Record<string, number>>('/v1/retry', [line])
      say(`${matched} of ${evaluated} waiting messages are tried again`)
    })
  command
    .command('health')
    .description('Say whether messages make progress, and if not why not.')
    .action(async (_options: unknown, self: Command) => {
      const api = openRelayerApi(self.optsWithGlobals<Flags>().network)
      const { status, body } = await api.probe('/readyz')
      const { reasons } = body as { reasons: readonly string[] }
      say(status === 200 ? 'ready' : `not ready\n${reasons.map((one) => `  ${one}`).join('\n')}`)
      if (status !== 200) process.exitCode = 1
    })
  command
    .command('rebuild')
    .description('Forget every record in Redis; running relayers make them anew from the chains.')
    .requiredOption('--from-chain', 'the one source there is')
    .action(async (_options: unknown, self: Command) => {
      const config = configOf(self)
      const forgotten = await forgetRecords(config)
      say(`${forgotten} keys forgotten; policy, pauses and audit are kept`)
    })
  return command
}

function configOf(self: Command): RelayerConfig {
  const { network, config } = self.optsWithGlobals<Flags>()
  return loadConfig(config, { networkFile: config === undefined ? network : undefined })
}

function configCommand(): Command {
  const command = new Command('config').description('Make, check or show a configuration.')
  command
    .command('auto')
    .description('Print a configuration file for the network file.')
    .action((_options: unknown, self: Command) => {
      const { network } = self.optsWithGlobals<Flags>()
      const { chains } = loadConfig(undefined, { networkFile: network })
      const relayChains = chains.map(({ name }) => name)
      say(stringify({ version: 1, network, relayChains }).trimEnd())
    })
  command
    .command('check')
    .description(
      'Check a configuration; exit code 2 and the place of each fault when it breaks a rule.',
    )
    .action((_options: unknown, self: Command) => {
      try {
        const { chains } = configOf(self)
        say(`valid: ${chains.map(({ name }) => name).join(', ')}`)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        process.stderr.write(`${error.message}\n`)
        process.exitCode = 2
      }
    })
  command
    .command('print')
    .description('Print everything that a relayer would run with.')
    .action((_options: unknown, self: Command) => {
      const { chains, redis, port, pollMs, openRead, fees, policy } = configOf(self)
      const shown = {
        chains: chains.map(({ name, chainId, rpcUrl, reorgPeriod, contracts }) => {
          return { name, chainId, rpcUrl, reorgPeriod, contracts }
        }),
        ...{ redis, port, pollMs, openRead, policy },
        lanes: Object.fromEntries(
          Object.entries(fees).map(([lane, { maxFeePerGas, tipMin }]) => {
            return [
              lane,
              { maxFeeGwei: Number(maxFeePerGas) / 1e9, tipMinGwei: Number(tipMin) / 1e9 },
            ]
          }),
        ),
      }
      say(stringify(JSON.parse(JSON.stringify(shown))).trimEnd())
    })
  return command
}

const ROLES = ['relayer-critical', 'relayer-transfer'] as const

function role(text: string): string {
  if ((ROLES as readonly string[]).includes(text) || /^validator-\d+$/.test(text)) return text
  throw new InvalidArgumentError(`One of ${ROLES.join(', ')}, validator-<chain id>.`)
}

function keysCommand(): Command {
  const command = new Command('keys')
    .description(
      'Keep keys in an encrypted file; its password is TANDEM_RELAYER_KEYSTORE_PASSWORD.',
    )
    .requiredOption('--keystore <file>', 'the file')
  const file = (self: Command) => self.optsWithGlobals<{ keystore: string }>().keystore
  command
    .command('add')
    .description('Make a new key for a role and print its address.')
    .argument('<role>', 'relayer-critical, relayer-transfer or validator-<chain id>', role)
    .action((name: string, _options: unknown, self: Command) => {
      const privateKey = `0x${randomBytes(32).toString('hex')}` as const
      say(storeKey(file(self), { role: name, privateKey, password: password() }))
    })
  command
    .command('import')
    .description('Keep a key that is read from standard input, and print its address.')
    .argument('<role>', 'relayer-critical, relayer-transfer or validator-<chain id>', role)
    .action((name: string, _options: unknown, self: Command) => {
      const text = readFileSync(0, 'utf8').trim()
      if (!/^0x[0-9a-fA-F]{64}$/.test(text)) {
        throw new ConfigError('Standard input holds no key.', [
          'rule: 0x and 64 hexadecimal digits',
        ])
      }
      say(storeKey(file(self), { role: name, privateKey: text as Hex, password: password() }))
    })
  command
    .command('list')
    .description('List roles and addresses; secrets stay sealed.')
    .action((_options: unknown, self: Command) => {
      for (const { role: name, address } of readKeystore(file(self)).keys) say(`${name} ${address}`)
    })
  return command
}

function password(): string {
  const given = process.env['TANDEM_RELAYER_KEYSTORE_PASSWORD']
  if (given !== undefined && given.length >= 8) return given
  throw new ConfigError('The keystore needs a password.', [
    'set TANDEM_RELAYER_KEYSTORE_PASSWORD to 8 characters or more',
  ])
}

type Pending = { id: string; stage: string; class: string; origin: number; destination: number }

function queryCommand(): Command {
  const command = new Command('query').description('Ask what a relayer knows.')
  command
    .command('pending')
    .description('List messages that are not delivered, each with why.')
    .action(async (_options: unknown, self: Command) => {
      const api = openRelayerApi(self.optsWithGlobals<Flags>().network)
      const stages = [
        ...['dead_letter', 'unpaid', 'limited', 'seen', 'awaiting_finality'],
        ...['awaiting_signatures', 'prepared', 'reserved', 'signed', 'broadcast'],
      ]
      let count = 0
      for (const stage of stages) {
        const { messages } = await api.get<{
          messages: (Pending & { reason?: { code: string; text: string } })[]
        }>(`/v1/messages?status=${stage}&limit=200`)
        for (const one of messages) {
          const why = one.reason === undefined ? '' : ` ${one.reason.code}: ${one.reason.text}`
          say(`${one.id} ${one.origin}→${one.destination} ${one.class} ${one.stage}${why}`)
        }
        count += messages.length
      }
      say(`${count} pending`)
    })
  return command
}
