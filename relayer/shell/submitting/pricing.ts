import type { Hex } from '../../../sdk/protocol/hex.ts'
import { bumpedFee, firstFee, type Fee, type FeeDecision } from '../../core/fees.ts'
import type { LedgerEntry } from '../../core/nonce-ledger.ts'
import { RpcError } from '../chains/rpc.ts'
import type { Tenure } from './tenure.ts'

/** A fee that may be offered now, or why none may and when to ask again. */
export type FeeNow = { status: 'ok'; fee: Fee } | { status: 'held'; text: string; waitMs: number }

const RETRY_MS = { aboveCap: 1_000, noHead: 250 }

/** Prices a first transaction of a lane. */
export async function feeNow(tenure: Tenure): Promise<FeeNow> {
  const head = tenure.heads.latest()
  if (head === undefined) {
    return { status: 'held', text: 'the chain has no head', waitMs: RETRY_MS.noHead }
  }
  const tip = await tipNow(tenure)
  return explain(tenure, firstFee({ baseFee: head.baseFeePerGas, tip }, tenure.feePolicy))
}

/** Prices the replacement of an entry's transaction. */
export async function raisedFee(tenure: Tenure, entry: LedgerEntry): Promise<FeeNow> {
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
  return { status: 'held', text, waitMs: RETRY_MS.aboveCap }
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
