import { expect, test } from 'vitest'
import { applyChainChanges, readChainChange } from '../../../cli/network/chain-change.ts'
import { planPorts } from '../../../cli/network/port-plan.ts'
import { localChains } from '../../../sdk/protocol/chains.ts'

const changed = (...texts: string[]) =>
  applyChainChanges(localChains(2), texts.map(readChainChange))

test('a rollup gets another chain id and a base fee, and keeps its place among the ports', () => {
  const chains = changed('alpha=1:200gwei', 'beta=903:7wei')
  expect(chains[2]).toEqual({
    ...{ name: 'alpha', chainId: 1, kind: 'rollup', baseFeePerGasWei: 200_000_000_000 },
  })
  expect(chains[3]).toMatchObject({ chainId: 903, baseFeePerGasWei: 7 })
  const { validators } = planPorts(9500, chains)
  expect([...validators]).toEqual([
    ...[[900, 9610] as const, [901, 9611] as const, [1, 9612] as const],
    ...[[903, 9613] as const, [990, 9620] as const],
  ])
})

test.each([
  ['alpha', /name=id/],
  ['alpha=1:200', /name=id/],
  ['alpha=1:0wei', /out of range/],
  ['alpha=1:1000001gwei', /out of range/],
  ['alpha=5', /allowed: 902, 1/],
  ['hub=1', /allowed: 901/],
  ['gamma=1', /rollups: hub, alpha, beta/],
  ['l1=900', /rollups: hub, alpha, beta/],
])('%s is refused with what is allowed', (text, rule) => {
  expect(() => changed(text)).toThrow(rule)
})

test('a chain id is given once, and a chain is changed once', () => {
  expect(() => changed('alpha=1', 'beta=1')).toThrow(/1 is given to alpha and beta/)
  expect(() => changed('alpha=1', 'alpha=902')).toThrow(/twice: alpha/)
})
