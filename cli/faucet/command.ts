import { Command, InvalidArgumentError } from 'commander'
import { isAddress, type Address } from 'viem'
import { loadNetwork, NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'
import { tokenAmount } from '../../sdk/protocol/units.ts'
import { openFaucet } from './fund.ts'

type Flags = { network: string; chain?: string; tokens: string }

/** Makes `tandem faucet`: native coin and test tokens on the local network. */
export function createCommand(): Command {
  return new Command('faucet')
    .description('Give an address native coin and test tokens on the local network.')
    .argument('<address>', 'who gets them', address)
    .option('--chain <name>', 'only on this chain (default: every chain that has tokens)')
    .option('--tokens <whole>', 'whole tokens of each asset', '100000')
    .option('--network <file>', 'network file', NETWORK_FILE_DEFAULT)
    .action(run)
}

async function run(to: Address, flags: Flags): Promise<void> {
  const network = loadNetwork(flags.network)
  const faucet = openFaucet(network)
  const chains = network.chains.filter(({ name, contracts }) =>
    flags.chain === undefined ? contracts['spokeVault'] !== undefined : name === flags.chain,
  )
  if (chains.length === 0) throw new InvalidArgumentError(`There is no chain ${flags.chain}.`)
  const whole = wholeNumber(flags.tokens)
  await Promise.all(
    chains.map(async ({ chainId, name }) => {
      const tokens = network.assets.flatMap(({ id, tokens: on }) => {
        const token = on[`${chainId}`]
        if (token === undefined) return []
        return [{ asset: id, amount: tokenAmount(whole * 10n ** BigInt(token.decimals)) }]
      })
      await faucet({ chain: chainId, address: to, tokens })
      process.stdout.write(`${name}: 10 native coins and ${whole} of each token\n`)
    }),
  )
}

function address(text: string): Address {
  if (isAddress(text)) return text
  throw new InvalidArgumentError('It must be an address of 20 bytes in hexadecimal.')
}

function wholeNumber(text: string): bigint {
  if (/^\d{1,9}$/.test(text)) return BigInt(text)
  throw new InvalidArgumentError(`--tokens must be a whole number up to 999999999, not ${text}.`)
}
