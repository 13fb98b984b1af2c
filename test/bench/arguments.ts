/** A bench's name and its `--option value` pairs; a bare option has the value `'true'`. */
export function parseArguments(words: readonly string[]): {
  name: string | undefined
  options: ReadonlyMap<string, string>
} {
  const options = new Map<string, string>()
  let name: string | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    const next = words[i + 1]
    if (!word.startsWith('--')) {
      name ??= word
    } else if (next !== undefined && !next.startsWith('--') && word !== '--json') {
      options.set(word.slice(2), next)
      i++
    } else {
      options.set(word.slice(2), 'true')
    }
  }
  return { name, options }
}

/**
 * A whole number given by `--name`, or the default.
 * @throws {RangeError} when the value is not a whole number of at least 1.
 */
export function countOption(
  options: ReadonlyMap<string, string>,
  name: string,
  byDefault: number,
): number {
  const text = options.get(name)
  if (text === undefined) return byDefault
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`--${name} ${text}: a whole number of at least 1 is needed`)
  }
  return value
}
