import { createRequire } from 'node:module'
import { ConfigError } from '../../../sdk/process/config-error.ts'

/**
 * Gives the path of this platform's `anvil` program.
 *
 * The npm wrapper is left out on purpose: a SIGKILL to it would leave the node running.
 *
 * @throws {@link ConfigError} when the package for this platform is not installed.
 */
export function anvilBinary(): string {
  const { platform, arch } = process
  const name = `anvil-${platform}-${arch === 'x64' ? 'amd64' : arch}`
  const file = platform === 'win32' ? 'anvil.exe' : 'anvil'
  try {
    const wrapper = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json')
    return createRequire(wrapper).resolve(`@foundry-rs/${name}/bin/${file}`)
  } catch (error) {
    throw new ConfigError(
      `There is no anvil for ${platform} on ${arch}.`,
      [`package: @foundry-rs/${name}`],
      error,
    )
  }
}
