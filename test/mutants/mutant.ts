/** A bug to plant: a piece of a file, what stands there instead, and the tests of which one must fail. */
export type Mutant = {
  /** The rule that the bug breaks. */
  rule: string
  file: string
  /** Stands in the file once. */
  was: string
  is: string
  tests: readonly string[]
}
