import type { Redis } from 'ioredis'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { Payment } from '../../core/policy.ts'
import type { RedisKeys } from '../redis/keys.ts'

/** What counts as paid for a message that nobody paid for. */
export const NOTHING_PAID: Payment = { paymentWei: 0n, gas: 0n }

/** A payment as the origin's gas paymaster logged it; `place` names the log. */
export type PaymentLog = Payment & { messageId: Hash; place: string }

/*
 * KEYS  payments of an origin
 * ARGV  message id, place of the log, wei, gas
 * A field is "place wei gas" per log, so that a log that is found again counts once.
 */
const ADD = `
local known = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if string.find(known, ARGV[2], 1, true) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], known .. ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ';')
return 1
`

/** Writes down what was paid; the same log any number of times. */
export async function notePayments(
  redis: Redis,
  keys: RedisKeys,
  { chainId, payments }: { chainId: number; payments: readonly PaymentLog[] },
): Promise<void> {
  await Promise.all(
    payments.map(({ messageId, place, paymentWei, gas }) =>
      redis.eval(ADD, 1, keys.payments(chainId), messageId, place, `${paymentWei}`, `${gas}`),
    ),
  )
}

/** Adds up what was paid for one message. */
export function readPayment(stored: string): Payment {
  const lines = stored.split(';').filter((line) => line !== '')
  return lines.reduce<Payment>((sum, line) => {
    const [, wei = '0', gas = '0'] = line.split(' ')
    return { paymentWei: sum.paymentWei + BigInt(wei), gas: sum.gas + BigInt(gas) }
  }, NOTHING_PAID)
}
