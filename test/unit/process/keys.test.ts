import { describe, expect, test } from 'vitest'
import { developmentKey, loadRoleKey, roleKeyVariable } from '../../../sdk/process/keys.ts'
import { networkFixture } from '../../fixtures/network.ts'

const other = `0x${'0'.repeat(63)}1`

describe('loadRoleKey', () => {
  test('gives the published key of a role on the local network', () => {
    const key = loadRoleKey('sequencer', networkFixture(), {})
    // First account of the published test mnemonic.
    expect(key.address).toBe('0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266')
    expect(key.source).toBe('development')
  })

  test('gives every role a key of its own', () => {
    const roles = ['sequencer', 'system', 'feed-0', 'feed-1', 'validator-902'] as const
    expect(new Set(roles.map((role) => developmentKey(role).address)).size).toBe(roles.length)
  })

  test('prefers the key of the environment', () => {
    expect(roleKeyVariable('relayer-transfer')).toBe('TANDEM_KEY_RELAYER_TRANSFER')
    const key = loadRoleKey('relayer-transfer', networkFixture({ local: false }), {
      TANDEM_KEY_RELAYER_TRANSFER: other,
    })
    expect(key).toMatchObject({ privateKey: other, source: 'environment' })
  })

  test('refuses development keys on a network that this machine did not start', () => {
    expect(() => loadRoleKey('guardian', networkFixture({ local: false }), {})).toThrow(
      /TANDEM_KEY_GUARDIAN[^]*not one that this machine started/,
    )
  })

  test('refuses development keys when a chain is elsewhere, whatever the file claims', () => {
    const { chains } = networkFixture()
    const moved = { ...chains[0]!, rpcUrl: 'http://10.0.0.7:8545' }
    expect(() => loadRoleKey('guardian', networkFixture({ chains: [moved] }), {})).toThrow(
      /chains elsewhere: l1/,
    )
  })

  test('refuses a key whose address the network does not name for the role', () => {
    expect(() =>
      loadRoleKey('validator-902', networkFixture(), { TANDEM_KEY_VALIDATOR_902: other }),
    ).toThrow(/not the one that the network names/)
  })

  test.each(['0x12', `0x${'0'.repeat(64)}`, `0x${'f'.repeat(64)}`])(
    'refuses %s as a key and does not echo it',
    (value) => {
      const load = () => loadRoleKey('guardian', networkFixture(), { TANDEM_KEY_GUARDIAN: value })
      expect(load).toThrow(/TANDEM_KEY_GUARDIAN is not a private key/)
      expect(load).not.toThrow(value)
    },
  )
})
