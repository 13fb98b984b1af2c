import type { Hash } from '../../../../sdk/protocol/hex.ts'
import type { Draft, Lie } from '../../../fixtures/follow/liar.ts'
import { CHAIN_IDS } from '../../../fixtures/sequencer/world.ts'

export const [, alpha, beta] = CHAIN_IDS
/** Any hash but the right one. */
export const other: Hash = `0x${'e'.repeat(64)}`

/** Slots of the log by what stands in them, from 1. */
export const at = {
  plain: 2,
  message: 3,
  guarded: 4,
  marks: 5,
  risk: 6,
  crowd: 8,
  forced: 9,
  voided: 10,
  after: 11,
} as const
export type Name = keyof typeof at
export type Entry = Draft['entries'][number]
export type Leg = Draft['chains'][number]['legs'][number]

export const draftAt = (drafts: Draft[], name: Name) => drafts[at[name] - 1]!
export const legsOn = (draft: Draft, chainId: number) =>
  draft.chains.find((chain) => chain.chainId === chainId)!.legs

/** Lies about a header, also where it is computed from the rest. */
export const header =
  (name: Name, change: (header: Draft['header']) => void) => (drafts: Draft[]) => {
    change(draftAt(drafts, name).header)
    return (draft: Draft) => {
      if (draft.header.height === at[name]) change(draft.header)
    }
  }
export const entry = (name: Name, i: number, change: (entry: Entry) => void) => (drafts: Draft[]) =>
  change(draftAt(drafts, name).entries[i]!)
export const leg = (name: Name, chainId: number, i: number, change: (leg: Leg) => void) => {
  return (drafts: Draft[]) => change(legsOn(draftAt(drafts, name), chainId)[i]!)
}
export const env = (change: (env: Draft['chains'][number]['env']) => void) => (drafts: Draft[]) =>
  change(draftAt(drafts, 'guarded').chains[0]!.env)

export type Place = { slot: number; entry?: number; chainId?: number; leg?: number }
export type Case = [string, Lie, Place, RegExp]
