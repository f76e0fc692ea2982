import { defineConfig } from 'vitest/config'
import { patience } from './support/pace.ts'

/**
 * Four projects: unit (no root), native (the C executor alone), system (the built executable on real containers), engine
 * (Docker, containerd, Podman and Buildah on it), which comes last and alone, as it wants the machine for itself.
 */
const LIMITS: Readonly<Record<string, { testTimeout: number; hookTimeout?: number }>> = {
  unit: { testTimeout: 60_000 },
  native: { testTimeout: 60_000 },
  system: { testTimeout: 60_000 },
  engine: { testTimeout: 120_000, hookTimeout: 300_000 },
}

export default defineConfig({
  test: {
    projects: Object.entries(LIMITS).map(([name, limits]) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: patience(limits.testTimeout),
        hookTimeout: patience(limits.hookTimeout ?? 10_000),
        // Where only messages are seen, what differs is seen, too: not "an array of two".
        chaiConfig: { truncateThreshold: 600 },
        ...(name === 'system' || name === 'engine' ? { pool: 'forks' as const, fileParallelism: false } : {}),
        sequence: { groupOrder: name === 'engine' ? 1 : 0 },
      },
    })),
  },
})
