const BISECTIONS = 100

/**
 * Narrows the place where a test turns from true to false to neighbouring doubles, or nearly.
 *
 * @param inside - The test holds here.
 * @param outside - It does not hold here.
 * @returns The last point found where the test holds.
 */
export function boundary(holds: (x: number) => boolean, inside: number, outside: number): number {
  let [good, bad] = [inside, outside]
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = good + (bad - good) / 2
    if (middle === good || middle === bad) break
    if (holds(middle)) good = middle
    else bad = middle
  }
  return good
}
