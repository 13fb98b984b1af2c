/** Seeds that failed once: each stays a test. */
export const FAILED_SEEDS: readonly string[] = []
