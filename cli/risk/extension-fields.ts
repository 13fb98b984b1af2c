import type { Extensions } from '../../sdk/risk/extension-parameters.ts'
import {
  type JsonObject,
  join,
  readBoolean,
  readList,
  readNumber,
  readObject,
  refuse,
} from './fields.ts'

const PATH = 'parameters.extensions'
const ENTRIES_MAX = 256
const NOT_NEGATIVE = { min: 0 }
const SHARE = { min: 0, max: 1 }
const IDS = { min: 0, max: 65_535 }

const PARTS: { readonly [Part in keyof Extensions]-?: (from: JsonObject) => Extensions[Part] } = {
  crossUnderlying(from) {
    const [row, path] = part(from, 'crossUnderlying')
    const offsets = readList(row, 'offsets', path, ENTRIES_MAX).map((offset, i) => ({
      underlying: readNumber(offset, 'underlying', `${path}.offsets[${i}]`, IDS),
      share: readNumber(offset, 'share', `${path}.offsets[${i}]`, SHARE),
      gainMaxUsd: readNumber(offset, 'gainMaxUsd', `${path}.offsets[${i}]`, NOT_NEGATIVE),
    }))
    return { offsets, keep: readNumber(row, 'keep', path, SHARE) }
  },
  latency(from) {
    const [row, path] = part(from, 'latency')
    return {
      deviations: readNumber(row, 'deviations', path, NOT_NEGATIVE),
      stateAgeS: readNumber(row, 'stateAgeS', path, NOT_NEGATIVE),
    }
  },
  size(from) {
    const [row, path] = part(from, 'size')
    return {
      thresholdUsd: readNumber(row, 'thresholdUsd', path, { above: 0 }),
      slope: readNumber(row, 'slope', path, NOT_NEGATIVE),
      shareMax: readNumber(row, 'shareMax', path, SHARE),
    }
  },
  rollShock: (from) =>
    readList(from, 'rollShock', PATH, ENTRIES_MAX).map((row, i) => ({
      underlying: readNumber(row, 'underlying', `${PATH}.rollShock[${i}]`, IDS),
      share: readNumber(row, 'share', `${PATH}.rollShock[${i}]`, SHARE),
    })),
  capLongAtPremium: (from) => readBoolean(from, 'capLongAtPremium', PATH),
  notionalFloor: (from) => readNumber(from, 'notionalFloor', PATH, SHARE),
}

/**
 * Reads which charges and offsets beside PM2 are on.
 *
 * @throws RiskError `INVALID_REQUEST` naming the field and the rule that it breaks.
 */
export function readExtensions(value: unknown): Extensions {
  const from = readObject(value, PATH)
  const result: Record<string, unknown> = {}
  for (const [name, given] of Object.entries(from)) {
    const read = Object.entries(PARTS).find(([known]) => known === name)?.[1]
    if (read === undefined)
      refuse(`one of ${Object.keys(PARTS).join(', ')}`, join(PATH, name), given)
    else result[name] = read(from)
  }
  return result
}

function part(from: JsonObject, name: keyof Extensions): [JsonObject, string] {
  const path = join(PATH, name)
  return [readObject(from[name], path), path]
}
