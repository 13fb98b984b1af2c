import { defineConfig } from 'vitest/config'

// Benches measure built JavaScript: `npm run bench` builds into dist first.
export default defineConfig({
  test: {
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 600_000,
    benchmark: { include: ['dist/test/bench/**/*.bench.js'] },
  },
})
