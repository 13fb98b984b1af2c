import type { ExpiryMark, FeedUpdate, SignedFeedUpdate } from './feeds.ts'
import type { Hash, Hex } from './hex.ts'
import type { InstrumentRisk, MarginAttestation } from './margin.ts'
import type { LegResult, SignedReceipt, SignedRefusal } from './receipt.ts'

/** An unsigned integer as JSON-RPC carries it: hexadecimal without leading zeros. */
export type Quantity = Hex

/** {@link SignedReceipt} as JSON-RPC carries it. */
export type WireReceipt = {
  version: 1
  preconfirmation: {
    slot: Quantity
    view: Quantity
    index: number
    entryId: Hash
    resultRoot: Hash
    deadlineSlot: Quantity
    issuedAtMs: number
  }
  results: readonly (Omit<LegResult, 'gasUsed' | 'blockNumber'> & {
    gasUsed: Quantity
    blockNumber: Quantity
  })[]
  receiptRoot: Hash
  branch: readonly Hash[]
  signature: Hex
}

/** {@link SignedRefusal} as JSON-RPC carries it. */
export type WireRefusal = Omit<SignedRefusal, 'slot'> & { slot: Quantity }

/** {@link MarginAttestation} as JSON carries it: every bigint as decimal text. */
export type WireAttestation = {
  [K in keyof MarginAttestation]: MarginAttestation[K] extends bigint
    ? string
    : MarginAttestation[K]
}

/** {@link InstrumentRisk} as JSON carries it: every bigint as decimal text. */
export type WireInstrumentRisk = {
  [K in keyof InstrumentRisk]: InstrumentRisk[K] extends bigint ? string : InstrumentRisk[K]
}

/** {@link ExpiryMark} as JSON carries it: every bigint as decimal text. */
export type WireExpiryMark = {
  [K in keyof ExpiryMark]: ExpiryMark[K] extends bigint ? string : ExpiryMark[K]
}

/** {@link SignedFeedUpdate} as JSON carries it: every bigint as decimal text. */
export type WireFeedUpdate = {
  update: {
    [K in keyof Omit<FeedUpdate, 'expiries'>]: FeedUpdate[K] extends bigint ? string : FeedUpdate[K]
  } & { expiries: readonly WireExpiryMark[] }
  signatures: readonly Hex[]
}

/** Writes a receipt for JSON. */
export function encodeReceipt(receipt: SignedReceipt): WireReceipt {
  const { preconfirmation: promise, results } = receipt
  return {
    ...receipt,
    preconfirmation: {
      ...promise,
      slot: quantity(promise.slot),
      view: quantity(promise.view),
      deadlineSlot: quantity(promise.deadlineSlot),
    },
    results: results.map((result) => ({
      ...result,
      gasUsed: quantity(result.gasUsed),
      blockNumber: quantity(result.blockNumber),
    })),
  }
}

/** Reads a receipt from JSON: the inverse of {@link encodeReceipt}. */
export function decodeReceipt(wire: WireReceipt): SignedReceipt {
  const { preconfirmation: promise, results } = wire
  return {
    ...wire,
    preconfirmation: {
      ...promise,
      slot: BigInt(promise.slot),
      view: BigInt(promise.view),
      deadlineSlot: BigInt(promise.deadlineSlot),
    },
    results: results.map((result) => ({
      ...result,
      gasUsed: BigInt(result.gasUsed),
      blockNumber: BigInt(result.blockNumber),
    })),
  }
}

/** Writes a refusal for JSON. */
export function encodeRefusal(refusal: SignedRefusal): WireRefusal {
  return { ...refusal, slot: quantity(refusal.slot) }
}

/** Reads a refusal from JSON: the inverse of {@link encodeRefusal}. */
export function decodeRefusal(wire: WireRefusal): SignedRefusal {
  return { ...wire, slot: BigInt(wire.slot) }
}

/** Writes an attestation for JSON. */
export function encodeAttestation(attestation: MarginAttestation): WireAttestation {
  return {
    ...attestation,
    marksSeq: attestation.marksSeq.toString(),
    initial18: attestation.initial18.toString(),
    maintenance18: attestation.maintenance18.toString(),
    markToMarket18: attestation.markToMarket18.toString(),
    equity18: attestation.equity18.toString(),
    validUntilSlot: attestation.validUntilSlot.toString(),
  }
}

/** Reads an attestation from JSON: the inverse of {@link encodeAttestation}. */
export function decodeAttestation(wire: WireAttestation): MarginAttestation {
  return {
    ...wire,
    marksSeq: BigInt(wire.marksSeq),
    initial18: BigInt(wire.initial18),
    maintenance18: BigInt(wire.maintenance18),
    markToMarket18: BigInt(wire.markToMarket18),
    equity18: BigInt(wire.equity18),
    validUntilSlot: BigInt(wire.validUntilSlot),
  }
}

/** Writes an instrument's risk for JSON. */
export function encodeInstrumentRisk(risk: InstrumentRisk): WireInstrumentRisk {
  return {
    instrument: risk.instrument.toString(),
    marksSeq: risk.marksSeq.toString(),
    mark18: risk.mark18.toString(),
    longRequirement18: risk.longRequirement18.toString(),
    shortRequirement18: risk.shortRequirement18.toString(),
    validUntilSlot: risk.validUntilSlot.toString(),
  }
}

/** Reads an instrument's risk from JSON: the inverse of {@link encodeInstrumentRisk}. */
export function decodeInstrumentRisk(wire: WireInstrumentRisk): InstrumentRisk {
  return {
    instrument: BigInt(wire.instrument),
    marksSeq: BigInt(wire.marksSeq),
    mark18: BigInt(wire.mark18),
    longRequirement18: BigInt(wire.longRequirement18),
    shortRequirement18: BigInt(wire.shortRequirement18),
    validUntilSlot: BigInt(wire.validUntilSlot),
  }
}

/** Writes a signed feed update for JSON, as `tandem_publishMarks` takes it. */
export function encodeFeedUpdate({ update, signatures }: SignedFeedUpdate): WireFeedUpdate {
  return {
    update: {
      ...update,
      sequence: update.sequence.toString(),
      spot8: update.spot8.toString(),
      stable8: update.stable8.toString(),
      expiries: update.expiries.map((mark) => ({
        ...mark,
        forward8: mark.forward8.toString(),
        a9: mark.a9.toString(),
        b9: mark.b9.toString(),
        rho9: mark.rho9.toString(),
        m9: mark.m9.toString(),
        s9: mark.s9.toString(),
      })),
    },
    signatures,
  }
}

/** Reads a signed feed update from JSON: the inverse of {@link encodeFeedUpdate}. */
export function decodeFeedUpdate({ update, signatures }: WireFeedUpdate): SignedFeedUpdate {
  return {
    update: {
      ...update,
      sequence: BigInt(update.sequence),
      spot8: BigInt(update.spot8),
      stable8: BigInt(update.stable8),
      expiries: update.expiries.map((mark) => ({
        ...mark,
        forward8: BigInt(mark.forward8),
        a9: BigInt(mark.a9),
        b9: BigInt(mark.b9),
        rho9: BigInt(mark.rho9),
        m9: BigInt(mark.m9),
        s9: BigInt(mark.s9),
      })),
    },
    signatures,
  }
}

function quantity(value: bigint): Quantity {
  return `0x${value.toString(16)}`
}
