import { contractErrors } from '../../../sdk/abi/errors.ts'
import { getAccount } from '../../../sdk/client/actions/get-account.ts'
import { sendSignedBundle } from '../../../sdk/client/actions/send-bundle.ts'
import { prepareJointTrade } from '../../../sdk/client/actions/trade-jointly.ts'
import { verifyRefusal } from '../../../sdk/client/actions/verify-receipt.ts'
import type { TandemClient } from '../../../sdk/client/create-client.ts'
import { signLegs } from '../../../sdk/client/legs.ts'
import { RefusedError } from '../../../sdk/client/rpc.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import { describeRevert } from '../../../sdk/protocol/revert.ts'
import { contracts, quote, type Stage } from '../stage.ts'

/** A bundle whose beta leg fails changes nothing on alpha, and its alpha leg does not go alone. */
export async function failOnOneRollup(stage: Stage, trader: TandemClient) {
  const before = await stateOf(trader)
  const [good, bad] = await Promise.all([
    quote(stage, {
      chain: 'alpha',
      riskKey: stage.option('put', 75_000),
      side: 'sell',
      size18: contracts(1),
    }),
    quote(stage, {
      chain: 'beta',
      riskKey: stage.option('call', 85_000),
      side: 'sell',
      size18: contracts(1),
    }),
  ])
  const trade = await prepareJointTrade(trader, {
    fills: [
      { signed: good, size18: contracts(1) },
      { signed: bad, size18: contracts(2) },
    ],
  })
  const legs = await signLegs(trader, trade.calls)
  const { salt, maxSlot } = trade
  const refused = await refusalOf(
    sendSignedBundle(
      trader,
      { txs: legs.map(({ chainId, rawTx }) => ({ chainId, rawTx })), salt, maxSlot },
      legs.map(({ hash }) => hash),
    ),
  )
  await requireSigned(trader, refused)
  const leg = Number(refused.values['leg'])
  const reason = describeRevert((refused.values['output'] ?? '0x') as Hex, contractErrors)
  const after = await stateOf(trader)
  const unchanged = before === after
  stage.log(`bundle refused, signed by the sequencer: leg ${leg} on beta`)
  stage.log(`  ${reason}`)
  stage.log(`  nothing changed on alpha: ${unchanged}`)
  const alone = await aloneRefusal(trader, legs[0]!.rawTx)
  stage.log(`  the alpha leg sent alone: ${alone}`)
  if (!unchanged) throw new Error('a failed bundle changed state')
  return { refusedLeg: leg, reason, unchanged, alone }
}

/** Gives the verified refusal of a request that must not stand. */
export async function refusalOf(request: Promise<unknown>): Promise<RefusedError> {
  try {
    await request
  } catch (error) {
    if (error instanceof RefusedError) return error
    throw error
  }
  throw new Error('the request was not refused')
}

/** Checks that the sequencer signed a refusal. */
export async function requireSigned(client: TandemClient, refused: RefusedError): Promise<void> {
  if (!refused.refusal) throw new Error('the refusal is not signed')
  await verifyRefusal(client, refused.refusal)
}

async function stateOf(trader: TandemClient): Promise<string> {
  const [account, nonce] = await Promise.all([
    getAccount(trader),
    trader.on('alpha').getTransactionCount({ address: trader.account!.address }),
  ])
  return JSON.stringify({ account, nonce }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}

async function aloneRefusal(trader: TandemClient, rawTx: Hex): Promise<string> {
  try {
    await trader.on('alpha').sendRawTransaction({ serializedTransaction: rawTx })
  } catch (error) {
    return (error as { details?: string }).details ?? String(error)
  }
  throw new Error('a leg of a refused bundle went alone')
}
