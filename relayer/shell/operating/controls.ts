import type { Redis } from 'ioredis'
import { ConfigError, describeIssues } from '../../../sdk/process/config-error.ts'
import {
  DEFAULT_POLICY,
  diffPolicies,
  policySchema,
  type Draw,
  type Policy,
  type PolicyChange,
} from '../../core/policy.ts'
import { commit } from '../redis/commit.ts'
import type { RedisKeys } from '../redis/keys.ts'

/** What operators set while relayers run: all processes on one Redis follow the same. */
export type Controls = {
  policy: () => Policy
  version: () => number
  /** Why a route or a lane (`901-902`, `lane-902-transfer`) is paused; undefined when it is not. */
  pausedFor: (subject: string) => string | undefined
  paused: () => ReadonlyMap<string, string>
  pause: (subject: string, reason: string, actor: string) => Promise<void>
  resume: (subject: string, actor: string) => Promise<void>
  /**
   * Replaces the policy for everybody; with `dryRun` it only says what would change.
   *
   * @throws ConfigError when it breaks a rule of the schema.
   */
  put: (
    wanted: unknown,
    options: { dryRun: boolean; actor: string },
  ) => Promise<{ changes: readonly PolicyChange[]; version: number }>
  /** Draws from all buckets or none; gives the milliseconds to wait when one is short. */
  draw: (draws: readonly Draw[]) => Promise<number>
  audit: (actor: string, act: string) => Promise<void>
  audits: (limit: number) => Promise<readonly { atMs: number; actor: string; act: string }[]>
  stop: () => void
}

const REFRESH_MS = 500
const AUDIT_ENTRIES_MAX = 10_000

/*
 * KEYS  buckets (hashes of tokens and the time of the last draw)
 * ARGV  for each bucket: amount, tokens per minute
 * A bucket holds at most one minute's tokens; an amount above that waits for a full bucket.
 * returns 0 when drawn, else the milliseconds until it may be tried again
 */
const DRAW = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local left = {}
for i, key in ipairs(KEYS) do
  local amount = tonumber(ARGV[2 * i - 1])
  local rate = tonumber(ARGV[2 * i])
  if rate == 0 then return 60000 end
  local state = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = tonumber(state[1]) or rate
  local passed = math.max(0, now - (tonumber(state[2]) or now))
  tokens = math.min(rate, tokens + passed * rate / 60000)
  local need = math.min(amount, rate)
  if tokens < need then return math.ceil((need - tokens) * 60000 / rate) end
  left[i] = tokens - need
end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'tokens', tostring(left[i]), 'at', now)
  redis.call('PEXPIRE', key, 120000)
end
return 0
`

/**
 * Opens the controls and follows them.
 *
 * @param options.initial - The policy of the configuration, taken when none was set in Redis yet.
 */
export async function openControls(options: {
  redis: Redis
  keys: RedisKeys
  initial?: Policy | undefined
  onError: (error: unknown) => void
}): Promise<Controls> {
  const { redis, keys, initial = DEFAULT_POLICY, onError } = options
  let policy = initial
  let version = 0
  let paused: ReadonlyMap<string, string> = new Map()

  const refresh = async () => {
    const [stored, pauses] = await Promise.all([
      redis.hmget(keys.policy, 'version', 'data'),
      redis.hgetall(keys.paused),
    ])
    paused = new Map(Object.entries(pauses))
    const [storedVersion, data] = stored
    if (storedVersion === null || data === null || data === undefined) {
      policy = initial
      version = 0
    } else if (Number(storedVersion) !== version) {
      policy = policySchema.parse(JSON.parse(data))
      version = Number(storedVersion)
    }
  }
  await refresh()
  const timer = setInterval(() => void refresh().catch(onError), REFRESH_MS)

  const { audit, audits, draw } = ledgersOf({ redis, keys })
  const put: Controls['put'] = async (wanted, { dryRun, actor }) => {
    const parsed = policySchema.safeParse(wanted)
    if (!parsed.success)
      throw new ConfigError('The policy breaks a rule.', describeIssues(parsed.error))
    await refresh()
    const changes = diffPolicies(policy, parsed.data)
    if (dryRun || changes.length === 0) return { changes, version }
    const status = await commit(redis, {
      primary: keys.policy,
      checks: [{ key: keys.policy, field: 'version', equals: version === 0 ? null : `${version}` }],
      writes: [
        ['HSET', keys.policy, 'version', `${version + 1}`, 'data', JSON.stringify(parsed.data)],
      ],
    })
    if (status !== 'ok') throw new ConfigError('Someone else changed the policy meanwhile.')
    await audit(actor, `policy: ${changes.map(({ path }) => path).join(', ')}`)
    await refresh()
    return { changes, version }
  }
  return {
    policy: () => policy,
    version: () => version,
    pausedFor: (subject) => paused.get(subject),
    paused: () => paused,
    pause: async (subject, reason, actor) => {
      await redis.hset(keys.paused, subject, reason)
      await audit(actor, `pause ${subject}: ${reason}`)
      await refresh()
    },
    resume: async (subject, actor) => {
      await redis.hdel(keys.paused, subject)
      await audit(actor, `resume ${subject}`)
      await refresh()
    },
    put,
    draw,
    audit,
    audits,
    stop: () => clearInterval(timer),
  }
}

function ledgersOf({ redis, keys }: { redis: Redis; keys: RedisKeys }) {
  const audit: Controls['audit'] = async (actor, act) => {
    const line = ['actor', actor, 'act', act]
    await redis.xadd(keys.audit, 'MAXLEN', '~', AUDIT_ENTRIES_MAX, '*', ...line)
  }
  const audits: Controls['audits'] = async (limit) => {
    const entries = await redis.xrevrange(keys.audit, '+', '-', 'COUNT', limit)
    return entries.map(([id, fields]) => {
      return { atMs: Number(id.split('-')[0]), actor: fields[1] ?? '', act: fields[3] ?? '' }
    })
  }
  const draw: Controls['draw'] = async (draws) => {
    if (draws.length === 0) return 0
    const names = draws.map(({ key }) => keys.bucket(key))
    const args = draws.flatMap(({ amount, perMinute }) => [`${amount}`, `${perMinute}`])
    return Number(await redis.eval(DRAW, names.length, ...names, ...args))
  }
  return { audit, audits, draw }
}

/** Names a route among what can be paused. */
export function routeName(origin: number, destination: number): string {
  return `${origin}-${destination}`
}
