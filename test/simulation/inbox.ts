import { keccak256, stringToHex } from 'viem'
import type { ForcedInput } from '../../sequencer/core/bundles/forced.ts'
import { CONTRACT, inputOf, type Op } from '../fixtures/sequencer/chain-double.ts'
import type { Random } from '../fixtures/sequencer/random.ts'
import { CHAIN_IDS, type Process } from '../fixtures/sequencer/world.ts'

/** The settlement chain as the sequencer sees it: blocks, and an inbox of forced bundles. */
export type Inbox = {
  forced: ForcedInput[]
  /** A block passes, perhaps with something forced in it. */
  grow: () => void
  /** Tells a process what it does not know, perhaps too much, too little or twice. */
  tell: (process: Process) => void
  /** Tells everything. */
  tellAll: (process: Process) => void
}

/** Makes a settlement chain with an empty inbox. */
export function createInbox(random: Random): Inbox {
  const forced: ForcedInput[] = []
  let block = 10
  const report = (process: Process, inputs: readonly ForcedInput[], number: number) => {
    const hash = keccak256(stringToHex(`l1 ${number}`))
    process.engine.dispatch({ type: 'l1', origin: { number, hash }, forced: inputs })
  }
  const bundle = (): ForcedInput => {
    const count = random.below(4)
    return {
      index: forced.length,
      contentHash: keccak256(stringToHex(`forced ${forced.length}`)),
      l1Block: block,
      legs: Array.from({ length: count }, () => {
        const chainId = random.pick(CHAIN_IDS)
        const ops: Op[] = [{ do: 'add', value: 1 }]
        if (random.chance(0.3)) ops.push({ do: random.chance(0.5) ? 'fail' : 'look' })
        const to = CONTRACT.counter
        const input = inputOf(ops)
        return { chainId, input, gas: 200_000n, calls: [{ chainId, to, input }] }
      }),
    }
  }
  return {
    forced,
    grow: () => {
      block += 1 + random.below(5)
      while (random.chance(0.3)) forced.push(bundle())
    },
    tell: (process) => {
      const { forcedNext } = process.engine.state
      // From before what it knows up to a place that may leave a hole, or nothing at all.
      const from = Math.max(0, forcedNext - random.below(3) + (random.chance(0.1) ? 1 : 0))
      const inputs = forced.slice(from, from + 1 + random.below(4))
      const whole = from <= forcedNext && from + inputs.length >= forced.length
      report(process, inputs, whole ? block : (inputs.at(-1)?.l1Block ?? 1) - 1)
    },
    tellAll: (process) => report(process, forced, block),
  }
}
