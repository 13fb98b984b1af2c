import { randomUUID } from 'node:crypto'
import { parseTransaction } from 'viem/utils'
import type { Fee } from '../../core/fees.ts'
import type { LedgerEntry } from '../../core/nonce-ledger.ts'
import type { MessageRecord } from '../../core/stages.ts'
import { feeNow, raisedFee } from './pricing.ts'
import { applyToCarried, dropEntry, lost, writeEntry, type Tenure } from './tenure.ts'
import { revertNow, type Call } from './trial.ts'

const TRANSFER_GAS = 21_000n
const GIVEN_BACK_MS = 500

/** Signs (again) for a nonce and writes the bytes down before anyone may send them. */
export async function signEntry(
  tenure: Tenure,
  entry: LedgerEntry,
  { to, data, gas }: Call,
  fee: Fee,
): Promise<void> {
  const { signer, chain, ledger, unsent, faultpoint } = tenure
  const { rawTx, hash } = await signer.signTransaction({
    type: 'eip1559',
    chainId: chain.chainId,
    nonce: entry.nonce,
    to,
    data,
    gas,
    value: 0n,
    ...fee,
  })
  faultpoint('signed')
  const { maxFeePerGas, maxPriorityFeePerGas } = fee
  const attempt = {
    hash,
    rawTx,
    maxFeePerGas: `${maxFeePerGas}`,
    maxPriorityFeePerGas: `${maxPriorityFeePerGas}`,
  }
  const signed: LedgerEntry = { ...entry, state: 'signed', attempts: [...entry.attempts, attempt] }
  const written = await writeEntry(tenure, signed, { type: 'signed', transactionHash: hash })
  if (written === undefined) return
  ledger.set(entry.nonce, signed)
  unsent.add(entry.nonce)
  faultpoint('persisted')
}

/** Uses a nonce that nobody needs, by a transaction to ourselves, so that the nonces above can go. */
export async function fillNonce(tenure: Tenure, nonce: number): Promise<void> {
  const { ledger, store, fence, signer, metrics, chain, lane } = tenure
  const before = ledger.get(nonce)
  const fee = before === undefined ? await feeNow(tenure) : await raisedFee(tenure, before)
  if (fee.status !== 'ok') {
    tenure.held = fee.text
    return
  }
  // Someone else may have taken the nonce while the fee was asked for.
  if (ledger.get(nonce) !== before) return
  const entry: LedgerEntry = {
    nonce,
    txUuid: randomUUID(),
    purpose: 'fill',
    messageIds: [],
    state: 'reserved',
    attempts: before?.attempts ?? [],
  }
  ledger.set(nonce, entry)
  if ((await store.write(fence, [store.put(entry)])) !== 'ok') return lost(tenure)
  metrics.nonceFills.inc({ chain: chain.name, lane })
  await signEntry(tenure, entry, { to: signer.address, data: '0x', gas: TRANSFER_GAS }, fee.fee)
}

/** Replaces a stuck transaction by the same one at a higher fee, or by nothing if it became useless. */
export async function bumpEntry(tenure: Tenure, entry: LedgerEntry): Promise<void> {
  const fee = await raisedFee(tenure, entry)
  if (fee.status !== 'ok') {
    // It stays in the pool at its old fee: dropping it would leave a gap.
    tenure.held = fee.text
    return
  }
  const { records, chain, signer, metrics, lane } = tenure
  const carried = await records.loadMany(entry.messageIds)
  const why = await uselessness(tenure, carried)
  if (entry.purpose === 'deliver' && why !== undefined) {
    return await giveBack(tenure, entry, { why, mayRelease: false })
  }
  const call = callOf(entry) ?? { to: signer.address, data: '0x', gas: TRANSFER_GAS }
  metrics.bumps.inc({ chain: chain.name, lane })
  await signEntry(tenure, entry, call, fee.fee)
}

/** Why none of an entry's messages would be delivered any more; undefined when one would. */
async function uselessness(
  { chain, signer }: Tenure,
  carried: readonly MessageRecord[],
): Promise<string | undefined> {
  let why = 'none of its messages is on its way any more'
  for (const record of carried) {
    if (record.metadata === undefined) continue
    const text = await revertNow(chain, signer.address, record)
    if (text === undefined) return undefined
    why = text
  }
  return why
}

/** The call of an entry's newest transaction; undefined when none was signed. */
function callOf({ attempts }: LedgerEntry): Call | undefined {
  const last = attempts.at(-1)
  if (last === undefined) return undefined
  const { to, data = '0x', gas } = parseTransaction(last.rawTx)
  if (to === null || to === undefined || gas === undefined) return undefined
  return { to, data, gas }
}

/**
 * Frees messages from their nonce.
 *
 * @param options.mayRelease - True when no node keeps a transaction with this nonce: then the nonce
 * is given back if it is the last one. Otherwise it is filled.
 */
export async function giveBack(
  tenure: Tenure,
  entry: LedgerEntry,
  { why, mayRelease }: { why: string; mayRelease: boolean },
): Promise<void> {
  const { ledger } = tenure
  const reason = { code: 'submission_refused', text: why }
  const event = { type: 'requeued', reason, failed: true } as const
  const last = mayRelease && [...ledger.keys()].every((nonce) => nonce <= entry.nonce)
  if (last) {
    await dropEntry(tenure, entry, event, GIVEN_BACK_MS)
    return
  }
  const freed = await applyToCarried(tenure, entry, event, { delayMs: GIVEN_BACK_MS })
  if (freed !== undefined) await fillNonce(tenure, entry.nonce)
}
