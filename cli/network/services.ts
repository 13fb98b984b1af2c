import { join } from 'node:path'
import type { LocalChain } from '../../sdk/protocol/chains.ts'
import type { Layout } from './layout.ts'
import type { PortPlan } from './port-plan.ts'
import { programService } from './supervisor/program.ts'
import { redisService } from './supervisor/redis.ts'
import { standaloneChainService } from './supervisor/standalone-chain.ts'
import type { Service } from './supervisor/supervised.ts'

/** Services that start together, once those of the stage before are ready. */
export type Stage = { title: string; services: readonly Service[] }

/** Gives everything that a network consists of, in the order in which it starts. */
export function networkStages(options: {
  layout: Layout
  chains: readonly LocalChain[]
  ports: PortPlan
  trouble: (name: string, error: unknown) => void
}): readonly Stage[] {
  const { layout, chains, ports, trouble } = options
  const network = ['--network', layout.networkFile]
  const standalone = chains.filter(({ chainId }) => ports.standalone.has(chainId))
  const sequenced = chains.filter(({ chainId }) => !ports.standalone.has(chainId))
  return [
    {
      title: `${standalone.map(({ name }) => name).join(', ')}, redis`,
      services: [
        ...standalone.map(({ name, chainId }) =>
          standaloneChainService({
            name,
            chainId,
            port: ports.standalone.get(chainId)!,
            layout,
            trouble: (error) => trouble(name, error),
          }),
        ),
        redisService({ port: ports.redis, directory: layout.redis }),
      ],
    },
    {
      title: `sequencer with ${sequenced.map(({ name }) => name).join(', ')}`,
      services: [
        programService({
          name: 'sequencer',
          file: 'sequencer/main.ts',
          args: [...network, '--state', layout.sequencer],
        }),
      ],
    },
    {
      title: 'validators, relayer, mark publisher',
      services: [
        ...chains.map(({ name, chainId }) =>
          programService({
            name: `validator-${name}`,
            file: 'relayer/validator/main.ts',
            args: [
              ...network,
              ...['--chain', `${chainId}`],
              ...['--state', join(layout.validators, `${chainId}`)],
            ],
          }),
        ),
        programService({
          name: 'relayer',
          file: 'relayer/main.ts',
          args: [...network, '--state', layout.relayer],
        }),
        programService({
          name: 'publisher',
          file: 'sequencer/feeds/main.ts',
          args: [...network, '--state', layout.publisher],
        }),
      ],
    },
  ]
}
