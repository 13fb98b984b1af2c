import { TandemError } from '../../../sdk/protocol/errors.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { TransactionRules } from '../drivers/transaction.ts'
import { decodeHeader } from '../history/header.ts'
import { quantity } from '../history/ethereum-format.ts'
import { headOf, numberOf, type ChainView } from './blocks.ts'
import type { BlockName } from './shapes.ts'

/** Answers `eth_feeHistory`: the base fee is constant and nobody's tip is taken into account. */
export function feeHistory(
  history: ChainView,
  { baseFeePerGas }: TransactionRules,
  ask: { blocks: number; newest: BlockName; percentiles: readonly number[] | undefined },
) {
  const { blocks, newest, percentiles } = ask
  if (blocks > LIMITS.rpcFeeBlocks) {
    throw new TandemError('TOO_LARGE', {
      what: 'fee history in blocks',
      actual: blocks,
      limit: LIMITS.rpcFeeBlocks,
    })
  }
  const last = numberOf(history, newest)
  if (last === undefined || last > headOf(history).number) {
    throw new TandemError('INVALID_REQUEST', { rule: 'the block is known', path: 'params.1' })
  }
  const entries = []
  for (let number = last; number > last - blocks; number--) {
    const entry = history.byNumber(number)
    if (entry === undefined) break
    entries.unshift(entry)
  }
  const headers = entries.map(({ block }) => decodeHeader(block.header))
  return {
    oldestBlock: quantity(entries[0]?.block.number ?? last),
    baseFeePerGas: [...headers, undefined].map(
      (header) => header?.baseFeePerGas ?? quantity(baseFeePerGas),
    ),
    gasUsedRatio: headers.map(({ gasUsed, gasLimit }) => Number(gasUsed) / Number(gasLimit)),
    ...(percentiles === undefined
      ? {}
      : { reward: headers.map(() => percentiles.map(() => quantity(0))) }),
  }
}
