import { join, readNumber, readObject, refuse } from './fields.ts'

/**
 * Puts changes over a table of numbers: only what the table has can be changed, numbers by numbers
 * and tables by tables.
 *
 * @returns The table itself where nothing changes; lists and words are never changed.
 * @throws RiskError `INVALID_REQUEST` naming the field that the table does not have.
 */
export function overlay<T extends object>(table: T, changes: unknown, path: string): T {
  const from = readObject(changes, path)
  const result: Record<string, unknown> = Object.fromEntries(Object.entries(table))
  for (const name of Object.keys(from)) {
    const place = join(path, name)
    const value = result[name]
    if (typeof value === 'number') result[name] = readNumber(from, name, path)
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      result[name] = overlay(value, from[name], place)
    } else refuse(`one of ${Object.keys(table).join(', ')}`, place, from[name])
  }
  return result as T
}
