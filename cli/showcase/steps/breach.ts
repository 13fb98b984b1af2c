import { tradeJointly } from '../../../sdk/client/actions/trade-jointly.ts'
import { contractErrors } from '../../../sdk/abi/errors.ts'
import type { TandemClient } from '../../../sdk/client/create-client.ts'
import { attestMargin } from '../../../sdk/client/actions/attest-margin.ts'
import { changeOfFill } from '../../../sdk/client/actions/exchange.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import { accountId } from '../../../sdk/protocol/ids.ts'
import { describeRevert } from '../../../sdk/protocol/revert.ts'
import { dollars } from '../figures.ts'
import { contracts, quote, type Stage } from '../stage.ts'
import { refusalOf, requireSigned } from './fail.ts'

/** A bundle that would break initial margin is refused, with the scenario that binds. */
export async function breachInitialMargin(stage: Stage, trader: TandemClient) {
  const size = contracts(40)
  const signed = await quote(stage, {
    chain: 'beta',
    riskKey: stage.option('call', 85_000),
    side: 'buy',
    size18: size,
  })
  const { attestation, explanation } = await attestMargin(trader, {
    account: accountId(trader.account!.address),
    change: changeOfFill(trader, signed, size),
  })
  const refused = await refusalOf(tradeJointly(trader, { fills: [{ signed, size18: size }] }))
  await requireSigned(trader, refused)
  const reason = describeRevert((refused.values['output'] ?? '0x') as Hex, contractErrors)
  const worst = explanation.books.toSorted((a, b) => b.binding.lossUsd - a.binding.lossUsd)[0]!
  stage.log('selling 40 calls more: refused, signed by the sequencer')
  stage.log(`  ${reason}`)
  stage.log(`  worst scenario: ${worst.binding.name}`)
  stage.log(`  shortfall:      ${dollars(-attestation.initial18)}`)
  return {
    reason,
    worstScenario: worst.binding.name,
    shortfall18: (-attestation.initial18).toString(),
  }
}
