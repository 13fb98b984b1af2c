import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The project's manifest while a packing has put the lean one in its place. */
function savedFile(root) {
  return join(root, '.build', 'package.json.saved')
}

/** Puts a manifest in the place of the project's own, which {@link restoreManifest} brings back. */
export function replaceManifest(root, manifest) {
  const saved = savedFile(root)
  mkdirSync(dirname(saved), { recursive: true })
  // Whole or not at all: a process that dies here leaves the project's manifest in its place.
  writeFileSync(`${saved}.new`, readFileSync(join(root, 'package.json')))
  renameSync(`${saved}.new`, saved)
  const place = join(root, 'package.json')
  writeFileSync(`${place}.new`, `${JSON.stringify(manifest, null, 2)}\n`)
  renameSync(`${place}.new`, place)
}

/** Brings the project's manifest back after a packing, also after one that died; else does nothing. */
export function restoreManifest(root) {
  const saved = savedFile(root)
  if (!existsSync(saved)) return
  const place = join(root, 'package.json')
  // Only a lean manifest is replaced: a saved copy beside the project's own is left over.
  if (JSON.parse(readFileSync(place, 'utf8')).devDependencies === undefined)
    renameSync(saved, place)
  else rmSync(saved)
}
