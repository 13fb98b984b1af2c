import { earlyMessagesAbi } from '../../abi/early-messages.ts'
import { isSequenced } from '../../protocol/chains.ts'
import type { Address } from '../../protocol/hex.ts'
import { contractOf } from '../contracts.ts'
import type { TandemClient } from '../create-client.ts'

/** What one rollup takes from another on the sequencer's word, in micro-dollars. */
export type FastRoute = {
  origin: string
  destination: string
  /** Most value that may be unconfirmed: the loss by a thief of the sequencer's keys on this route. */
  capUsd6: bigint
  /** Value taken and not signed by validators yet. */
  unconfirmedUsd6: bigint
  /** Closed: a forgery was proven, or the guardian closed it. */
  paused: boolean
}

/** The token of what is counted in dollars on the pool's books. */
const USD: Address = `0x${'0'.repeat(40)}`

/** Reads the caps of every route between two rollups, and what of them is used (V25). */
export async function getFastRoutes(client: TandemClient): Promise<FastRoute[]> {
  const rollups = client.network.chains.filter(({ kind }) => isSequenced(kind))
  const routes = rollups.flatMap((destination) =>
    rollups.filter((origin) => origin !== destination).map((origin) => ({ origin, destination })),
  )
  return Promise.all(
    routes.map(async ({ origin, destination }) => {
      const { chainId } = destination
      const address = contractOf(client, chainId, 'earlyMessages')
      const at = { address, abi: earlyMessagesAbi } as const
      const [[capUsd6, unconfirmedUsd6], paused] = await Promise.all([
        client.on(chainId).readContract({
          ...{ ...at, functionName: 'fastCap' },
          args: [origin.chainId, USD],
        }),
        client.on(chainId).readContract({
          ...{ ...at, functionName: 'isPaused' },
          args: [origin.chainId],
        }),
      ])
      const names = { origin: origin.name, destination: destination.name }
      return { ...names, capUsd6, unconfirmedUsd6, paused }
    }),
  )
}
