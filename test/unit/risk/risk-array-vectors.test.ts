import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { riskArrayVectors } from '../../fixtures/risk-arrays/make.ts'

test('the vectors of risk arrays are what the code gives', () => {
  const kept = readFileSync(new URL('../../fixtures/risk-arrays/vectors.json', import.meta.url))
  expect(JSON.parse(riskArrayVectors())).toEqual(JSON.parse(kept.toString()))
})
