// Makes what integrators install: `npm pack` runs it first, and `postpack.mjs` afterwards.
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type InputOptions, type OutputOptions, rolldown } from 'rolldown'
import { replaceManifest, restoreManifest } from './manifest.mjs'

type Manifest = {
  name: string
  version: string
  description: string
  license: string
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** The program of the package, in one file. */
const program = 'dist/cli/tandem.js'

/** Folder under `sdk` of each entry that integrators import. */
const entries = { '.': 'client', './protocol': 'protocol', './risk': 'risk', './abi': 'abi' }

restoreManifest(root)
rmSync(join(root, 'dist'), { recursive: true, force: true })
await bundle()
declareTypes()
replaceManifest(root, leanManifest(readManifest()))

/** Bundles the SDK with what it needs of its packages: viem alone would be 80 MB installed. */
async function bundle(): Promise<void> {
  const input = Object.fromEntries(
    Object.values(entries).map((folder) => [folder, join(root, 'sdk', folder, 'index.ts')]),
  )
  const names = { entryFileNames: '[name].js', chunkFileNames: 'shared/[name]-[hash].js' }
  const sdk = await bundleTo(join('dist', 'sdk'), { input, platform: 'neutral' }, names)
  const tool = { input: join(root, 'cli', 'package', 'main.ts'), platform: 'node' as const }
  const file = { entryFileNames: basename(program), codeSplitting: false }
  const cli = await bundleTo(dirname(program), tool, file)
  writeFileSync(join(root, 'dist', 'sdk', 'NOTICES.txt'), noticesOf([...sdk, ...cli]))
}

/** Writes one bundle and gives the files that went into it. */
async function bundleTo(
  folder: string,
  input: InputOptions,
  output: OutputOptions,
): Promise<string[]> {
  const build = await rolldown({
    ...input,
    external: [/^node:/],
    resolve: { conditionNames: ['import', 'module', 'default'], mainFields: ['module', 'main'] },
    treeshake: true,
  })
  const written = await build.write({
    dir: join(root, folder),
    format: 'esm',
    minify: false,
    ...output,
  })
  await build.close()
  return written.output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
}

/** Licences of the packages whose code is in the bundle, each once. */
function noticesOf(modules: readonly string[]): string {
  const folders = modules.map((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0])
  const packages = [...new Set(folders.filter((folder) => folder !== undefined))].toSorted()
  return packages
    .map((folder) => {
      const file = globSync('LICEN[CS]E*', { cwd: folder })[0]
      const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
      return `${manifest.name} ${manifest.version} (${manifest.license})\n\n${text}\n`
    })
    .join('\n')
}

function declareTypes(): void {
  const compiler = join(root, 'node_modules', '.bin', 'tsc')
  const { status } = spawnSync(compiler, ['-p', 'tsconfig.package.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error('The types of the package could not be written.')
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}

/** The manifest of the published package: no server, nothing that an integrator lacks. */
function leanManifest(manifest: Manifest): object {
  const { name, version, description, license, dependencies, devDependencies } = manifest
  const versions = { ...devDependencies, ...dependencies }
  const pick = (names: readonly string[]) =>
    Object.fromEntries(names.map((item) => [item, versions[item]]))
  const peers = ['viem', 'zod']
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines: { node: '>=20' },
    sideEffects: false,
    bin: { tandem: program },
    files: ['dist/cli', 'dist/sdk', 'dist/types', 'contracts', '!contracts/test'],
    exports: {
      ...Object.fromEntries(
        Object.entries(entries).map(([place, folder]) => [
          place,
          { types: `./dist/types/${folder}/index.d.ts`, default: `./dist/sdk/${folder}.js` },
        ]),
      ),
      './contracts/*': './contracts/*',
      './package.json': './package.json',
    },
    dependencies: pick(packagesOfContracts()),
    // The types name theirs; at run time nothing of them is loaded.
    peerDependencies: Object.fromEntries(peers.map((peer) => [peer, `^${versions[peer]}`])),
    peerDependenciesMeta: Object.fromEntries(peers.map((peer) => [peer, { optional: true }])),
  }
}

/** Packages that the contracts of the package import. */
function packagesOfContracts(): string[] {
  const files = globSync('contracts/**/*.sol', { cwd: root, exclude: ['contracts/test/**'] })
  const imports = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [...text.matchAll(/from "((?:@[\w-]+\/)?[\w-]+)\//g)].map((match) => match[1]!)
  })
  return [...new Set(imports)].toSorted()
}
