import { createHash, randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'

/** A condition on a hash's field; null asks that it is absent. */
export type Check = { key: string; field: string; equals: string | null }

/** A Redis command with its key first among the arguments; `@now` and `@now+MS` are Redis' clock in a ZADD or HSET. */
export type Write = readonly [command: string, key: string, ...args: string[]]

/** A lease that must still be ours when a write takes effect. */
export type Fence = { key: string; token: string }

/** How a commit ended: done (now or by an earlier try), overtaken by someone, or no longer ours to do. */
export type CommitStatus = 'ok' | 'stale' | 'fenced'

/** What {@link commit} does at once or not at all. */
export type Commit = {
  /** Hash that remembers this commit, so that a try whose answer was lost is not taken for a conflict. */
  primary: string
  fence?: Fence | undefined
  checks: readonly Check[]
  writes: readonly Write[]
}

const ABSENT = '\u0000absent'

/*
 * KEYS[1]   hash that remembers the commit
 * KEYS[2]   lease, or KEYS[1] again when there is no fence
 * KEYS[3…]  keys of checks and writes, each once
 * ARGV[1]   the commit's own token
 * ARGV[2]   the lease's token, or empty
 * ARGV[3]   number of checks, then (key index, field, expected) for each
 * then      number of writes, then (command, key index, argument count, arguments…) for each
 * returns   1 done, 2 done before, 0 a check failed, -1 the lease is not ours
 */
const SCRIPT = `
if redis.call('HGET', KEYS[1], 'commit') == ARGV[1] then return 2 end
if ARGV[2] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[2] then return -1 end
local at = 3
local checks = tonumber(ARGV[at])
at = at + 1
for _ = 1, checks do
  local value = redis.call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 1])
  if value == false then value = '\\0absent' end
  if value ~= ARGV[at + 2] then return 0 end
  at = at + 3
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local writes = tonumber(ARGV[at])
at = at + 1
for _ = 1, writes do
  local command = ARGV[at]
  local count = tonumber(ARGV[at + 2])
  local args = {}
  for i = 1, count do
    local arg = ARGV[at + 2 + i]
    if (command == 'ZADD' or command == 'HSET') and string.sub(arg, 1, 4) == '@now' then
      arg = string.format('%d', now + (tonumber(string.sub(arg, 6)) or 0))
    end
    args[i] = arg
  end
  redis.call(command, KEYS[tonumber(ARGV[at + 1])], unpack(args))
  at = at + 3 + count
end
redis.call('HSET', KEYS[1], 'commit', ARGV[1])
return 1
`

const SHA = createHash('sha1').update(SCRIPT).digest('hex')

/** Applies all writes if every check holds and the lease is still ours; otherwise none. */
export async function commit(redis: Redis, request: Commit): Promise<CommitStatus> {
  const { primary, fence, checks, writes } = request
  const keys = [primary, fence?.key ?? primary]
  const indexOf = (key: string) => {
    const known = keys.indexOf(key, 2)
    return `${known >= 0 ? known + 1 : keys.push(key)}`
  }
  const argv = [randomUUID(), fence?.token ?? '', `${checks.length}`]
  for (const { key, field, equals } of checks) argv.push(indexOf(key), field, equals ?? ABSENT)
  argv.push(`${writes.length}`)
  for (const [command, key, ...args] of writes) {
    argv.push(command, indexOf(key), `${args.length}`, ...args)
  }
  const result = await evaluate(redis, keys, argv)
  if (result === -1) return 'fenced'
  return result === 0 ? 'stale' : 'ok'
}

async function evaluate(redis: Redis, keys: string[], argv: string[]): Promise<number> {
  try {
    return Number(await redis.evalsha(SHA, keys.length, ...keys, ...argv))
  } catch (error) {
    // A Redis that was started anew, or emptied, does not know the script yet.
    if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
    return Number(await redis.eval(SCRIPT, keys.length, ...keys, ...argv))
  }
}
