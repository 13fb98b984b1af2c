/** Parts of the relayer's work that a process may take on; each may run any number of times. */
export const RELAYER_ROLES = ['indexer', 'submitter', 'confirmer', 'janitor', 'api'] as const

/** One part of the relayer's work. */
export type RelayerRole = (typeof RELAYER_ROLES)[number]

/**
 * Reads a list of roles as `--roles` takes it.
 *
 * @returns the word that is no role, when there is one.
 */
export function parseRoles(
  text: string,
): { status: 'ok'; roles: ReadonlySet<RelayerRole> } | { status: 'unknown'; word: string } {
  const words = text.split(',').map((word) => word.trim())
  const unknown = words.find((word) => !(RELAYER_ROLES as readonly string[]).includes(word))
  if (unknown !== undefined) return { status: 'unknown', word: unknown }
  return { status: 'ok', roles: new Set(words as RelayerRole[]) }
}
