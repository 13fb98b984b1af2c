import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { blocksOf, commandsOf, ROOT } from '../../fixtures/docs/blocks.ts'

// Goal: every command of docs/risk.md runs as it stands there and gives what the page shows.

const blocks = blocksOf('docs/risk.md')
const examples = blocks.flatMap((block, i) => {
  const next = blocks[i + 1]
  const shown = next?.language === 'json' ? next.code : undefined
  return block.language === 'sh' ? commandsOf(block).map((command) => ({ command, shown })) : []
})

test.each(examples)('$command', { timeout: 60_000 }, ({ command, shown }) => {
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: ROOT, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout).not.toBe('')
  expect(stdout).toBe(shown ?? stdout)
})
