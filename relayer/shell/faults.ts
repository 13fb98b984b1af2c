/** Places in the life of a delivery at which a test may stop the process. */
export type FaultName =
  | 'indexed'
  | 'prepared'
  | 'reserved'
  | 'signed'
  | 'persisted'
  | 'broadcast'
  | 'included'

/** Called at each place of {@link FaultName}; the product's own does nothing. */
export type Faultpoint = (name: FaultName) => void

/** What the product runs with. */
export const noFaults: Faultpoint = () => {}
