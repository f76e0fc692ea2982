/** What is run in the guest: commands for its shell, in the checkout. */

const VITEST = 'node node_modules/vitest/vitest.mjs run --config test/vitest.config.ts --project'
const REPORTS = '--reporter=default --reporter=json --outputFile.json=build/test/results.json'

/**
 * What a guest has nothing for: packaging and its tools, the engines, what measures, what another program completes.
 */
const ELSEWHERE = ['package', 'readme', 'terminal_load', 'completion', 'engine_words_podman']

/** What cgroups, and who makes them, have a part in: the tests that CI has the time for, by process 1. */
const CORE = {
  fast: ['checkpoint.', 'cgroups', 'cgroup_limits', 'cgroup_owner', 'cgroup_fields', 'hello', 'pause', 'update', 'ps.'],
  systemd: ['systemd', 'cgroup_owner', 'cgroup_limits', 'hello'],
} as const

/** Each name is the beginning of a file's. */
export function systemTests(names: readonly string[]): string {
  const files = names.map((name) => `test/system/${name}`)
  const excluded = ELSEWHERE.map((name) => `--exclude 'test/system/${name}.test.ts'`)
  return [`${VITEST} system`, REPORTS, ...excluded, ...files].join(' ')
}

/** Everything that a guest is fit for, the conformance cases with it. */
export const ALL = systemTests([])

/** The selection, and davit's conformance where process 1 is no systemd. */
export const CORE_TESTS = `if [ -d /run/systemd/system ]; then
  ${systemTests(CORE.systemd)}
else
  ${systemTests(CORE.fast)} && node_modules/bun/bin/bun.exe conformance/run.ts --runtime build/davit
fi`

/**
 * Tests of engines that want no image of a whole Debian and no network beyond the machine.
 */
const ENGINES = ['docker_limits', 'podman_limits']

/** Each name is the beginning of a file's. */
export function engineTests(names: readonly string[] = ENGINES): string {
  const files = names.map((name) => `test/engine/${name}`)
  // Their devices are there only with them.
  return ['modprobe -a tun fuse;', `${VITEST} engine`, REPORTS, ...files].join(' ')
}
