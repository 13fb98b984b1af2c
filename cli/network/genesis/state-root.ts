import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalChain } from '../../../sdk/protocol/chains.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { startAnvil } from '../anvil/node.ts'
import { freePort } from '../ports.ts'
import type { Alloc } from './alloc.ts'
import { genesisFileText } from './file.ts'

/**
 * Gives the state root of the empty block 1 of a node that starts from an alloc.
 *
 * Block 0 of such a node has the root of an empty state: it identifies nothing.
 */
export async function emptyBlockStateRoot(chain: LocalChain, alloc: Alloc): Promise<Hash> {
  const directory = mkdtempSync(join(tmpdir(), 'tandem-genesis-'))
  try {
    const file = join(directory, 'genesis.json')
    writeFileSync(file, genesisFileText(chain.chainId, alloc))
    const node = await startAnvil({
      chainId: chain.chainId,
      port: await freePort(),
      args: ['--init', file, '--no-mining', '--silent', '--timestamp', '1700000000'],
    })
    try {
      await node.rpc('evm_mine', [{ timestamp: 1_700_000_001 }])
      const block = await node.rpc<{ stateRoot: Hash }>('eth_getBlockByNumber', ['0x1', false])
      return block.stateRoot
    } finally {
      await node.kill()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
