import { globSync, readFileSync } from 'node:fs'
import { encodeAbiParameters, keccak256, toHex } from 'viem'
import { expect, test } from 'vitest'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { instrumentRiskTypes, marginAttestationTypes } from '../../../sdk/protocol/margin.ts'

const sources = globSync('contracts/**/*.sol').map((path) => ({
  path,
  text: readFileSync(path, 'utf8'),
}))

test('the risk signer and the contracts hash the same words', () => {
  const { text } = sources.find(({ path }) => path.endsWith('RiskSignature.sol'))!
  const words = [...text.matchAll(/"(\w+\([^"]+\))"/g)].map((match) => match[1])
  expect(words).toEqual([
    wordsOf('MarginAttestation', marginAttestationTypes.MarginAttestation),
    wordsOf('InstrumentRisk', instrumentRiskTypes.InstrumentRisk),
  ])
})

test('every storage location is the one that its name gives (ERC-7201)', () => {
  const named = /erc7201:(tandem[.\w]+)/g
  const placed = /bytes32 private constant \w+_SLOT\s*=\s*(0x[0-9a-f]{64});/g
  const slots = sources.flatMap(({ text }) => {
    const names = [...text.matchAll(named)].map((match) => match[1]!)
    const found = [...text.matchAll(placed)].map((match) => match[1]!)
    expect(found).toEqual(names.map(erc7201))
    return found
  })
  expect(slots.length).toBeGreaterThan(10)
  expect(new Set(slots).size).toBe(slots.length)
})

test('contracts and SDK share the limits that both enforce', () => {
  const constant = (file: string, name: string) => {
    const { text } = sources.find(({ path }) => path.endsWith(`/${file}.sol`))!
    const value = new RegExp(`constant ${name} = ([\\d_* ]+);`).exec(text)![1]!
    return value.split('*').reduce((product, factor) => product * Number(factor), 1)
  }
  expect(constant('MessageLib', 'BYTES_MAX')).toBe(LIMITS.messageBytes)
  expect(constant('SlotContext', 'KEYS_MAX')).toBe(LIMITS.slotKeys)
  expect(constant('SpokeCredit', 'POSITIONS_MAX')).toBe(LIMITS.positionsPerAccount)
  expect(constant('PortfolioBook', 'POSITIONS_MAX')).toBe(LIMITS.positionsPerAccount)
})

function wordsOf(name: string, fields: readonly { name: string; type: string }[]): string {
  return `${name}(${fields.map((field) => `${field.type} ${field.name}`).join(',')})`
}

function erc7201(name: string): string {
  const inner = BigInt(keccak256(toHex(name))) - 1n
  return `${keccak256(encodeAbiParameters([{ type: 'uint256' }], [inner])).slice(0, -2)}00`
}
