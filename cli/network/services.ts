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

/** Tandem's own programs in a network: their files, from the project's root or absolute. */
export type Programs = Record<'sequencer' | 'validator' | 'relayer' | 'publisher', string>

/** The programs of every network. */
export const PROGRAMS: Programs = {
  sequencer: 'sequencer/main.ts',
  validator: 'relayer/validator/main.ts',
  relayer: 'relayer/main.ts',
  publisher: 'sequencer/feeds/main.ts',
}

/** Gives everything that a network consists of, in the order in which it starts. */
export function networkStages(options: {
  layout: Layout
  chains: readonly LocalChain[]
  ports: PortPlan
  programs: Programs
  trouble: (name: string, error: unknown) => void
}): readonly Stage[] {
  const { layout, chains, ports, programs, trouble } = options
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
            nodePort: ports.nodes.get(chainId)!,
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
          file: programs.sequencer,
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
            file: programs.validator,
            args: [
              ...network,
              ...['--chain', `${chainId}`],
              ...['--state', join(layout.validators, `${chainId}`)],
            ],
          }),
        ),
        programService({
          name: 'relayer',
          file: programs.relayer,
          args: [...network, '--state', layout.relayer],
        }),
        programService({
          name: 'publisher',
          file: programs.publisher,
          args: [...network, '--state', layout.publisher],
        }),
      ],
    },
  ]
}
