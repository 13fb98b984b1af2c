import { describe, expect, test } from 'vitest'
import { createTandemClient, UnknownChainError } from '../../../sdk/client/create-client.ts'
import { networkFixture } from '../../fixtures/network.ts'

describe('turns of one client', () => {
  test('what takes nonces on a chain never overlaps, in the order of the calls', async () => {
    const client = createTandemClient({ network: networkFixture() })
    const seen: string[] = []
    const work = (name: string, chainIds: number[]) =>
      client.inTurn(chainIds, async () => {
        seen.push(`${name} begins`)
        await Promise.resolve()
        await Promise.resolve()
        seen.push(`${name} ends`)
      })
    await Promise.all([work('a', [902]), work('b', [902, 903]), work('c', [903])])
    const pairs = ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`])
    expect(seen).toEqual(pairs)
  })

  test('a failed turn does not hold the next one up', async () => {
    const client = createTandemClient({ network: networkFixture() })
    const failed = client.inTurn([902], () => Promise.reject(new Error('refused')))
    await expect(failed).rejects.toThrow('refused')
    await expect(client.inTurn([902], () => Promise.resolve('next'))).resolves.toBe('next')
  })

  test('an unknown chain is refused with the known ones', () => {
    const client = createTandemClient({ network: networkFixture() })
    expect(() => client.chain('nowhere')).toThrow(UnknownChainError)
    expect(() => client.chain('nowhere')).toThrow('hub (901)')
  })
})
