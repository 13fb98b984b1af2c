import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Fence } from './commit.ts'
import type { RedisKeys } from './keys.ts'

/** A lease that this process tries to hold for as long as it runs. */
export type Lease = {
  /** The fence of the present tenure; undefined while another process holds it. */
  fence: () => Fence | undefined
  /** Gives it up at once, for a clean stop. */
  stop: () => Promise<void>
}

/** What {@link holdLease} needs. */
export type LeaseOptions = {
  redis: Redis
  keys: RedisKeys
  name: string
  ttlMs: number
  /** Told each time the lease becomes ours. */
  onGain?: ((fence: Fence) => void) | undefined
  /** Told each time it is lost, before another process can have it. */
  onLoss?: (() => void) | undefined
}

/*
 * KEYS: lease, fence counter. ARGV: holder, ttl in ms.
 * Returns the token (counter:holder), or nothing when somebody holds the lease.
 */
const TAKE = `
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local token = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token
`

/* KEYS: lease. ARGV: token, ttl in ms (0 gives it up). Returns 1 when it was ours. */
const RENEW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
`

/**
 * Tries to hold a lease, renewing it three times within its life.
 *
 * When Redis does not answer within that life the lease counts as lost, by this process' own
 * monotonic clock; what it still tries to write is refused by the fence.
 */
export function holdLease(options: LeaseOptions): Lease {
  const { redis, keys, name, ttlMs, onGain, onLoss } = options
  const holder = randomUUID()
  const leaseKey = keys.lease(name)
  let fence: Fence | undefined
  let validUntil = 0
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let expiry: NodeJS.Timeout | undefined

  const lose = () => {
    if (fence === undefined) return
    fence = undefined
    clearTimeout(expiry)
    onLoss?.()
  }
  const keep = (askedAt: number) => {
    validUntil = askedAt + ttlMs
    clearTimeout(expiry)
    expiry = setTimeout(lose, Math.max(0, validUntil - performance.now()))
  }
  const take = async () => {
    const askedAt = performance.now()
    const token = await redis.eval(TAKE, 2, leaseKey, keys.fence(name), holder, `${ttlMs}`)
    if (typeof token !== 'string' || stopped) return
    // An answer that came after the lease's life says nothing about now.
    if (performance.now() >= askedAt + ttlMs) return
    fence = { key: leaseKey, token }
    keep(askedAt)
    onGain?.(fence)
  }
  const renew = async (token: string) => {
    const askedAt = performance.now()
    const ours = Number(await redis.eval(RENEW, 1, leaseKey, token, `${ttlMs}`)) === 1
    if (fence?.token !== token) return
    if (ours && performance.now() < askedAt + ttlMs) keep(askedAt)
    else lose()
  }
  const round = async () => {
    try {
      await (fence === undefined ? take() : renew(fence.token))
    } catch {
      // Redis is away: the expiry timer decides.
    }
    if (!stopped) timer = setTimeout(() => void round(), ttlMs / 3)
  }
  void round()

  return {
    fence: () => (fence !== undefined && performance.now() < validUntil ? fence : undefined),
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      clearTimeout(expiry)
      const last = fence
      fence = undefined
      if (last !== undefined && redis.status === 'ready') {
        await redis.eval(RENEW, 1, leaseKey, last.token, '0')
      }
    },
  }
}
