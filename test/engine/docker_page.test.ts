/** What docs/engines/docker.md tells people to write and to type, done in its order. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { until } from '../support/wait.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'
import { type Host, makeHost } from './support/host.ts'

const PAGE = readFileSync(repositoryPath('docs/engines/docker.md'), 'utf8')
const blocks = (kind: string) =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text as string)

const [beside = '', instead = ''] = blocks('json')
const [single = '', asDefault = '', link = ''] = blocks('sh')
const [unit = ''] = blocks('ini')

/** The page's places, moved to where this test may write; davit is where it was built. */
const here = (text: string, { directory }: Host) =>
  text.replaceAll('/usr/local/bin/davit', RUNTIME).replaceAll('/usr/local/lib', `${directory}/lib`)

const configure = (text: string, host: Host) => writeFileSync(`${host.directory}/daemon.json`, here(text, host))

async function asOnThePage() {
  const host = await makeHost()
  configure(beside, host)
  mkdirSync(`${host.directory}/lib`)
  const [, path = ''] = /^Environment=PATH=(.*)$/m.exec(here(unit, host)) ?? []
  expect(path.split(':')[0]).toBe(`${host.directory}/lib/davit`)
  const runtime = ['--config-file', `${host.directory}/daemon.json`]
  return {
    host,
    runtime,
    env: { PATH: path },
    mayBeLeft: [/^(process|fd of) .*(dockerd|containerd)/, /\/docker(\/buildkit)?$/],
  }
}

dockerSuite('docs/engines/docker.md', { setUp: asOnThePage }, (docker) => {
  const shell = async (text: string) => {
    const said = await docker.host.output('sh', ['-euc', here(text, docker.host)], { env: docker.env })
    return said.trimEnd().split('\n')
  }

  test('has the blocks that are done here, those of docker_systemd.test.ts, and no other', () => {
    expect([blocks('json').length, blocks('sh').length, blocks('ini').length]).toEqual([3, 4, 1])
    expect([blocks('json')[2], blocks('sh')[3]]).toEqual([
      expect.stringContaining('systemd'),
      expect.stringContaining('systemctl'),
    ])
    expect(PAGE.match(/^```/gm)).toHaveLength(2 * 8)
  })

  test('beside runc: a container that asks for davit', async () => {
    expect(await docker.run('info', '--format', '{{.DefaultRuntime}}')).toBe('runc')
    expect((await shell(single)).slice(1)).toEqual(['hello', 'davit'])
  })

  test('instead of runc: it is the default, and containers outlive the daemon', async () => {
    configure(instead, docker.host)
    await docker.stop()
    await docker.again()
    expect(await shell(asDefault)).toEqual(['davit', 'hello'])
    await docker.run('run', '-d', '--name', 'lasting', 'busybox', 'sleep', '1000')
    const { Pid } = (await inspect(docker, 'lasting')).State
    await docker.stop()
    expect(docker.host.read(`/proc/${Pid}/comm`)).toBe('sleep\n')
    await docker.again()
    expect((await inspect(docker, 'lasting')).State).toMatchObject({ Pid, Running: true })
  })

  test('BuildKit runs the link', async () => {
    await shell(link)
    const folder = `${docker.host.directory}/slow`
    mkdirSync(folder)
    writeFileSync(`${folder}/Dockerfile`, 'FROM busybox\nRUN sleep 4245\n')
    const building = docker.start(['build', folder], { env: { DOCKER_BUILDKIT: '1' } })
    const step = await until('the step', async () =>
      (await docker.host.exec('pgrep', ['-x', '-f', 'sleep 4245'])).stdout.trim(),
    )
    const [, parent = ''] = /^PPid:\t(\d+)$/m.exec(docker.host.read(`/proc/${step}/status`)) ?? []
    expect(docker.host.read(`/proc/${parent}/cmdline`).split('\0')[0]).toMatch(/(^|\/)runc$/)
    const exe = (await docker.host.output('readlink', [`/proc/${parent}/exe`])).trim()
    expect(exe.startsWith(`${dirname(RUNTIME)}/`), exe).toBe(true)
    expect(exe).not.toBe('/usr/sbin/dockerd')
    await docker.host.output('kill', ['-9', step])
    expect((await building.done).code).not.toBe(0)
  })
})
