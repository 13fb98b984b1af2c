import { Command } from 'commander'
import { createReporter } from '../report.ts'
import { GenesisError } from './error.ts'

/** Makes `tandem network genesis`: `npm run genesis`. */
export function genesisCommand(): Command {
  return new Command('genesis')
    .description('Make the beginning of every chain anew on scratch nodes and keep it.')
    .option('--check', 'compare with what is kept instead of writing', false)
    .action(async ({ check }: { check: boolean }) => {
      const { makeGenesis } = await import('./make.ts')
      const { manifestOf, readManifest, writeGenesis } = await import('./store.ts')
      const { compileContracts } = await import('./compile.ts')
      const reporter = createReporter()
      await reporter.step('contracts compiled', compileContracts)
      const made = await reporter.step('genesis of every chain', () => makeGenesis(reporter.say))
      if (!check) return writeGenesis(made)
      const fresh = manifestOf(made)
      const kept = readManifest()
      if (JSON.stringify(kept) === JSON.stringify(fresh)) return
      const changed = fresh.chains.flatMap(({ name, chainId, hash }) => {
        const before = kept.chains.find((chain) => chain.chainId === chainId)?.hash ?? 'absent'
        return before === hash ? [] : [`${name}: kept ${before}; made ${hash}`]
      })
      throw new GenesisError('The kept genesis is not what the contracts give now.', [
        ...changed,
        'Run `npm run genesis` and commit the result.',
      ])
    })
}
