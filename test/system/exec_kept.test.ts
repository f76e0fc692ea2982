/** An `exec` like one before: what was kept of that is used, and changes nothing that anybody can see. */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart } from '../support/bundle.ts'
import { IS_REFERENCE } from '../support/place.ts'
import { engineProfile } from '../support/profiles.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const folder = ({ id }: Bundle) => `${stateRoot()}/${id}`
const keptFiles = (made: Bundle) => readdirSync(folder(made)).filter((name) => name.startsWith('exec.'))

/** The files that hold programs, not only the sum of what was executed once. */
function programs(made: Bundle): string[] {
  return keptFiles(made).filter((name) => readFileSync(`${folder(made)}/${name}`).length > 100)
}

async function running(change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    change(config)
  })
  await createStart(made)
  return made
}

describe.runIf(requires('root') && !IS_REFERENCE)('an exec like one before', () => {
  test('is what was kept from the second on', async () => {
    const made = await running()
    const say = () => must(['exec', made.id, '/bin/echo', 'one thing'])
    expect([await say(), programs(made)]).toEqual(['one thing\n', []])
    expect([await say(), programs(made).length]).toEqual(['one thing\n', 1])
    expect(await say()).toBe('one thing\n')
    // That it is used shows when it says something else.
    const path = `${folder(made)}/${programs(made)[0]}`
    const bytes = readFileSync(path)
    const at = bytes.lastIndexOf('one thing')
    expect(at).toBeGreaterThan(bytes.indexOf('\n'))
    bytes.write('another  ', at)
    writeFileSync(path, bytes)
    expect(await say()).toBe('another  \n')
    // Another process is another thing.
    expect(await must(['exec', '--user', '1', made.id, '/bin/echo', 'one thing'])).toBe('one thing\n')
    expect(await must(['exec', '--env', 'A=1', made.id, '/bin/echo', 'one thing'])).toBe('one thing\n')
  })

  test('is the same process to the kernel', async () => {
    const made = await running((config) => {
      config.process.user = { uid: 7, gid: 8, additionalGids: [9] }
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }]
    })
    const look = () =>
      must([
        'exec',
        made.id,
        '/bin/sh',
        '-c',
        'grep -v -e ctxt -e Tgid -e Vm -e Rss -e Pid -e NS -e PPid /proc/self/status; cat /proc/self/limits /proc/self/cgroup; env; ls -l /proc/self/fd; pwd',
      ])
    const looks = [await look(), await look(), await look(), await look()].map((text) =>
      text.replaceAll(/\d+ -> |\d\d:\d\d|\/proc\/\d+|socket:\[\d+\]/g, ''),
    )
    expect(programs(made)).toHaveLength(1)
    expect(looks).toEqual(looks.map(() => looks[0]))
    expect(looks[0]).toContain('Groups:\t9')
  })

  test('has a pid file and an exit code of its own', async () => {
    const made = await running()
    const codes: (number | null)[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      const pidFile = `${scratch()}/${name}`
      codes.push((await davit(['exec', '--pid-file', pidFile, made.id, '/bin/sh', '-c', 'exit 5'])).code)
      expect(Number(readFileSync(pidFile, 'utf8'))).toBeGreaterThan(1)
    }
    expect([codes, programs(made).length]).toEqual([[5, 5, 5, 5], 1])
    expect(new Set(['a', 'b', 'c', 'd'].map((name) => readFileSync(`${scratch()}/${name}`, 'utf8'))).size).toBe(4)
  })

  test('that now fails is told in the words of the first', async () => {
    const made = await running()
    writeFileSync(`${made.rootfs}/bin/mine`, '#!/bin/sh\necho mine\n', { mode: 0o755 })
    for (let i = 0; i < 3; i++) expect(await must(['exec', made.id, '/bin/mine'])).toBe('mine\n')
    expect(programs(made)).toHaveLength(1)
    renameSync(`${made.rootfs}/bin/mine`, `${made.rootfs}/bin/other`)
    const pidFile = `${scratch()}/pid`
    const { code, stdout, stderr } = await davit(['exec', '--pid-file', pidFile, made.id, '/bin/mine'])
    const words =
      'davit: exec failed: unable to start container process: exec: "/bin/mine": stat /bin/mine: no such file or directory\n'
    expect([code, stdout, stderr]).toEqual([255, '', words])
    expect(readdirSync(scratch())).not.toContain('pid')
    expect((await state(made.id)).status).toBe('running')
  })

  test('has not left what was executed once', async () => {
    const made = await running()
    await must(['exec', '--env', 'PASSWORD=hidden-word', made.id, '/bin/echo', 'hidden-argument'])
    expect(keptFiles(made)).toHaveLength(1)
    const all = readdirSync(folder(made)).filter((name) => name !== 'start.sock')
    for (const name of all) expect(readFileSync(`${folder(made)}/${name}`, 'latin1')).not.toContain('hidden')
  })

  test('goes through what is no kept exec', async () => {
    const made = await running()
    const say = () => must(['exec', made.id, '/bin/echo', 'here'])
    for (let i = 0; i < 2; i++) await say()
    const path = `${folder(made)}/${programs(made)[0]}`
    const whole = readFileSync(path)
    const spoilt = [Buffer.alloc(0), whole.subarray(0, whole.length - 1), whole.subarray(0, 300), Buffer.from('\n\n')]
    for (const bytes of [...spoilt, Buffer.from('{}\n{}\n0123456789abcdef'), Buffer.alloc(9000, 10)]) {
      writeFileSync(path, bytes)
      expect(await say()).toBe('here\n')
    }
  })
})

describe.runIf(requires('root') && !IS_REFERENCE)('an exec like one before, under a filter', () => {
  test('is filtered as the first', async () => {
    const made = await running((config) => {
      Object.assign(config.linux, { seccomp: engineProfile() })
    })
    const looks: string[] = []
    for (let i = 0; i < 4; i++)
      looks.push((await davit(['exec', made.id, '/bin/sh', '-c', 'grep Seccomp: /proc/self/status'])).stdout)
    expect([looks, programs(made).length]).toEqual([looks.map(() => 'Seccomp:\t2\n'), 1])
  })
})
