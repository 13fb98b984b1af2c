import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readEnvironment } from '../../../sdk/process/environment.ts'

const shape = {
  SEQUENCER_BLOCK_TIME_MS: z.coerce.number().int().min(1).default(100),
  SEQUENCER_TOKEN: z.string().min(8).optional(),
}
const read = (environment: Record<string, string>) =>
  readEnvironment({ prefix: 'SEQUENCER_', shape, environment })

describe('readEnvironment', () => {
  test('gives defaults, ignores what is not its own, and freezes', () => {
    const config = read({ PATH: '/bin', SEQUENCER_BLOCK_TIME_MS: '' })
    expect(config).toEqual({ SEQUENCER_BLOCK_TIME_MS: 100 })
    expect(Object.isFrozen(config)).toBe(true)
  })

  test('refuses a misspelt variable instead of ignoring it', () => {
    expect(() => read({ SEQUENCER_BLOCK_TIME: '5' })).toThrow(/SEQUENCER_BLOCK_TIME/)
  })

  test('names all faults at once and echoes no value', () => {
    const faulty = { SEQUENCER_BLOCK_TIME_MS: '0', SEQUENCER_TOKEN: 'hunter2' }
    expect(() => read(faulty)).toThrow(/SEQUENCER_BLOCK_TIME_MS[^]*SEQUENCER_TOKEN/)
    expect(() => read(faulty)).not.toThrow(/hunter2/)
  })
})
