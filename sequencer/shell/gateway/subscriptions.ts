import { z } from 'zod'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Leg } from '../../core/entries/leg.ts'
import { headJson, logJson, pendingJson } from '../history/ethereum-format.ts'
import { logsOf, matches, type History } from '../history/history.ts'
import { method, type RpcMethod, type RpcOrigin, type Subscriber } from './json-rpc.ts'
import { logSubscriptionShape, wantedOf } from './log-filter.ts'
import type { Pending } from './pending.ts'

/** Makes `eth_subscribe` and `eth_unsubscribe` of one rollup, for WebSocket connections. */
export function subscriptionMethods(
  history: History,
  pending: Pick<Pending, 'onTaken'>,
  chainId: number,
): [string, RpcMethod][] {
  return [
    [
      'eth_subscribe',
      method(
        z.union([
          z.tuple([z.literal('newHeads')]),
          z.tuple([z.literal('logs'), logSubscriptionShape.optional()]),
          z.tuple([z.literal('newPendingTransactions'), z.boolean().optional()]),
        ]),
        (params, origin) => {
          const subscriber = subscriberOf(origin)
          const [what, request] = params
          if (what === 'newHeads') return subscribeHeads(subscriber, history, chainId)
          if (what === 'logs') return subscribeLogs(subscriber, history, chainId, request ?? {})
          const show = request === true ? pendingJson : ({ hash }: Leg) => hash
          return subscriber.add((push) =>
            pending.onTaken(chainId, (leg) => {
              push(show(leg))
            }),
          )
        },
      ),
    ],
    [
      'eth_unsubscribe',
      method(z.tuple([z.string()]), ([id], origin) => subscriberOf(origin).remove(id)),
    ],
  ]
}

function subscriberOf({ subscriber }: RpcOrigin): Subscriber {
  if (subscriber !== undefined) return subscriber
  throw new TandemError('UNSUPPORTED', {
    what: 'a subscription',
    reason: 'it needs a WebSocket connection to this address',
  })
}

function subscribeHeads(subscriber: Subscriber, history: History, chainId: number): string {
  return subscriber.add((push) =>
    history.onSuperblock(({ blocks }) => {
      for (const { block, legs, chainId: of } of blocks) {
        if (of === chainId) push(headJson({ block, legs }))
      }
    }),
  )
}

function subscribeLogs(
  subscriber: Subscriber,
  history: History,
  chainId: number,
  request: z.output<typeof logSubscriptionShape>,
): string {
  const wanted = wantedOf(request)
  return subscriber.add((push) =>
    history.onSuperblock(({ blocks }) => {
      for (const published of blocks) {
        if (published.chainId !== chainId) continue
        for (const placed of logsOf(published))
          if (matches(placed.log, wanted)) push(logJson(placed))
      }
    }),
  )
}
