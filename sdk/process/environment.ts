import { z } from 'zod'
import { ConfigError, describeIssues } from './config-error.ts'

/** Environment variables by name, as `process.env` gives them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What {@link readEnvironment} reads: a prefix that is a program's own, and its variables. */
export type EnvironmentOptions<Shape extends z.ZodRawShape> = {
  /** Every variable that begins with it must be named in `shape`, so that a typo is no silence. */
  prefix: `${string}_`
  shape: Shape
  environment?: Environment | undefined
}

/**
 * Reads a program's environment once and freezes it.
 *
 * An empty value counts as absent. All faults are named at once and values are never echoed.
 *
 * @throws {@link ConfigError} when a value breaks its rule or a variable with the prefix is unknown.
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  options: EnvironmentOptions<Shape>,
): Readonly<z.infer<z.ZodObject<Shape>>> {
  const { prefix, shape, environment = process.env } = options
  const known = new Set(Object.keys(shape))
  const mine = Object.entries(environment).filter(
    ([name, value]) =>
      value !== undefined && value !== '' && (name.startsWith(prefix) || known.has(name)),
  )
  const parsed = z.strictObject(shape).safeParse(Object.fromEntries(mine))
  if (!parsed.success) {
    throw new ConfigError(
      'The environment is not a valid configuration.',
      describeIssues(parsed.error),
    )
  }
  return Object.freeze(parsed.data) as Readonly<z.infer<z.ZodObject<Shape>>>
}
