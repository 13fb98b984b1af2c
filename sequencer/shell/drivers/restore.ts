import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { SealedBlock } from '../../core/entries/execution.ts'
import { startAnvil, type AnvilNode, type AnvilOptions } from './anvil-node.ts'
import { sealedBlock, type NodeBlock } from './block.ts'
import type { IpcConnection } from './ipc.ts'
import type { SnapshotFile } from './snapshot.ts'

type Rules = Omit<AnvilOptions, 'state'>

/** An address that no key and no contract has: code is put there for one question. */
const probe = `0x${'7e'.repeat(20)}`

/** Starts a node at genesis and mines the empty block 1, whose state root identifies the genesis. */
export async function startFromGenesis(
  options: Rules & { genesisFile: string },
): Promise<{ node: AnvilNode; head: SealedBlock }> {
  const { genesisFile, ...rules } = options
  const node = await startAnvil({ ...rules, state: { genesisFile } })
  try {
    await mineEmpty(node.rpc, rules.baseFeePerGas, rules.genesisTimestampS)
    return { node, head: sealedBlock(await blockAt(node.rpc, 1)) }
  } catch (error) {
    await node.stop()
    throw error
  }
}

/**
 * Starts a node from a snapshot and puts it exactly where the snapshot was taken.
 *
 * The node comes up with made-up hashes of earlier blocks; an empty block, mined and taken back, makes
 * it read the stored headers. Its state root must be that of the head: so the state is whole.
 *
 * @throws {@link SnapshotError} when the node does not stand where the file's name says.
 */
export async function resumeFrom(
  file: SnapshotFile,
  rules: Rules,
): Promise<{ node: AnvilNode; head: SealedBlock }> {
  const node = await startAnvil({ ...rules, state: { snapshotFile: file.path } })
  try {
    const { rpc } = node
    const before = await blockAt(rpc, file.number)
    if (before.hash !== file.hash) throw new SnapshotError(`its head is ${before.hash}`)
    await mineEmpty(rpc, rules.baseFeePerGas, Number(before.timestamp))
    const after = await blockAt(rpc, file.number + 1)
    if (after.stateRoot !== before.stateRoot) {
      throw new SnapshotError(`its state has root ${after.stateRoot}, not ${before.stateRoot}`)
    }
    await rpc.call('anvil_rollback', [1])
    const known = await knownBlockHash(rpc, file.number)
    if (known !== file.hash) throw new SnapshotError(`BLOCKHASH of its head is ${known}`)
    return { node, head: sealedBlock(before) }
  } catch (error) {
    await node.stop()
    throw error
  }
}

async function mineEmpty(
  rpc: IpcConnection,
  baseFeePerGas: bigint,
  timestampS: number,
): Promise<void> {
  await rpc.call('anvil_setNextBlockBaseFeePerGas', [quantity(baseFeePerGas)])
  await rpc.call('evm_mine', [{ timestamp: timestampS }])
}

async function blockAt(rpc: IpcConnection, number: number): Promise<NodeBlock> {
  const block = await rpc.call<NodeBlock | null>('eth_getBlockByNumber', [quantity(number), false])
  const latest = await rpc.call<Hex>('eth_blockNumber')
  if (block === null || Number(latest) !== number) {
    throw new SnapshotError(`it stands at block ${Number(latest)}, not ${number}`)
  }
  return block
}

/** What BLOCKHASH gives for a block to the transactions of the next one. */
async function knownBlockHash(rpc: IpcConnection, number: number): Promise<Hash> {
  // PUSH4 number, BLOCKHASH, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN
  const code = `0x63${number.toString(16).padStart(8, '0')}405f5260205ff3`
  return await rpc.call<Hash>('eth_call', [
    { to: probe },
    quantity(number),
    { [probe]: { code } },
    { number: quantity(number + 1) },
  ])
}

function quantity(value: number | bigint): Hex {
  return `0x${value.toString(16)}`
}

/** A snapshot does not give the state that it was taken of. */
export class SnapshotError extends BaseError {
  override readonly name = 'SnapshotError'

  constructor(reason: string) {
    super('The snapshot cannot be used.', {
      code: 'SNAPSHOT_UNUSABLE',
      retryable: false,
      metaMessages: [reason],
    })
  }
}
