import { BaseError } from '../../sdk/protocol/errors.ts'
import type { LocalChain } from '../../sdk/protocol/chains.ts'
import { isPortFree } from './ports.ts'

/** Ports of a local network, by the name of who listens; every one follows from the base. */
export type PortPlan = {
  base: number
  gateway: number
  /** Chain id to port, for chains that the network does not sequence. */
  standalone: ReadonlyMap<number, number>
  /** Chain id to where its node listens, behind the port that clients use. */
  nodes: ReadonlyMap<number, number>
  relayer: number
  /** Chain id to port. */
  validators: ReadonlyMap<number, number>
  publisher: number
  redis: number
}

/** Port of the gateway unless said otherwise; the others follow from it. */
export const PORT_BASE_DEFAULT = 9500

const offsets = { standalone: 45, relayer: 100, validators: 110, publisher: 150, redis: -121 }

/** Gives the ports of a network: the gateway has the base itself. */
export function planPorts(base: number, chains: readonly LocalChain[]): PortPlan {
  const standalone = chains.filter(({ kind }) => kind === 'settlement' || kind === 'foreign')
  // l1 (900) gets +45 and outland (990) +90.
  const portOf = (chainId: number) => base + offsets.standalone + (chainId - 900) / 2
  return {
    base,
    gateway: base,
    standalone: new Map(standalone.map(({ chainId }) => [chainId, portOf(chainId)])),
    nodes: new Map(standalone.map(({ chainId }) => [chainId, portOf(chainId) + 1])),
    relayer: base + offsets.relayer,
    validators: new Map(
      // By place, since a rollup may have a chain id from elsewhere; outland gets the last one.
      chains.map(({ chainId, kind }, place) => [
        chainId,
        base + offsets.validators + (kind === 'foreign' ? 10 : place),
      ]),
    ),
    publisher: base + offsets.publisher,
    redis: base + offsets.redis,
  }
}

/**
 * Checks that nobody listens on a port of the plan.
 *
 * @throws {@link PortsBusyError} with every busy one by name.
 */
export async function requireFreePorts(plan: PortPlan, names: (chainId: number) => string) {
  const ports: [string, number][] = [
    ['gateway', plan.gateway],
    ...[...plan.standalone].map(([id, port]): [string, number] => [names(id), port]),
    ...[...plan.nodes].map(([id, port]): [string, number] => [`node of ${names(id)}`, port]),
    ['relayer', plan.relayer],
    ...[...plan.validators].map(([id, port]): [string, number] => [
      `validator of ${names(id)}`,
      port,
    ]),
    ['mark publisher', plan.publisher],
    ['redis', plan.redis],
  ]
  const busy: [string, number][] = []
  for (const [name, port] of ports) if (!(await isPortFree(port))) busy.push([name, port])
  if (busy.length > 0) throw new PortsBusyError(busy)
}

/** Other programs listen where the network's would. */
export class PortsBusyError extends BaseError {
  override readonly name = 'PortsBusyError'

  constructor(busy: readonly (readonly [string, number])[]) {
    super('Other programs listen on ports that the network needs.', {
      code: 'PORT_BUSY',
      retryable: true,
      metaMessages: [
        ...busy.map(([name, port]) => `${name}: ${port}`),
        'Choose other ports with `--port-base P` (`npm start -- --port-base P`): the gateway gets P, the others follow.',
      ],
    })
  }
}
