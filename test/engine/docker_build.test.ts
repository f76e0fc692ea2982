/** Docker: images built of a Dockerfile, by the classic builder and by BuildKit, which finds the runtime by itself. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { until } from '../support/wait.ts'
import type { Docker } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'
import { untilAnswer } from './support/http.ts'

const FLASK = repositoryPath('test/engine/apps/flask')

/** BuildKit's parent cgroup is made by its first step and stays. */
async function firstStep(docker: Docker): Promise<void> {
  mkdirSync(`${docker.host.directory}/first`)
  writeFileSync(`${docker.host.directory}/first/Dockerfile`, 'FROM busybox\nRUN true\n')
  await docker.exec(['build', `${docker.host.directory}/first`], { env: { DOCKER_BUILDKIT: '1' } })
}

dockerSuite('docker build', { images: ['python:3.11-slim'], prepare: firstStep }, (docker) => {
  const build = (kit: boolean, name: string, folder: string, ...flags: readonly string[]) =>
    docker.exec(['build', ...(kit ? ['--progress', 'plain'] : []), '-t', name, ...flags, folder], {
      env: { DOCKER_BUILDKIT: kit ? '1' : '0' },
    })

  /** A folder with this Dockerfile. */
  const folderOf = (name: string, lines: readonly string[]) => {
    const folder = `${docker.host.directory}/${name}`
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/Dockerfile`, `${lines.join('\n')}\n`)
    return folder
  }

  describe.each([
    ['the classic builder', false],
    ['BuildKit', true],
  ])('%s', (_, kit) => {
    const tag = kit ? 'kit' : 'classic'

    test('the Flask application is built, and answers on a published port', async () => {
      const { code, stdout, stderr } = await build(kit, `flask-${tag}`, FLASK)
      expect({ code, said: `${stdout}${stderr}` }).toMatchObject({
        code: 0,
        said: /Requirement already satisfied: flask/,
      })
      await docker.run('run', '-d', '--name', tag, '-p', '5000:5000', `flask-${tag}`)
      await untilAnswer(docker.host, 'http://127.0.0.1:5000/', 'Hello from Docker!')
      expect(await docker.run('exec', tag, 'cat', '/app/requirements.txt')).toBe('flask')
      expect(
        await docker.run('image', 'inspect', '-f', '{{.Config.ExposedPorts}} {{.Config.WorkingDir}}', `flask-${tag}`),
      ).toBe('map[5000/tcp:{}] /app')
    })

    test('what RUN does is in the image; a failing RUN fails with its exit code', async () => {
      const lines = [
        'FROM busybox',
        'RUN echo someone:x:1234:1234::/:/bin/sh >>/etc/passwd && echo made >/file',
        'USER someone',
        'RUN id -u >/tmp/id',
      ]
      expect((await build(kit, `made-${tag}`, folderOf(`made-${tag}`, lines))).code).toBe(0)
      expect(await docker.run('run', '--rm', `made-${tag}`, 'cat', '/file', '/tmp/id')).toBe('made\n1234')
      const failed = await build(kit, `bad-${tag}`, folderOf(`bad-${tag}`, ['FROM busybox', 'RUN echo no; exit 77']))
      expect(failed.code).not.toBe(0)
      expect(failed.stderr).toMatch(/exit code: 77|returned a non-zero code: 77/)
    })

    test('a step runs below the runtime under test, filtered by seccomp', async () => {
      const marker = kit ? '4243' : '4244'
      const lines = ['FROM busybox', `RUN grep Seccomp: /proc/self/status && sleep ${marker}`]
      const running = docker.start(['build', ...(kit ? ['--progress', 'plain'] : []), folderOf(`slow-${tag}`, lines)], {
        env: { DOCKER_BUILDKIT: kit ? '1' : '0' },
      })
      const find = async () => (await docker.host.exec('pgrep', ['-x', '-f', `sleep ${marker}`])).stdout.trim()
      const pid = await until('the step', find, 20_000)
      const said = () => running.stdout() + running.stderr()
      await until('its output', () => /Seccomp:\t2/.test(said()))
      const parentOf = (of: string) => /^PPid:\t(\d+)$/m.exec(docker.host.read(`/proc/${of}/status`))?.[1] ?? ''
      if (kit) {
        // BuildKit runs `runc run` in the foreground: the step is its child.
        const exe = await docker.host.output('readlink', [`/proc/${parentOf(pid)}/exe`])
        expect(exe.startsWith(`${dirname(RUNTIME)}/`), exe).toBe(true)
      }
      await docker.host.output('kill', ['-9', pid])
      expect((await running.done).code).not.toBe(0)
    })
  })

  test('the steps of several stages, arguments and the cache', async () => {
    const lines = [
      'ARG BASE=busybox',
      'FROM $BASE AS first',
      'ARG WHO=nobody',
      'RUN echo "hello $WHO" >/out',
      'FROM busybox',
    ]
    const folder = folderOf('stages', [...lines, 'COPY --from=first /out /in', 'CMD ["cat", "/in"]'])
    expect((await build(true, 'stages', folder, '--build-arg', 'WHO=you')).code).toBe(0)
    expect(await docker.run('run', '--rm', 'stages')).toBe('hello you')
    const again = await build(true, 'stages', folder, '--build-arg', 'WHO=you')
    expect(again.stderr).toMatch(/CACHED/)
  })
})
