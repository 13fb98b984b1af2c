import { randomUUID } from 'node:crypto'
import { encodeFunctionData } from 'viem/utils'
import { mailboxAbi } from '../../sdk/abi/hyperlane.ts'
import type { Hex } from '../../sdk/protocol/hex.ts'
import { bumpedFee, firstFee, gasLimitUp, type Fee, type FeeDecision } from '../core/fees.ts'
import { nextNonce, type LedgerEntry } from '../core/nonce-ledger.ts'
import type { MessageRecord } from '../core/stages.ts'
import { readContract } from './chains.ts'
import { decodeRevert, isRevert } from './reverts.ts'
import { RpcError } from './rpc.ts'
import { applyToCarried, dropEntry, lost, readView, writeEntry, type Tenure } from './tenure.ts'

/** How long a message that cannot go now waits for its next try, in milliseconds. */
const RETRY_MS = {
  laneFull: 50,
  feeAboveCap: 1_000,
  noHead: 250,
  revertFirst: 500,
  revertMax: 60_000,
}

const TRANSFER_GAS = 21_000n

type Call = { to: Hex; data: Hex; gas: bigint }

/** Takes a prepared message to a signed transaction in the ledger; sending it is the pump's work. */
export async function submit(tenure: Tenure, record: MessageRecord): Promise<void> {
  const { records, queues, chain, signer } = tenure
  const { metadata, raw, id } = record
  if (record.stage !== 'prepared' || metadata === undefined) return
  const data = encodeFunctionData({
    abi: mailboxAbi,
    functionName: 'process',
    args: [metadata, raw],
  })
  const [delivered, trial] = await Promise.all([
    isDelivered(tenure, id),
    estimate(tenure, { from: signer.address, to: chain.mailbox, data }),
  ])
  if (delivered) return await noteDelivered(tenure, record)
  if (trial.status === 'reverts') {
    const text = `the delivery would revert: ${trial.text}`
    const reason = { code: 'simulation_reverts', text }
    const waitMs = Math.min(
      RETRY_MS.revertFirst * 2 ** Math.min(record.attempts, 10),
      RETRY_MS.revertMax,
    )
    const dueMs = waitMs + 5_000
    const again = await records.apply(record, { type: 'requeued', reason, failed: true }, { dueMs })
    if (again.status === 'ok') await queues.wake('prepare', again.record, waitMs)
    return
  }
  const fee = await feeNow(tenure)
  if (fee.status !== 'ok') {
    const { waitMs, text } = fee
    const held = await records.apply(record, { type: 'held', reason: { code: 'fee', text } })
    if (held.status === 'ok') await queues.wake('submit', held.record, waitMs)
    return
  }
  await reserveAndSign(tenure, record, { to: chain.mailbox, data, gas: trial.gas, fee: fee.fee })
}

async function reserveAndSign(
  tenure: Tenure,
  record: MessageRecord,
  { to, data, gas, fee }: Call & { fee: Fee },
): Promise<void> {
  const { ledger, ledgerPolicy, records, queues, store, fence, lane, faultpoint } = tenure
  if (ledger.size === 0) tenure.view = await readView(tenure, tenure.signer.address)
  const nonce = nextNonce(ledger, tenure.view, ledgerPolicy)
  if (nonce === undefined) return await queues.wake('submit', record, RETRY_MS.laneFull)
  const txUuid = randomUUID()
  const entry: LedgerEntry = {
    nonce,
    txUuid,
    purpose: 'deliver',
    messageIds: [record.id],
    state: 'reserved',
    attempts: [],
  }
  // Taken in memory first, so that no other message of this process takes the same nonce.
  ledger.set(nonce, entry)
  const event = { type: 'reserved', lane, txUuid, nonce } as const
  const reserved = await records.apply(record, event, { fence, writes: [store.put(entry)] })
  if (reserved.status !== 'ok') {
    ledger.delete(nonce)
    if (reserved.status === 'fenced') lost(tenure)
    return
  }
  faultpoint('reserved')
  await signEntry(tenure, entry, { to, data, gas }, fee)
}

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

/** Signs for a reserved nonce that a former owner of the lane never signed for. */
export async function signReserved(tenure: Tenure, entry: LedgerEntry): Promise<void> {
  const { records, chain, signer } = tenure
  const [record] = await records.loadMany(entry.messageIds)
  const ready = record?.stage === 'reserved' && record.submission?.txUuid === entry.txUuid
  if (record === undefined || !ready || record.metadata === undefined) {
    return await fillNonce(tenure, entry.nonce)
  }
  const args = [record.metadata, record.raw] as const
  const data = encodeFunctionData({ abi: mailboxAbi, functionName: 'process', args })
  const trial = await estimate(tenure, { from: signer.address, to: chain.mailbox, data })
  const fee = await feeNow(tenure)
  if (trial.status === 'ok' && fee.status === 'ok') {
    return await signEntry(tenure, entry, { to: chain.mailbox, data, gas: trial.gas }, fee.fee)
  }
  await giveBack(tenure, entry, { why: 'its delivery would revert now', mayRelease: true })
}

