import { assert } from '../../../sdk/protocol/assert.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { CoreConfig } from '../config.ts'
import type { Fold } from '../superblocks/fold.ts'
import { decodePlain, encodePlain, PlainError, type Plain } from './plain.ts'
import { initialState } from './restore.ts'
import type { CoreState } from '../state.ts'

/** Raised whenever a type that a state reaches changes: an older snapshot is then not used. */
export const SNAPSHOT_VERSION = 4

/**
 * Encodes a fold part by part; it must not change until the last part is taken. The configuration is
 * not in it: it comes from the process that restores.
 */
export function encodeSnapshot(fold: Fold): Generator<Uint8Array, void> {
  const { state, ...places } = fold
  const { config, ...rest } = state
  assert(state.pending.size === 0 && state.formation === undefined, 'a fold holds nothing waiting')
  // Everything of the state, whatever it consists of: what is not plain data does not compile here.
  const kept: Plain = rest
  return encodePlain({
    version: SNAPSHOT_VERSION,
    logId: config.logId,
    ...places,
    state: kept,
  })
}

/**
 * Decodes a snapshot of a log.
 *
 * @throws {@link SnapshotError} when it is of another version, another log or another form.
 */
export function decodeSnapshot(bytes: Uint8Array, config: CoreConfig): Fold {
  const fields = readFields(bytes)
  const version = fields['version']
  if (version !== SNAPSHOT_VERSION) {
    throw new SnapshotError(
      `this program reads version ${SNAPSHOT_VERSION}`,
      `version ${shown(version)}`,
    )
  }
  if (fields['logId'] !== config.logId) {
    throw new SnapshotError(`it is of log ${config.logId}`, `log ${shown(fields['logId'])}`)
  }
  const { tipHash, recorded, blocks, state } = fields as unknown as Fold
  checkForm(state, initialState(config))
  return { state: { ...state, config }, tipHash, recorded, blocks }
}

function shown(value: Plain): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : typeof value
}

function readFields(bytes: Uint8Array): Record<string, Plain> {
  try {
    return decodePlain(bytes) as Record<string, Plain>
  } catch (error) {
    if (!(error instanceof PlainError)) throw error
    throw new SnapshotError('it is encoded data', error.message, error)
  }
}

/** A field that this program does not know, or that an older one did not write, makes it useless. */
function checkForm(state: object, model: CoreState): void {
  const names = (value: object) =>
    Object.keys(value)
      .filter((name) => name !== 'config')
      .toSorted()
      .join()
  const pairs: [object, object][] = [
    [state, model],
    [(state as CoreState).memory, model.memory],
    [(state as CoreState).notes, model.notes],
    [(state as CoreState).superblock, model.superblock],
  ]
  for (const [actual, expected] of pairs) {
    if (names(actual ?? {}) === names(expected)) continue
    throw new SnapshotError(`its fields are ${names(expected)}`, names(actual ?? {}))
  }
}

/** A snapshot of the core cannot be used. */
export class SnapshotError extends BaseError {
  override readonly name = 'SnapshotError'

  constructor(rule: string, actual: string, cause?: unknown) {
    super('A snapshot of the sequencer cannot be used.', {
      code: 'CORE_SNAPSHOT',
      retryable: false,
      metaMessages: [`rule: ${rule}`, `found: ${actual}`],
      cause,
    })
  }
}
