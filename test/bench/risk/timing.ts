/** Best time of several runs, in milliseconds: what the code takes while nothing else runs. */
export function bestMs(runs: number, run: () => void): number {
  let best = Infinity
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    run()
    best = Math.min(best, performance.now() - start)
  }
  return best
}

/** Runs until the engine has compiled what it will compile: for so many milliseconds. */
export function warmUp(ms: number, run: () => void): void {
  const start = performance.now()
  while (performance.now() - start < ms) run()
}
