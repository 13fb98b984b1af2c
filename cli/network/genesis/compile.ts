import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { GenesisError } from './error.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * Compiles Tandem's contracts with Hardhat; what is up to date is not compiled again.
 *
 * @throws {@link GenesisError} with the compiler's words when it refuses.
 */
export async function compileContracts(): Promise<void> {
  const hardhat = fileURLToPath(new URL('../../../node_modules/.bin/hardhat', import.meta.url))
  const child = spawn(process.execPath, [hardhat, 'build', '--no-tests', '--quiet'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (data: Buffer) => (output = (output + data.toString()).slice(-8_192))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new GenesisError('The contracts do not compile.', [output.trim()])
}
