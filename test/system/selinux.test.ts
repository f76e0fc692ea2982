/** SELinux in force: the labels of processes, keyrings and mounts, and what they keep a container from. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, create, createStart, run } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { mountAt, processMounts } from '../support/kernel.ts'
import { refused } from '../support/refusal.ts'
import { command, requires } from '../support/requires.ts'
import { must, state } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'
import { FILES, fileLabel, keyringLabel, OTHER_PROCESS, PROCESS, plain, processLabel } from '../support/selinux.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']
const UNKNOWN = 'system_u:system_r:davit_none_t:s0'

const labelled = (config: Config) => {
  config.process.selinuxLabel = PROCESS
  config.linux.mountLabel = FILES
  config.process.args = [...SLEEP]
}

describe.runIf(requires('root', 'selinux'))('a process', () => {
  test('has its label from start on, and asks for no other', async () => {
    const made = await bundle(labelled)
    await create(made)
    const { pid } = await state(made.id)
    expect(processLabel(pid)).not.toBe(PROCESS)
    await must(['start', made.id])
    await until('exec', () => processLabel(pid) === PROCESS)
    for (const which of ['exec', 'keycreate', 'fscreate', 'sockcreate']) expect(processLabel(pid, which)).toBe('')
  })

  test('of exec has the label of the container, or its own', async () => {
    const made = await bundle(labelled)
    await createStart(made)
    const current = async (...flags: string[]) => plain(await outputIn(made.id, 'cat /proc/self/attr/current', flags))
    expect(await current()).toBe(PROCESS)
    expect(await current('--process-label', OTHER_PROCESS)).toBe(OTHER_PROCESS)
    expect(await current()).toBe(PROCESS)
  })

  test('without a label has that of the caller', async () => {
    const made = await bundle([...SLEEP])
    const { pid } = await createStart(made)
    expect(processLabel(pid)).toBe(processLabel(process.pid))
  })

  test('has its label in a user namespace, without capabilities, with no_new_privs', async () => {
    const made = await bundle((config) => {
      labelled(config)
      config.process.noNewPrivileges = true
      config.process.capabilities = {}
      config.process.user = { uid: 7, gid: 7 }
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
    })
    await output('chown', ['-R', '-h', '100000:100000', made.rootfs])
    const { pid } = await createStart(made)
    expect(processLabel(pid)).toBe(PROCESS)
    expect(plain(await outputIn(made.id, 'cat /proc/self/attr/current'))).toBe(PROCESS)
    expect(mountAt(processMounts(pid), '/dev').data).toContain(`context="${FILES}"`)
    expect(await fileLabel(`/proc/${pid}/root/dev/mqueue`)).toBe(FILES)
  })
})

describe.runIf(requires('root', 'selinux'))('features', () => {
  test('say that labels are taken', async () => {
    expect(JSON.parse(await must(['features'])).linux.selinux).toEqual({ enabled: true })
  })
})

const keyctl = { ...command('keyctl'), optional: true }

describe.runIf(requires('root', 'selinux', keyctl))('a session keyring', () => {
  test('has the label of its process', async () => {
    const made = await bundle(labelled)
    await createStart(made)
    expect(await keyringLabel(made.id)).toBe(PROCESS)
  })
})

describe.runIf(requires('root', 'selinux'))('mounts', () => {
  test('that are made have the mount label; those with labels of their own keep them', async () => {
    const made = await bundle((config) => {
      labelled(config)
      config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=700'] })
      config.linux.maskedPaths = ['/sys/firmware']
    })
    const { pid } = await createStart(made)
    const mounts = processMounts(pid)
    for (const path of ['/dev', '/dev/pts', '/dev/shm', '/tmp', '/sys/firmware'])
      expect(mountAt(mounts, path).data, path).toContain(`context="${FILES}"`)
    for (const path of ['/proc', '/sys', '/dev/mqueue', '/'])
      expect(mountAt(mounts, path).data.join(), path).not.toContain('context')
    const labels = ['/dev', '/dev/null', '/dev/pts/ptmx', '/dev/mqueue', '/tmp', '/proc', '/sys'].map(
      async (path) => [path, (await fileLabel(`/proc/${pid}/root${path}`)).split(':')[2]] as const,
    )
    expect(Object.fromEntries(await Promise.all(labels))).toEqual({
      ...{ '/dev': 'container_file_t', '/dev/null': 'container_file_t', '/dev/pts/ptmx': 'container_file_t' },
      ...{ '/dev/mqueue': 'container_file_t', '/tmp': 'container_file_t', '/proc': 'proc_t', '/sys': 'sysfs_t' },
    })
  })

  test('an option of the mount itself comes first, quoted or not, and the annotation says which option', async () => {
    const own = 'system_u:object_r:tmp_t:s0:c3,c4'
    const made = await bundle((config) => {
      labelled(config)
      const mount = { type: 'tmpfs', source: 'tmpfs' }
      config.mounts.push(
        { ...mount, destination: '/root', options: [`context="${own}"`] },
        { ...mount, destination: '/tmp', options: [] },
      )
      config.annotations = { 'run.oci.mount_context_type': 'rootcontext' }
    })
    const { pid } = await createStart(made)
    expect(mountAt(processMounts(pid), '/root').data).toContain(`context="${own}"`)
    expect(mountAt(processMounts(pid), '/tmp').data).toContain(`rootcontext="${FILES}"`)
  })
})

describe.runIf(requires('root', 'selinux'))('a label that the policy does not know', () => {
  test.each<[string, (config: Config) => void]>([
    ['/process/selinuxLabel', (config) => Object.assign(config.process, { selinuxLabel: UNKNOWN })],
    ['/linux/mountLabel', (config) => Object.assign(config.linux, { mountLabel: UNKNOWN })],
  ])('%s is refused before anything is made', async (place, change) => {
    const hooks = { poststop: [{ path: '/bin/touch', args: ['touch', `${scratch()}/poststop`] }] }
    const made = await bundle((config) => change(Object.assign(config, { hooks })))
    const words = `${place}: the loaded SELinux policy knows no label "${UNKNOWN}": invalid argument`
    expect(await refused(made)).toBe(`unsupported config.json: ${words}`)
    expect(existsSync(`${scratch()}/poststop`)).toBe(false)
  })

  test('is an error of create where a hook may have loaded another policy, and leaves nothing', async () => {
    const hooks = { createRuntime: [{ path: '/bin/true' }] }
    const made = await bundle((config) => Object.assign(config, { hooks }).process.args.splice(0, 9, '/bin/true'))
    made.configure((config) => Object.assign(config.process, { selinuxLabel: UNKNOWN }))
    const words = await refused(made)
    expect(words).toMatch(/from \/process\/selinuxLabel: .*davit_none_t.*invalid argument/)
  })

  test('is refused by exec, and nothing is run', async () => {
    const made = await bundle([...SLEEP])
    await createStart(made)
    const { code, stderr } = await execIn(made.id, ['/bin/touch', '/tmp/ran'], ['--process-label', UNKNOWN])
    expect(code).toBe(255)
    expect(stderr).toContain('/process/selinuxLabel')
    expect(stderr).toContain(UNKNOWN)
    expect(await outputIn(made.id, 'ls /tmp')).toBe('')
  })
})

describe.runIf(requires('root', 'selinux'))('enforced', () => {
  /** Until the end of the test. */
  function enforce(): void {
    const before = readFileSync('/sys/fs/selinux/enforce', 'utf8')
    atEnd(() => writeFileSync('/sys/fs/selinux/enforce', before))
    writeFileSync('/sys/fs/selinux/enforce', '1')
  }

  test('a container is kept from files of others, in init and in exec', async () => {
    const script = 'for f in own host other; do cat /$f; done >/result 2>&1; echo done >>/result; sleep 1000'
    const made = await bundle((config) => {
      labelled(config)
      config.root.readonly = false
      config.process.args = ['/bin/sh', '-c', script]
    })
    for (const name of ['own', 'host', 'other']) writeFileSync(`${made.rootfs}/${name}`, `${name}\n`)
    await output('chcon', ['-R', FILES, made.rootfs])
    await output('chcon', ['system_u:object_r:shadow_t:s0', `${made.rootfs}/host`])
    await output('chcon', [FILES.replace('c1,c2', 'c7,c8'), `${made.rootfs}/other`])
    enforce()
    await createStart(made)
    // The policy lets no container write to a pipe or a file of its caller.
    const result = (name: string) => readFileSync(`${made.rootfs}/${name}`, 'utf8')
    await until('the end', () => result('result').endsWith('done\n'))
    const denied = (name: string) => `cat: can't open '/${name}': Permission denied\n`
    expect(result('result')).toBe(`own\n${denied('host')}${denied('other')}done\n`)
    await execIn(made.id, 'cat /own /host /other >/exec 2>&1')
    expect(result('exec')).toBe(`own\n${denied('host')}${denied('other')}`)
  })

  test('a container without a label is as free as its caller', async () => {
    const made = await bundle(['/bin/cat', '/host'])
    writeFileSync(`${made.rootfs}/host`, 'host\n')
    await output('chcon', ['system_u:object_r:shadow_t:s0', `${made.rootfs}/host`])
    enforce()
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'host\n' })
  })
})