/** Replaces a stuck transaction by the same one at a higher fee. */
export async function bumpEntry(tenure: Tenure, entry: LedgerEntry): Promise<void> {
  const fee = await raisedFee(tenure, entry)
  if (fee.status !== 'ok') {
    // It stays in the pool at its old fee: dropping it would leave a gap.
    tenure.held = fee.text
    return
  }
  const { records, chain, signer } = tenure
  const [record] = await records.loadMany(entry.messageIds)
  if (entry.purpose === 'fill' || record?.metadata === undefined) {
    return await signEntry(
      tenure,
      entry,
      { to: signer.address, data: '0x', gas: TRANSFER_GAS },
      fee.fee,
    )
  }
  const args = [record.metadata, record.raw] as const
  const data = encodeFunctionData({ abi: mailboxAbi, functionName: 'process', args })
  const trial = await estimate(tenure, { from: signer.address, to: chain.mailbox, data })
  if (trial.status === 'reverts') {
    return await giveBack(tenure, entry, { why: trial.text, mayRelease: false })
  }
  await signEntry(tenure, entry, { to: chain.mailbox, data, gas: trial.gas }, fee.fee)
}

/**
 * Frees a message from its nonce.
 *
 * @param options.mayRelease - True when no node keeps a transaction with this nonce: then the nonce
 * is given back if it is the last one. Otherwise it is filled.
 */
export async function giveBack(
  tenure: Tenure,
  entry: LedgerEntry,
  { why, mayRelease }: { why: string; mayRelease: boolean },
): Promise<void> {
  const { ledger, queues } = tenure
  const reason = { code: 'submission_refused', text: why }
  const event = { type: 'requeued', reason, failed: true } as const
  const last = mayRelease && [...ledger.keys()].every((nonce) => nonce <= entry.nonce)
  const freed = last
    ? await dropEntry(tenure, entry, event)
    : await applyToCarried(tenure, entry, event, [])
  if (!last && freed !== undefined) await fillNonce(tenure, entry.nonce)
  for (const record of freed ?? []) await queues.wake('prepare', record, RETRY_MS.revertFirst)
}

/** Notes that a message took effect through someone else's transaction. */
export async function noteDelivered(
  { records, queues, metrics, chain }: Pick<Tenure, 'records' | 'queues' | 'metrics' | 'chain'>,
  record: MessageRecord,
): Promise<void> {
  const applied = await records.apply(record, { type: 'delivered_by_other' })
  if (applied.status !== 'ok') return
  metrics.operations.inc({ phase: 'delivered_by_other', chain: chain.name })
  if (chain.reorgPeriod > 0) await queues.wake('confirm', applied.record, 1_000)
}

/** Says whether a message took effect on the destination. */
export async function isDelivered({ chain }: Pick<Tenure, 'chain'>, id: Hex): Promise<boolean> {
  const { rpc, mailbox: address } = chain
  return await readContract(rpc, {
    address,
    abi: mailboxAbi,
    functionName: 'delivered',
    args: [id],
  })
}

async function estimate(
  { chain }: Tenure,
  call: { from: Hex; to: Hex; data: Hex },
): Promise<{ status: 'ok'; gas: bigint } | { status: 'reverts'; text: string }> {
  try {
    const gas = await chain.rpc.call<Hex>('eth_estimateGas', [call])
    return { status: 'ok', gas: gasLimitUp(BigInt(gas)) }
  } catch (error) {
    if (!(error instanceof RpcError) || !isRevert(error)) throw error
    return { status: 'reverts', text: await decodeRevert(error) }
  }
}

type FeeNow = { status: 'ok'; fee: Fee } | { status: 'held'; text: string; waitMs: number }

async function feeNow(tenure: Tenure): Promise<FeeNow> {
  const head = tenure.heads.latest()
  if (head === undefined)
    return { status: 'held', text: 'the chain has no head', waitMs: RETRY_MS.noHead }
  const tip = await tipNow(tenure)
  return explain(tenure, firstFee({ baseFee: head.baseFeePerGas, tip }, tenure.feePolicy))
}

async function raisedFee(tenure: Tenure, entry: LedgerEntry): Promise<FeeNow> {
  const head = tenure.heads.latest()
  const last = entry.attempts.at(-1)
  if (head === undefined || last === undefined) return await feeNow(tenure)
  const now = { baseFee: head.baseFeePerGas, tip: await tipNow(tenure) }
  const offered = {
    maxFeePerGas: BigInt(last.maxFeePerGas),
    maxPriorityFeePerGas: BigInt(last.maxPriorityFeePerGas),
  }
  return explain(tenure, bumpedFee(offered, now, tenure.feePolicy))
}

function explain({ feePolicy }: Tenure, decision: FeeDecision): FeeNow {
  if (decision.status === 'ok') return decision
  const text = `a transaction needs ${decision.needed} wei per gas; the lane's cap is ${feePolicy.maxFeePerGas}`
  return { status: 'held', text, waitMs: RETRY_MS.feeAboveCap }
}

async function tipNow({ chain }: Tenure): Promise<bigint> {
  try {
    return BigInt(await chain.rpc.call<Hex>('eth_maxPriorityFeePerGas', []))
  } catch (error) {
    // A chain that does not advise on tips gets the lane's lowest.
    if (error instanceof RpcError) return 0n
    throw error
  }
}
