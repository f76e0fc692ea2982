/** Buildah, as root and as an ordinary user: Dockerfiles and single steps, each RUN by the runtime. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command } from '../support/requires.ts'
import type { Snapshot } from './support/leftovers.ts'
import { languages } from './support/page.ts'
import { baseline, canPodman, leftInPodman, makePodman, type Podman } from './support/podman.ts'

/** Several stages, users, directories, a failing command that is meant to fail, and what a later stage takes along. */
const DOCKERFILE = `FROM docker.io/library/busybox AS first
RUN id -u >/one && ! false && grep Seccomp: /proc/self/status >>/one
FROM docker.io/library/busybox
COPY --from=first /one /two
WORKDIR /work
COPY text .
ENV A=b
RUN pwd >here && mkdir -p /data && chown 33:33 /data && echo $A >>here
USER www-data
RUN id -un >/data/who && umask >>/data/who
CMD cat /two /work/text /work/here /data/who
`
const SAID = '0\nSeccomp:\t2\ncopied\n/work\nb\nwww-data\n0022'

describe.runIf(canPodman(command('buildah'))).each(['root', 'user'] as const)('Buildah of %s', (who) => {
  let podman: Podman
  let before: Snapshot
  let context: string

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest'], who)
    context = `${podman.host.directory}/context`
    mkdirSync(context)
    writeFileSync(`${context}/Dockerfile`, DOCKERFILE)
    writeFileSync(`${context}/text`, 'copied\n')
    chmodSync(context, 0o755)
    before = await baseline(podman)
  })
  afterAll(() => podman?.close())

  /** Builds from a Dockerfile with these lines; without any, from the one of the context. */
  const build = (lines: readonly string[], args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const file = `${podman.host.directory}/Dockerfile`
    writeFileSync(file, ['FROM docker.io/library/busybox', ...lines].join('\n'))
    return podman.exec('buildah', ['bud', '--no-cache', '--file', file, ...args, context], { timeout: 100_000, env })
  }
  const LOOK = ['RUN id -u; grep Seccomp: /proc/self/status']
  const SEEN = { code: 0, stdout: expect.stringContaining('\n0\nSeccomp:\t2\n') }
  const built = () => podman.run('run', '--rm', '--network', 'none', 'hello')

  test('the page’s commands: bud, and from, run and commit', async () => {
    expect(languages('buildah')).toEqual(['sh', 'sh', 'sh'])
    const [bud = '', steps = ''] = podman.page('buildah', 'sh')
    await podman.output('sh', ['-ec', bud], { cwd: context })
    expect(await built()).toBe(SAID)
    await podman.output('sh', ['-ec', steps])
    expect(await podman.run('run', '--rm', '--network', 'none', 'made', 'cat', '/made')).toBe('made with davit')
  })

  test('the runtime by a flag, by the environment, by containers.conf, and for podman build', async () => {
    const [, , environment = ''] = podman.page('buildah', 'sh')
    const path = environment.trim().split('=')[1] as string
    expect(await build(LOOK, ['--runtime', path])).toMatchObject(SEEN)
    expect(await build(LOOK, [], { BUILDAH_RUNTIME: path })).toMatchObject(SEEN)
    expect(await build(LOOK, [])).toMatchObject(SEEN)
    const args = ['build', '--no-cache', '--file', `${podman.host.directory}/Dockerfile`, context]
    expect(await podman.try(...args)).toMatchObject(SEEN)
    // That it is really what these ask for.
    expect((await build(LOOK, ['--runtime', '/bin/false'])).code).not.toBe(0)
    expect((await build(LOOK, [], { BUILDAH_RUNTIME: '/bin/false' })).code).not.toBe(0)
  })

  test('isolation: oci and rootless by the runtime, chroot without one', async () => {
    const network = who === 'user' ? ['--network', 'none'] : []
    expect(await build(LOOK, ['--isolation', 'oci', ...network])).toMatchObject(SEEN)
    if (who === 'user') expect(await build(LOOK, ['--isolation', 'rootless'])).toMatchObject(SEEN)
    expect((await build(LOOK, ['--isolation', 'chroot', '--runtime', '/bin/false'])).code).toBe(0)
  })

  test('a failing RUN is told with its exit code, and so is a program that is not there', async () => {
    const failed = await build(['RUN echo before; exit 7'], [])
    expect([failed.code, failed.stdout]).toEqual([7, expect.stringContaining('before')])
    const missing = await build(['RUN ["no-such-program"]'], [])
    expect(missing.code).not.toBe(0)
    expect(missing.stderr + missing.stdout).toContain('executable file not found in $PATH')
  })

  test('run: a terminal, a user, a mount, no network, the exit code; an image without the container’s changes', async () => {
    const container = await podman.output('buildah', ['from', 'docker.io/library/busybox'])
    const run = ['run', '--network', 'none', '--user', '12:34', '--volume', `${context}:/context:ro`, container]
    const script = 'id -u; cat /context/text; touch /context/x; ip -o link | wc -l; exit 9'
    const said = await podman.exec('buildah', [...run, 'sh', '-c', script])
    expect(said).toMatchObject({ code: 9, stdout: '12\ncopied\n1\n' })
    expect(said.stderr).toContain('Read-only file system')
    const terminal = podman.terminal(`buildah run --network none -t ${container} sh`)
    await terminal.until('/ # ')
    terminal.type('tty; stty size; exit 4\r')
    await terminal.until(/\/dev\/(pts\/0|console)\n37 91\n/)
    expect((await terminal.done).code).toBe(4)
    await podman.output('buildah', ['copy', '-q', container, `${context}/text`, '/copied'])
    await podman.output('buildah', ['config', '--cmd', 'cat /copied', container])
    await podman.output('buildah', ['commit', '-q', '--rm', container, 'hello'])
    expect(await built()).toBe('copied')
  })

  test('has left nothing', async () => {
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
