import { Command } from 'commander'
import { privateKeyToAccount } from 'viem/accounts'
import { createTandemClient } from '../../sdk/client/create-client.ts'
import { rpcCaller } from '../../sdk/client/rpc.ts'
import { getStatus } from '../../sdk/client/actions/get-status.ts'
import { loadRoleKey } from '../../sdk/process/keys.ts'
import { loadNetwork, NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'
import { resumeChainTypes, type ResumeRequest } from '../../sdk/protocol/control.ts'
import { tandemDomain } from '../../sdk/protocol/feeds.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'

/** A node that starts again may have hundreds of blocks to derive. */
const RESUME_MS_MAX = 120_000

type Flags = { chain?: string | undefined; network: string }

/** Makes `tandem resume`. */
export function createCommand(): Command {
  return new Command('resume')
    .description(
      'Let a stopped rollup go on: its node is started again and must do what the log promised. ' +
        'Without --chain: say which rollups are stopped, and why. Needs the sequencer’s key. ' +
        'Prints JSON lines. Exit code 1 when the rollup stays stopped, with the reason.',
    )
    .option('--chain <name>', 'rollup to resume, by name or chain id')
    .option('--network <file>', 'description of the network', NETWORK_FILE_DEFAULT)
    .action(run)
}

async function run({ chain, network: file }: Flags): Promise<void> {
  const network = loadNetwork(file)
  const client = createTandemClient({ network })
  if (chain === undefined) {
    for (const { chainId, reason } of (await getStatus(client)).stopped) {
      print({ chain: nameOf(network, chainId), chainId, reason })
    }
    return
  }
  const { name, chainId } = client.chain(/^\d{1,9}$/.test(chain) ? Number(chain) : chain)
  const request = await order(network, chainId)
  const call = rpcCaller(network.sequencer.rpcUrl, RESUME_MS_MAX)
  const head = await call<{ number: number; hash: Hash }>('tandem_resumeChain', [request])
  print({ chain: name, chainId, resumed: true, number: head.number, hash: head.hash })
}

async function order(network: Network, chainId: number): Promise<ResumeRequest> {
  const { privateKey } = loadRoleKey('sequencer', network)
  const issuedAtMs = Date.now()
  const signature = await privateKeyToAccount(privateKey).signTypedData({
    domain: tandemDomain(network.logId as Hash),
    types: resumeChainTypes,
    primaryType: 'ResumeChain',
    message: { chainId: BigInt(chainId), issuedAtMs: BigInt(issuedAtMs) },
  })
  return { chainId, issuedAtMs, signature }
}

function nameOf(network: Network, chainId: number): string {
  return network.chains.find((chain) => chain.chainId === chainId)?.name ?? `${chainId}`
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
