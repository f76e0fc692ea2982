/** What is run in the guest: commands for its shell, in the checkout. */
import { readdirSync } from 'node:fs'
import type { GuestOptions } from './guest.ts'
import { CHECKOUT } from './host.ts'

const VITEST = 'node node_modules/vitest/vitest.mjs run --config test/vitest.config.ts --project'
/** guest/job takes results.json. */
const reports = (name: string) => `--reporter=default --reporter=json --outputFile.json=build/test/${name}.json`
const CONFORMANCE = 'node_modules/bun/bin/bun.exe conformance/run.ts --runtime build/davit'

/** What a guest has nothing for, with the reason. No kernel and no process 1 makes a difference to these. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  package: 'needs a compiler, dpkg-deb, man and lintian: builds and installs packages',
  readme: 'needs make and a compiler: runs the commands of the README',
  completion: 'needs zsh and fish: completes command lines',
  terminal_load: 'measures time',
  engine_words_podman: 'needs Podman and conmon',
  fuzz: 'needs make and a compiler: builds the executor with sanitizers',
  security_guards: 'is about tests: runs some of them on a davit without its guards',
}

/** What fills the machine, or looks at all of it. */
const BY_THEMSELVES = ['cycles', 'fork_bomb', 'load', 'full_disk']

/** What cgroups, who makes them, the kernel or checkpoints have a part in: in every guest. Beginnings of names. */
const EVERYWHERE = [
  ...[
    'cgroup',
    'checkpoint',
    'cycles',
    'device',
    'differential_v2',
    'events',
    'exec_cgroup',
    'fork_bomb',
    'full_system',
  ],
  // Layers with long names are for Linux 6.13 and later.
  'mounts_overlay',
  ...['hello', 'kill', 'oom', 'pause', 'ps.', 'rootless', 'systemd', 'update', 'userns'],
  // Davit's own cases, and that those of systemd, checkpoints and v2 can fail. What others do with them one guest shows.
  ...['conformance.', 'conformance_faulty'],
]

/** What cgroups, and who makes them, have a part in: the tests that CI has the time for, by process 1. */
const CORE = {
  fast: ['checkpoint.', 'cgroups', 'cgroup_limits', 'cgroup_owner', 'cgroup_fields', 'hello', 'pause', 'update', 'ps.'],
  systemd: ['systemd', 'cgroup_owner', 'cgroup_limits', 'hello'],
} as const

/**
 * What the suite says about classes of resctrl, where that is mounted and monitors: davit and the peers fail no case, and
 * each case is failed for a fault.
 */
export const RESCTRL_TESTS = [
  'mount -t resctrl resctrl /sys/fs/resctrl && ls -d /sys/fs/resctrl/mon_groups && mkdir -p build/test &&',
  'build/davit-conformance --runtime build/davit --runtime /usr/sbin/runc --runtime /usr/bin/crun',
  '--group intel-rdt --format json >build/test/results.json &&',
  `${VITEST} system test/system/conformance_faulty.test.ts -t 'classes of resctrl'`,
].join(' ')

/** Each name is the beginning of a file's. */
export function systemTests(names: readonly string[]): string {
  const files = names.map((name) => `test/system/${name}`)
  const excluded = Object.keys(ELSEWHERE).map((name) => `--exclude 'test/system/${name}.test.ts'`)
  // Their devices and file systems are there only with them.
  return ['modprobe -a fuse nfsd nfs;', `${VITEST} system`, reports('results'), ...excluded, ...files].join(' ')
}

/** What SELinux has a part in, and the whole of a container's life where it is in force. */
export const SELINUX_TESTS = systemTests(['selinux', 'labels', 'features', 'lifecycle', 'exec.', 'mounts_default'])

/** The selection, and davit's conformance where process 1 is no systemd. */
export const CORE_TESTS = `if [ -d /run/systemd/system ]; then
  ${systemTests(CORE.systemd)}
else
  ${systemTests(CORE.fast)} && ${CONFORMANCE}
fi`

/**
 * Tests of engines that want no image of a whole Debian and no network beyond the machine.
 */
const ENGINES = [
  ...['docker_basic', 'docker_exit', 'docker_isolation', 'docker_limits', 'docker_systemd'],
  ...['containerd_', 'cri_systemd'],
  ...['podman_basic', 'podman_isolation', 'podman_limits', 'podman_pods', 'podman_rootless', 'podman_systemd'],
  ...['podman_session', 'podman_checkpoint', 'buildah'],
]

/** Each name is the beginning of a file's. */
export function engineTests(names: readonly string[] = ENGINES): string {
  const files = names.map((name) => `test/engine/${name}`)
  // Their devices are there only with them.
  return ['modprobe -a tun fuse;', `${VITEST} engine`, reports('results'), ...files].join(' ')
}

/** The same for many files: two at a time, and then those that want to be alone. */
function manyTests(names: readonly string[]): string {
  const excluded = BY_THEMSELVES.map((name) => `--exclude 'test/system/${name}.test.ts'`)
  const together = [systemTests(names), '--fileParallelism --maxWorkers=2', ...excluded].join(' ')
  const alone = BY_THEMSELVES.filter(
    (name) => names.length === 0 || names.some((begin) => `${name}.`.startsWith(begin)),
  )
  const last = [
    `${VITEST} system`,
    reports('results-alone'),
    ...alone.map((name) => `test/system/${name}.test.ts`),
  ].join(' ')
  // Another line of the results.
  const both = '{ echo; cat build/test/results-alone.json; } >>build/test/results.json'
  return alone.length === 0
    ? together
    : `failed=0; ${together} || failed=1; ${last} || failed=1; ${both}; (exit $failed)`
}

/** All that the guests are fit for, in each of them. */
export const ALL_TESTS = manyTests([])

/**
 * What is for every guest, and of the rest each file in one of them, as a guest takes an hour and more for all: the guest
 * looks which one it is.
 */
export function shares(guests: readonly Pick<GuestOptions, 'init' | 'kernel'>[]): string {
  const files = readdirSync(`${CHECKOUT}/test/system`)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
  const rest = files.filter((file) => !EVERYWHERE.some((name) => file.startsWith(name)))
  const own = rest.filter((file) => ELSEWHERE[file.replace(/\.test\.ts$/, '')] === undefined)
  const branches = guests.map(({ init, kernel }, index) => {
    const share = own.filter((_, at) => at % guests.length === index)
    return `  ${init}-${kernel}.*) ${manyTests([...EVERYWHERE, ...share.map((file) => file.replace(/test\.ts$/, ''))])} ;;`
  })
  const init = 'init=fast; [ ! -d /run/systemd/system ] || init=systemd'
  return [init, 'case $init-$(uname -r) in', ...branches, '  *) exit 1 ;;', 'esac'].join('\n')
}
