/** Places in the life of a slot at which a test may stop the process. */
export type FaultPlace =
  /** The slot is in the log for good, and nobody was answered. */
  | { name: 'durable'; superblock: number; bundles: number }
  /** One rollup's block is mined and compared; others of the superblock may not be. */
  | { name: 'sealed'; superblock: number; chainId: number }
  /** One rollup's block is its node's head; others of the superblock may not be. */
  | { name: 'published'; superblock: number; chainId: number }

/** Called at each {@link FaultPlace}; the product's own does nothing. */
export type Faultpoint = (place: FaultPlace) => void

/** What the product runs with. */
export const noFaults: Faultpoint = () => {}
