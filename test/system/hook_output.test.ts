/** What hooks print: into the log, or to the files that annotations name. */
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create, run } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { davit, must, untilStatus } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const

/** A bundle whose hooks of these kinds say what they are on both streams. */
async function speaking(
  kinds: readonly string[] = KINDS,
  change: (config: Config) => void = () => {},
): Promise<Bundle> {
  return bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    const hook = (kind: string) => ({ path: '/bin/sh', args: ['sh', '-c', `echo ${kind}; echo ${kind} >&2`] })
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [hook(kind)]]))
    change(config)
  })
}

/** Creates, starts and deletes; the messages of the logs, by verb. */
async function lived(made: Bundle): Promise<Record<string, string[]>> {
  const log = (verb: string) => `${scratch()}/${verb}.log`
  const flags = (verb: string) => ['--log', log(verb), '--log-format', 'json']
  await create(made, { global: flags('create') })
  await must([...flags('start'), 'start', made.id])
  await must([...flags('delete'), 'delete', '--force', made.id])
  const messages = (verb: string) => {
    const text = existsSync(log(verb)) ? readFileSync(log(verb), 'utf8').trim() : ''
    return text === '' ? [] : text.split('\n').map((line) => `${JSON.parse(line).level} ${JSON.parse(line).msg}`)
  }
  return { create: messages('create'), start: messages('start'), delete: messages('delete') }
}

const named = (made: Bundle, files: Readonly<Record<string, string>>) =>
  made.configure((config) => {
    config.annotations = Object.fromEntries(Object.entries(files).map(([key, path]) => [`run.oci.hooks.${key}`, path]))
  })

describe.runIf(requires('root'))('what hooks print', () => {
  test('is in the log of the verb that ran them', async () => {
    const made = await speaking()
    const said = (kind: string) => `info run ${kind} hook #0 "/bin/sh", output: ${kind}; ${kind}`
    expect(await lived(made)).toEqual({
      create: [
        said('prestart'),
        said('createRuntime'),
        'info createContainer hooks, output: createContainer; createContainer',
      ],
      start: ['info startContainer hooks, output: startContainer; startContainer', said('poststart')],
      delete: [said('poststop')],
    })
  })

  test('is in the log of run, under a filter, too', async () => {
    const made = await speaking(['createContainer', 'startContainer'], (config) => {
      config.process.args = ['/bin/echo', 'ran']
      Object.assign(config.linux, { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] } })
    })
    expect(await run(made)).toMatchObject({
      code: 0,
      stdout: 'ran\n',
      stderr:
        'davit: info: createContainer hooks, output: createContainer; createContainer\n' +
        'davit: info: startContainer hooks, output: startContainer; startContainer\n',
    })
  })

  test('of a hook that fails is told without what others have said, at its end at the most', async () => {
    const made = await bundle((config) => {
      const hook = (script: string) => [{ path: '/bin/sh', args: ['sh', '-c', script] }]
      config.process.args = ['/bin/true']
      config.hooks = {
        createContainer: hook('echo before'),
        startContainer: hook('i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 1'),
      }
    })
    await create(made)
    const { code, stderr } = await davit(['start', made.id])
    expect(code).toBe(1)
    expect(stderr).toMatch(/from \/hooks\/startContainer\/0: exit status 1, output: \.\.\..*line 2998; line 2999\n$/)
    expect(stderr.length).toBeLessThan(1500)
    expect(stderr).not.toContain('before')
  })

  test('goes to the files of the annotations, at their end', async () => {
    const made = await speaking()
    const err = `${made.path}/err`
    writeFileSync(err, 'was there\n')
    named(made, { stdout: 'out', stderr: err })
    expect(await lived(made)).toEqual({ create: [], start: [], delete: [] })
    const all = KINDS.map((kind) => `${kind}\n`).join('')
    expect(readFileSync(`${made.path}/out`, 'utf8')).toBe(all)
    expect(readFileSync(err, 'utf8')).toBe(`was there\n${all}`)
    expect(statSync(`${made.path}/out`).mode & 0o7777).toBe(0o600)
  })

  test.each(KINDS)('goes to one file, and the other stream of a %s hook to the log', async (kind) => {
    const made = await speaking([kind])
    named(made, { stderr: `${made.path}/err` })
    const logged = Object.values(await lived(made)).flat()
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatch(new RegExp(`, output: ${kind}$`))
    expect(readFileSync(`${made.path}/err`, 'utf8')).toBe(`${kind}\n`)
  })

  test('is refused a place that is no file, before anything is made', async () => {
    const made = await speaking()
    const place = 'hook output, from /annotations/run.oci.hooks.stdout: open'
    const said = async (path: string) => {
      named(made, { stdout: path })
      return refused(made, { verb: 'create' })
    }
    const victim = `${made.path}/victim`
    writeFileSync(victim, '')
    symlinkSync(victim, `${made.path}/link`)
    mkdirSync(`${made.path}/directory`)
    await output('mkfifo', [`${made.path}/fifo`])
    expect(await said('link')).toBe(`${place} "${made.path}/link": too many levels of symbolic links`)
    expect(await said('fifo')).toBe(`${place} "${made.path}/fifo": no such device or address`)
    expect(await said('directory')).toBe(`${place} "${made.path}/directory": is a directory`)
    expect(await said('/dev/zero')).toBe(`${place} "/dev/zero": it is no regular file`)
    expect(await said('/no/such/place')).toBe(`${place} "/no/such/place": no such file or directory`)
    expect(readFileSync(victim, 'utf8')).toBe('')
    named(made, { stdout: '/dev/null', stderr: '/dev/null' })
    expect(await lived(made)).toEqual({ create: [], start: [], delete: [] })
  })

  test('at delete is in the log when the file has become something else, and the hook runs', async () => {
    const made = await speaking(['poststop'])
    named(made, { stdout: `${made.path}/dir/out` })
    mkdirSync(`${made.path}/dir`)
    await create(made)
    await output('rm', ['-r', `${made.path}/dir`])
    const { code, stderr } = await davit(['delete', made.id])
    expect(code).toBe(0)
    expect(stderr).toMatch(/warning: hook output, .*no such file or directory\n.*output: poststop; poststop\n$/)
  })
})

describe.runIf(requires('root'))('a container whose init is killed in a startContainer hook', () => {
  const held = (change: (config: Config) => void = () => {}) =>
    bundle((config) => {
      config.process.args = ['/bin/true']
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'kill -9 $PPID; sleep 10'] }] }
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      config.process.capabilities = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] }
      change(config)
    })

  test('has not been started', async () => {
    const made = await held()
    await create(made)
    expect(await davit(['start', made.id])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/container init ended before its startContainer hooks had run/),
    })
    await untilStatus(made.id, 'stopped')
    await must(['delete', made.id])
  })

  test('has not been run', async () => {
    expect(await refused(await held())).toMatch(/container init was killed by signal 9/)
  })
})
