import { BaseError } from '../../../sdk/protocol/errors.ts'
import { mailboxAbi } from '../../../sdk/abi/hyperlane.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { messageIdOf } from '../../core/message.ts'
import type { MessageRecord } from '../../core/stages.ts'
import { compareSightings, type Comparison, type Sighting } from '../../core/witness.ts'
import { readContract, readHead, type Chain } from './chains.ts'
import { readDispatches, readOriginLogs, type OriginLogs } from './logs.ts'
import type { Provider } from './providers.ts'
import { RpcError, RpcTransportError } from './rpc.ts'

/** What a provider told of a range of blocks that ends in a known block. */
export type Told = {
  provider: Provider
  from: number
  to: number
  toHash: Hash | undefined
  logs: OriginLogs
}

/**
 * Holds a provider's logs against what the chain's other providers tell of the same blocks.
 *
 * Who does not answer, or does not have the last block (yet), is not heard. Who is caught leaving
 * something out, or stands against a majority, is asked last from then on.
 *
 * @returns true when another provider tells of dispatches that `told` leaves out.
 * @throws {@link DisagreementError} when they contradict each other and no majority is for `told`.
 */
export async function compareProviders(chain: Chain, told: Told): Promise<boolean> {
  const { provider, logs } = told
  const others = chain.providers.others(provider)
  if (others.length === 0) return false
  const ours = sightings(logs.dispatches.map(({ raw }) => raw))
  const heard = await Promise.all(others.map((other) => compareWith(chain, told, { other, ours })))
  const count = (wanted: Comparison) => heard.filter(({ result }) => result === wanted).length
  const against = count('differ') + count('we_omit')
  const beside = 1 + count('same')
  const guilty = heard.filter(({ result }) => {
    return result === 'they_omit' || (result === 'differ' && beside > against)
  })
  for (const { other } of guilty) chain.providers.demote(other)
  const omitted = count('we_omit') > 0
  if (omitted || against > beside) chain.providers.demote(provider)
  const undecided = !omitted && count('differ') > 0 && beside <= against
  if (guilty.length > 0 || omitted || undecided) chain.onDisagreement?.(chain.name)
  if (undecided) throw new DisagreementError(chain.name, told)
  return omitted
}

async function compareWith(
  chain: Chain,
  { provider, from, to, toHash }: Told,
  { other, ours }: { other: Provider; ours: readonly Sighting[] },
): Promise<{ other: Provider; result: Comparison | 'unheard' }> {
  try {
    const theirs = { ...chain, rpc: other }
    const [head, { dispatches }] = await Promise.all([
      readHead(other, to),
      readOriginLogs(theirs, from, to),
    ])
    if (head?.hash !== toHash) return { other, result: 'unheard' }
    const seen = sightings(dispatches.map(({ raw }) => raw))
    const first = compareSightings(ours, seen, 0)
    if (first === 'same') return { other, result: 'same' }
    const counts = await Promise.all([provider, other].map((rpc) => countAt({ ...chain, rpc })))
    return { other, result: compareSightings(ours, seen, Math.min(...counts)) }
  } catch (error) {
    if (error instanceof RpcError || error instanceof RpcTransportError) {
      return { other, result: 'unheard' }
    }
    throw error
  }
}

/** Messages that a chain's Mailbox has sent by now. */
async function countAt({ rpc, mailbox: address }: Chain): Promise<number> {
  return await readContract(rpc, { address, abi: mailboxAbi, functionName: 'nonce', args: [] })
}

function sightings(messages: readonly `0x${string}`[]): readonly Sighting[] {
  return messages.map((raw) => {
    return { id: messageIdOf(raw), nonce: Number.parseInt(raw.slice(4, 12), 16) }
  })
}

/** Says whether two providers of its origin show a message in its block, and who does not. */
export async function isVouchedFor(
  chain: Chain,
  { id, position }: Pick<MessageRecord, 'id' | 'position'>,
): Promise<{ vouched: boolean; text: string }> {
  const first = chain.providers.pick()
  const heard = await Promise.all(
    [first, ...chain.providers.others(first)].map(async (rpc) => {
      try {
        const found = await readDispatches({ ...chain, rpc }, position.blockHash)
        return found.some((raw) => messageIdOf(raw) === id) ? 'shown' : `${rpc.name} does not`
      } catch (error) {
        if (!(error instanceof RpcError || error instanceof RpcTransportError)) throw error
        return `${rpc.name} does not answer`
      }
    }),
  )
  const shown = heard.filter((word) => word === 'shown').length
  const rest = heard.filter((word) => word !== 'shown')
  const text = [`${shown} of 2 providers show it`, ...rest].join('; ')
  return { vouched: shown >= 2, text }
}

/** Providers of a chain tell different things of the same blocks. */
class DisagreementError extends BaseError {
  override readonly name = 'DisagreementError'

  constructor(chain: string, { provider, from, to }: Told) {
    super(`Providers of ${chain} tell different dispatches of blocks ${from} to ${to}.`, {
      code: 'PROVIDERS_DISAGREE',
      retryable: true,
      metaMessages: [`asked first: ${provider.name}`],
    })
  }
}
