import { RiskError } from '../../sdk/risk/risk-error.ts'

/** A JSON object whose fields are not checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Where a number may lie; every number is finite. */
export type Bounds = {
  min?: number
  /** Exclusive. */
  above?: number
  max?: number
}

const ANY: Bounds = {}

/** Refuses a value with the rule that it breaks and the place where it stands. */
export function refuse(rule: string, path: string, actual: unknown): never {
  const text = JSON.stringify(actual) ?? 'nothing'
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text
  throw new RiskError('INVALID_REQUEST', rule, { path, actual: shown })
}

/** Takes a value as a JSON object. */
export function readObject(value: unknown, path: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject
  }
  return refuse('it is an object', path, value)
}

/** Reads a field as an array of objects; absent is empty. */
export function readList(from: JsonObject, name: string, path: string, most: number): JsonObject[] {
  const value = from[name] ?? []
  if (!Array.isArray(value)) return refuse('it is an array', join(path, name), value)
  if (value.length > most) refuse(`at most ${most} entries`, join(path, name), value.length)
  return value.map((entry, i) => readObject(entry, `${join(path, name)}[${i}]`))
}

/** Reads a field as a finite number within bounds. */
export function readNumber(
  from: JsonObject,
  name: string,
  path = '',
  bounds: Bounds = ANY,
): number {
  const value = from[name]
  if (typeof value !== 'number') return refuse('it is a number', join(path, name), value)
  // JSON has no infinities, but 1e999 is read as one.
  if (!Number.isFinite(value)) return refuse('it is finite', join(path, name), String(value))
  const { min, above, max } = bounds
  if (min !== undefined && value < min) return refuse(`at least ${min}`, join(path, name), value)
  if (above !== undefined && value <= above) refuse(`above ${above}`, join(path, name), value)
  if (max !== undefined && value > max) return refuse(`at most ${max}`, join(path, name), value)
  return value
}

/** Reads a field as a number, or gives the fallback when it is absent. */
export function readNumberOr(
  from: JsonObject,
  name: string,
  fallback: number,
  path = '',
  bounds: Bounds = ANY,
): number {
  return from[name] === undefined ? fallback : readNumber(from, name, path, bounds)
}

/** Reads a field as a boolean. */
export function readBoolean(from: JsonObject, name: string, path = ''): boolean {
  const value = from[name]
  if (typeof value === 'boolean') return value
  return refuse('it is true or false', join(path, name), value)
}

/** Reads a field as one of some words. */
export function readWord<T extends string>(
  from: JsonObject,
  name: string,
  words: readonly T[],
  path = '',
): T {
  const value = from[name]
  const found = words.find((word) => word === value)
  return found ?? refuse(`one of ${words.join(', ')}`, join(path, name), value)
}

/** Path of a field inside another. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
