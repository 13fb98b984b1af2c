import { createRequire } from 'node:module'
import { defineConfig } from 'hardhat/config'

const require = createRequire(import.meta.url)
const nightly = process.env['TANDEM_NIGHTLY'] === '1'

export default defineConfig({
  solidity: {
    version: '0.8.37',
    path: require.resolve('solc/soljson.js'),
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 1_000 },
      viaIR: false,
      metadata: { bytecodeHash: 'none' },
    },
  },
  paths: {
    sources: 'contracts',
    tests: { solidity: 'test/contracts' },
    artifacts: '.build/artifacts',
    cache: '.build/hardhat',
  },
  test: {
    solidity: {
      fuzz: { seed: '0x7a6e6465', runs: nightly ? 100_000 : 1_000 },
      invariant: {
        runs: nightly ? 1_000 : 64,
        depth: nightly ? 500 : 100,
        failOnRevert: true,
      },
    },
  },
})
