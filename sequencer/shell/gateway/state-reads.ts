import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { ChainDriver } from '../drivers/driver.ts'
import { NodeRpcError } from '../drivers/ipc.ts'
import { quantity } from '../history/ethereum-format.ts'
import { headOf, numberOf, type ChainView } from './blocks.ts'
import type { BlockName } from './shapes.ts'

/** What reads a rollup's state: its driver. */
export type StateReader = Pick<ChainDriver, 'read'>

/** Asks a rollup's node for state after a block, by default the published head. */
export type StateRead = <T>(
  methodName: string,
  block: BlockName | null | undefined,
  paramsAt: (tag: Hex) => readonly unknown[],
) => Promise<T>

/**
 * Makes reads of a rollup's state, pinned to the head that the history shows: so two reads on two
 * rollups see the same superblock, whatever the nodes have mined meanwhile.
 */
export function createStateRead(history: ChainView, reader: StateReader): StateRead {
  return async <T>(
    methodName: string,
    block: BlockName | null | undefined,
    paramsAt: (tag: Hex) => readonly unknown[],
  ) => {
    const numberNow = () => {
      const head = headOf(history)
      const number = numberOf(history, block ?? 'latest')
      if (number !== undefined && number <= head.number) return number
      throw new TandemError('INVALID_REQUEST', {
        rule: `the block is known; the head is ${head.number}`,
        path: `block ${number ?? JSON.stringify(block)}`,
      })
    }
    let asked = numberNow()
    try {
      return await reader.read<T>(() => {
        asked = numberNow()
        return { method: methodName, params: paramsAt(quantity(asked)) }
      })
    } catch (error) {
      if (error instanceof NodeRpcError && isForgotten(error)) throw forgotten(history, asked)
      throw error
    }
  }
}

/** The node's words for a block whose state it does not hold. */
function isForgotten({ rpcMessage }: NodeRpcError): boolean {
  return /BlockOutOfRange|Required data unavailable|Block not found/i.test(rpcMessage)
}

function forgotten({ head, chainId }: ChainView, number: number): TandemError {
  const last = head()?.number ?? number
  if (number >= last) {
    return new TandemError('TRANSIENT', {
      what: `node of chain ${chainId}`,
      reason: `it is being brought to block ${number}`,
    })
  }
  return new TandemError('STATE_PRUNED', {
    block: number,
    oldest: Math.max(1, last - statesBehind),
  })
}

/** Blocks behind the head whose state a node still has for sure. */
const statesBehind = 1
