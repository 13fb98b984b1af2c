// Run after `npm install --package-lock-only` (see CONTRIBUTING.md): `node cli/setup/complete-lock.mjs`.
// npm leaves a platform's package out of the lock when the registry in use does not serve it, and
// then neither `npm ci` here nor `npm install` on that platform works. This adds an entry for each.
import { readFileSync, writeFileSync } from 'node:fs'

const systems = ['linux', 'darwin', 'win32', 'freebsd', 'android', 'openharmony']
const processors = {
  amd64: 'x64',
  x64: 'x64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
}

const file = new URL('../../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const added = completeLock(lock)
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
process.stdout.write(`${added.length} platform packages added to the lock\n`)

/** Adds an entry for each optional dependency that has none; gives the added places. */
function completeLock({ packages }) {
  const added = []
  for (const [place, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (resolves(packages, place, name)) continue
      const where = `node_modules/${name}`
      const platform = platformOf(name)
      if (platform === undefined)
        throw new Error(`${name}: the lock has no entry and its name no platform`)
      packages[where] = {
        version,
        ...platform,
        ...(entry.dev ? { dev: true } : {}),
        optional: true,
      }
      added.push(where)
    }
  }
  sortPackages(packages)
  return added
}

/** Whether a package installed at `place` finds `name` by Node's rule. */
function resolves(packages, place, name) {
  for (
    let base = place;
    ;
    base = base.slice(0, Math.max(0, base.lastIndexOf('node_modules/') - 1))
  ) {
    if (packages[`${base === '' ? '' : `${base}/`}node_modules/${name}`] !== undefined) return true
    if (base === '') return false
  }
}

function platformOf(name) {
  const words = name.split('/').at(-1).split('-')
  const os = words.find((word) => systems.includes(word))
  const cpu = words.find((word) => word in processors)
  if (os === undefined || cpu === undefined) return undefined
  return { cpu: [processors[cpu]], ...libcOf(words), os: [os] }
}

function libcOf(words) {
  if (words.some((word) => word.startsWith('musl'))) return { libc: ['musl'] }
  return words.some((word) => word.startsWith('gnu')) ? { libc: ['glibc'] } : {}
}

function sortPackages(packages) {
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  for (const place of Object.keys(packages)) delete packages[place]
  Object.assign(packages, Object.fromEntries(sorted))
}
