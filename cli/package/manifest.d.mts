/** Puts a manifest in the place of the project's own, which {@link restoreManifest} brings back. */
export function replaceManifest(root: string, manifest: object): void

/** Brings the project's manifest back after a packing, also after one that died; else does nothing. */
export function restoreManifest(root: string): void
