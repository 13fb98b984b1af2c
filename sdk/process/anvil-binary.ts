import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ConfigError } from './config-error.ts'

const packages: Readonly<Record<string, string>> = {
  'linux-x64': '@foundry-rs/anvil-linux-amd64',
  'linux-arm64': '@foundry-rs/anvil-linux-arm64',
  'darwin-x64': '@foundry-rs/anvil-darwin-amd64',
  'darwin-arm64': '@foundry-rs/anvil-darwin-arm64',
}

/**
 * Gives the path of this platform's anvil binary.
 *
 * The binary itself, not the package's wrapper: a process that is killed must be the node.
 *
 * @throws {@link ConfigError} when there is none for the platform or it is not installed.
 */
export function anvilBinary(): string {
  const platform = `${process.platform}-${process.arch}`
  const name = packages[platform]
  if (name === undefined) {
    throw new ConfigError(`There is no anvil for ${platform}.`, [
      `known: ${Object.keys(packages).join(', ')}`,
    ])
  }
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return join(dirname(manifest), 'bin', 'anvil')
  } catch (error) {
    throw new ConfigError(`The package ${name} is not installed.`, ['Run `npm install`.'], error)
  }
}
