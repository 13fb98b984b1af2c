import { defineConfig } from 'vitest/config'

const seconds = 1_000

/** One project of the suite: a folder under `test/` and the time one test in it may take. */
function project(name: string, testTimeoutMs: number, extra: Record<string, unknown> = {}) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      environment: 'node',
      pool: 'forks',
      setupFiles: ['test/seed.ts'],
      testTimeout: testTimeoutMs,
      hookTimeout: Math.max(testTimeoutMs, 30 * seconds),
      ...extra,
    },
  }
}

export default defineConfig({
  test: {
    passWithNoTests: true,
    globalSetup: 'test/temporary-folder.ts',
    projects: [
      project('unit', 10 * seconds),
      project('property', 60 * seconds),
      project('simulation', 120 * seconds),
      project('structure', 120 * seconds),
      project('integration', 240 * seconds, { fileParallelism: false }),
      // Not part of `npm test`: `npm run test:faults`.
      project('faults', 240 * seconds, { fileParallelism: false }),
    ],
  },
})
