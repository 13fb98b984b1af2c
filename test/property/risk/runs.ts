/** How often a property is tried: `FC_NUM_RUNS`, else the number that suits the property. */
export function runs(usual: number): { numRuns: number } {
  const asked = Number(process.env['FC_NUM_RUNS'])
  return { numRuns: Number.isInteger(asked) && asked > 0 ? asked : usual }
}
