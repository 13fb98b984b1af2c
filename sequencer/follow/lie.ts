import { BaseError } from '../../sdk/protocol/errors.ts'

/** Where a lie stands in the log. */
export type LiePlace = {
  /** Height of the slot. */
  slot: number
  /** Place among the slot's entries, from 0. */
  entry?: number | undefined
  chainId?: number | undefined
  /** Place among the chain's legs in that slot, from 0; the opening system leg is the first. */
  leg?: number | undefined
  /** Hash of that leg's transaction. */
  transactionHash?: string | undefined
}

/** What the log says, and what it should say. */
export type LieFinding = { what: string; posted: string; recomputed: string }

/** The log, here or on `l1`, says something that is not so. */
export class LieError extends BaseError {
  override readonly name = 'LieError'
  readonly place: LiePlace
  readonly finding: LieFinding

  constructor(place: LiePlace, finding: LieFinding) {
    const { slot, entry, chainId, leg } = place
    const where = [
      `slot ${slot}`,
      ...(entry === undefined ? [] : [`entry ${entry}`]),
      ...(chainId === undefined ? [] : [`chain ${chainId}`]),
      ...(leg === undefined ? [] : [`leg ${leg}`]),
    ].join(', ')
    super(`The log lies at ${where}: ${finding.what}.`, {
      code: 'LIE',
      retryable: false,
      metaMessages: [`posted: ${finding.posted}`, `recomputed: ${finding.recomputed}`],
    })
    this.place = place
    this.finding = finding
  }
}

/**
 * Compares what the log says at a place with what it should say.
 *
 * @throws {@link LieError} when the two are not the same text.
 */
export function mustBe(
  place: LiePlace,
  what: string,
  { posted, recomputed }: { posted: unknown; recomputed: unknown },
): void {
  if (String(posted) === String(recomputed)) return
  throw new LieError(place, { what, posted: String(posted), recomputed: String(recomputed) })
}
