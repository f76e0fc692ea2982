import { defineConfig } from 'vitest/config'

/** Three projects: unit (no root), native (the C executor alone), system (the built executable on real containers). */
export default defineConfig({
  test: {
    projects: ['unit', 'native', 'system'].map((name) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: name === 'unit' ? 10_000 : 60_000,
        ...(name === 'system' ? { pool: 'forks' as const, fileParallelism: false } : {}),
      },
    })),
  },
})
