import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalChain } from '../../../sdk/protocol/chains.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { withScratchAnvil } from '../anvil/node.ts'
import type { Alloc } from './alloc.ts'
import { genesisFileText } from './file.ts'

/**
 * Gives the state root of the empty block 1 of a node that starts from an alloc.
 *
 * Block 0 of such a node has the root of an empty state: it identifies nothing.
 */
export async function emptyBlockStateRoot({ chainId }: LocalChain, alloc: Alloc): Promise<Hash> {
  const directory = mkdtempSync(join(tmpdir(), 'tandem-genesis-'))
  try {
    const file = join(directory, 'genesis.json')
    writeFileSync(file, genesisFileText(chainId, alloc))
    return await withScratchAnvil(chainId, ['--init', file], async (rpc) => {
      await rpc('evm_mine')
      const { stateRoot } = await rpc<{ stateRoot: Hash }>('eth_getBlockByNumber', ['0x1', false])
      return stateRoot
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
