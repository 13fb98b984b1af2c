import type { Alloc } from './alloc.ts'

/** Text of the file that a node starts from: rules of the chain and its accounts. */
export function genesisFileText(chainId: number, alloc: Alloc): string {
  return JSON.stringify({
    config: {
      chainId,
      homesteadBlock: 0,
      eip150Block: 0,
      eip155Block: 0,
      eip158Block: 0,
      byzantiumBlock: 0,
      constantinopleBlock: 0,
      petersburgBlock: 0,
      istanbulBlock: 0,
      berlinBlock: 0,
      londonBlock: 0,
      terminalTotalDifficulty: 0,
      shanghaiTime: 0,
      cancunTime: 0,
    },
    gasLimit: '0x3b9aca00',
    difficulty: '0x0',
    alloc,
  })
}
