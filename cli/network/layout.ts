import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where a local network keeps its files. All paths are absolute. */
export type Layout = {
  root: string
  /** The public description that every program reads. */
  networkFile: string
  /** `<chain id>.json`: what each chain's node starts from. */
  genesis: string
  logs: string
  /** Readable by the owner only. */
  private: string
  /** Every process that was spawned, by whom ever. */
  pidFile: string
  redis: string
  /** `<chain id>.json`: last durable state of each chain that mines its own blocks. */
  chains: string
  sequencer: string
  relayer: string
  validators: string
  publisher: string
}

/** Gives the layout of a network below a directory. */
export function layoutOf(directory: string): Layout {
  const root = resolve(directory)
  const at = (name: string) => join(root, name)
  return {
    root,
    networkFile: at('network.json'),
    genesis: at('genesis'),
    logs: at('logs'),
    private: at('private'),
    pidFile: join(at('private'), 'pids.json'),
    redis: at('redis'),
    chains: at('chains'),
    sequencer: at('sequencer'),
    relayer: at('relayer'),
    validators: at('validators'),
    publisher: at('publisher'),
  }
}

/** Makes the directories of a network; what is there stays. */
export function createDirectories(layout: Layout): void {
  const open = [layout.root, layout.genesis, layout.logs]
  for (const directory of open) mkdirSync(directory, { recursive: true })
  const closed = [
    layout.private,
    layout.redis,
    layout.chains,
    layout.sequencer,
    layout.relayer,
    layout.validators,
    layout.publisher,
  ]
  for (const directory of closed) mkdirSync(directory, { recursive: true, mode: 0o700 })
}

/**
 * Removes everything that a network wrote, and nothing else that may be in its directory.
 *
 * The description goes first: a wipe that is cut short leaves no network that could be resumed.
 */
export function wipe(layout: Layout): void {
  const { root: _root, private: closed, pidFile, networkFile, ...parts } = layout
  rmSync(networkFile, { force: true })
  const kept = readdirIfThere(closed).map((name) => join(closed, name))
  const paths = [join(layout.root, 'market.json'), ...Object.values(parts), ...kept]
  for (const path of paths) {
    if (path !== pidFile) rmSync(path, { recursive: true, force: true })
  }
}

function readdirIfThere(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : []
}
