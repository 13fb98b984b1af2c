import type { Abi } from 'viem'
import * as contracts from './index.ts'

/** Every custom error of Tandem's and Hyperlane's contracts, each once. */
export const contractErrors: Abi = [
  ...new Map(
    Object.values(contracts)
      .flatMap((abi): Abi => abi)
      .filter((item) => item.type === 'error')
      .map((item) => [JSON.stringify(item), item]),
  ).values(),
]
