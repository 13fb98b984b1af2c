import { decodeFunctionResult, encodeFunctionData, type Abi } from 'viem'
import type { Logger } from 'pino'
import { creditBookAbi } from '../../../sdk/abi/credit-book.ts'
import { liquidationAuctionAbi } from '../../../sdk/abi/liquidation-auction.ts'
import type { LiquidationStart } from '../../../sdk/protocol/entry.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import type { MarginAttestation } from '../../../sdk/protocol/margin.ts'
import type { SignedReceipt } from '../../../sdk/protocol/receipt.ts'
import type { LiquidationInput } from '../../core/risk/risk.ts'
import type { HubRead } from './hub-books.ts'
import type { AttestedMargin } from './service.ts'
import type { RoundMargin } from './worker/results.ts'

/** States of an account on the hub in which a call or a sale may begin. */
const STATE = { healthy: 0, restricted: 1, call: 2 } as const

/** Time after which an account whose start was void is looked at again. */
const AGAIN_MS = 10_000

/** What the watch works with. */
export type LiquidationOptions = {
  read: HubRead
  creditBook: Address
  liquidationAuction: Address
  attest: (account: AccountId) => Promise<AttestedMargin>
  /** Brings a start into lane 1; resolves with its receipt. */
  send: (start: LiquidationInput) => Promise<SignedReceipt>
  /** Height of the last slot that the hub's published state has. */
  publishedSlot: () => number
  /** Time of the log's last slot, milliseconds since 1970. */
  nowMs: () => number
  log: Logger
}

/** An account as far as a start depends on it. */
type Standing = { state: number; graceUntilMs: number; nowMs: number }

/**
 * Says whether an account is to be called or sold: the contract's own rules, before it is asked.
 *
 * @returns Undefined when neither.
 */
export function startOf(
  { equity18, maintenance18 }: Pick<MarginAttestation, 'equity18' | 'maintenance18'>,
  { state, graceUntilMs, nowMs }: Standing,
): LiquidationStart | undefined {
  if (state > STATE.call) return undefined
  const saleable = maintenance18 < 0n && equity18 > 0n
  if (state === STATE.call) return saleable && nowMs >= graceUntilMs ? 'start' : undefined
  if (saleable) return 'start'
  return equity18 > 11n * maintenance18 ? 'call' : undefined
}

/** Makes what looks at margins and starts calls and sales, one at a time per account. */
export function watchLiquidations(
  options: LiquidationOptions,
): (margins: ReadonlyMap<AccountId, RoundMargin>) => Promise<void> {
  const { send, publishedSlot, nowMs, log } = options
  /** Slot from which on the hub shows what was started; not known while it is on its way. */
  const started = new Map<AccountId, number | undefined>()
  const voided = new Map<AccountId, number>()

  const begin = (account: AccountId, start: LiquidationInput): void => {
    started.set(account, undefined)
    send(start).then(
      ({ preconfirmation, voided: reason }) => {
        started.set(account, Number(preconfirmation.slot))
        if (reason !== undefined) voided.set(account, nowMs())
        log.info({ account, step: start.step, voided: reason?.reason }, 'liquidation start')
      },
      (err: unknown) => {
        started.delete(account)
        log.warn({ err, account, step: start.step }, 'liquidation start refused')
      },
    )
  }

  return async (margins) => {
    for (const [account, margin] of margins) {
      if (!isBelow(margin) || isPending(account)) continue
      try {
        const start = await startFor(options, account)
        if (start !== undefined) begin(account, start)
      } catch (err) {
        log.warn({ err, account }, 'an account below its line was not started')
      }
    }
  }

  function isPending(account: AccountId): boolean {
    const voidedMs = voided.get(account)
    if (voidedMs !== undefined && nowMs() < voidedMs + AGAIN_MS) return true
    voided.delete(account)
    if (!started.has(account)) return false
    const slot = started.get(account)
    if (slot === undefined || publishedSlot() < slot) return true
    started.delete(account)
    return false
  }
}

/** Below its call line or so near that only the exact margin tells; not where nothing is required. */
function isBelow({ equityMicro, maintenanceMicro }: RoundMargin): boolean {
  if (equityMicro === maintenanceMicro) return false
  return !(equityMicro + 1_000 < 11 * maintenanceMicro)
}

async function startFor(
  options: LiquidationOptions,
  account: AccountId,
): Promise<LiquidationInput | undefined> {
  const { read, creditBook, liquidationAuction, attest, nowMs } = options
  const ask = async <T>(to: Address, abi: Abi, functionName: string): Promise<T> => {
    const data = encodeFunctionData({ abi, functionName, args: [account] })
    return decodeFunctionResult({ abi, functionName, data: await read(to, data) }) as T
  }
  const state = await ask<number>(creditBook, creditBookAbi as Abi, 'state')
  if (state > STATE.call) return undefined
  const clocks = await ask<{ graceUntilMs: number }>(
    liquidationAuction,
    liquidationAuctionAbi as Abi,
    'clocks',
  )
  const { attestation, signature } = await attest(account)
  const standing = { state, graceUntilMs: clocks.graceUntilMs, nowMs: nowMs() }
  const step = startOf(attestation, standing)
  if (step === undefined) return undefined
  const { marksSeq, paramsVersion, validUntilSlot } = attestation
  return {
    account,
    step,
    risk: { marksSeq, paramsVersion },
    calldata: encodeFunctionData({
      abi: liquidationAuctionAbi,
      functionName: step,
      args: [account, attestation, signature],
    }),
    validUntilSlot: Number(validUntilSlot),
  }
}
