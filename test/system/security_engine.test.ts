/** The engine below davit is a JavaScript runtime: nothing around davit may make it run anything but davit. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, run } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { davit, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const version = /^davit version /

/** A script that leaves a mark when anything runs it, and where that mark would be. */
function mine(): { readonly script: string; readonly mark: string } {
  const script = `${scratch()}/evil.js`
  const mark = `${scratch()}/mark`
  writeFileSync(script, `require('fs').writeFileSync(${JSON.stringify(mark)}, 'ran')\n`)
  return { script, mark }
}

/** Everything that JavaScript tools read from the directory they are started in. */
function trap(folder: string, script: string): void {
  mkdirSync(folder, { recursive: true })
  const files: Record<string, string> = {
    'bunfig.toml': `preload = ["${script}"]\n[run]\npreload = ["${script}"]\n[test]\npreload = ["${script}"]\n`,
    '.bunfig.toml': `preload = ["${script}"]\n`,
    '.env': `BUN_OPTIONS=--preload=${script}\nXDG_RUNTIME_DIR=/nowhere\nNODE_OPTIONS=--require=${script}\n`,
    '.env.local': `BUN_OPTIONS=--preload=${script}\n`,
    '.env.production': `BUN_OPTIONS=--preload=${script}\n`,
    'package.json': JSON.stringify({
      type: 'commonjs',
      main: script,
      scripts: { list: script, run: script, state: script },
    }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: { baseUrl: '.', paths: { '*': [script] }, plugins: [{ name: script }] },
    }),
    'jsconfig.json': JSON.stringify({ compilerOptions: { paths: { '*': [script] } } }),
    'koffi.node': 'not a library',
    'libdavit.so': 'not a library',
    '.npmrc': `node-options=--require=${script}\n`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text)
  mkdirSync(`${folder}/node_modules/yargs`, { recursive: true })
  copyFileSync(script, `${folder}/node_modules/yargs/index.js`)
}

describe('files in the current directory and in the bundle', () => {
  test('change nothing for verbs of all kinds', async () => {
    const { script, mark } = mine()
    const folder = `${scratch()}/trap`
    trap(folder, script)
    expect((await davit(['--version'], { cwd: folder })).stdout).toMatch(version)
    expect((await davit(['run', '--help'], { cwd: folder })).code).toBe(0)
    expect((await davit(['features'], { cwd: folder })).code).toBe(0)
    expect((await davit(['state', 'x'], { cwd: folder })).stderr).toContain('does not exist')
    expect((await davit(['frobnicate'], { cwd: folder })).code).toBe(1)
    expect(existsSync(mark)).toBe(false)
  })

  test.runIf(requires('root'))('change nothing for a container whose bundle they are in', async () => {
    const { script, mark } = mine()
    const made = await bundle(['echo', 'hello'])
    trap(made.path, script)
    expect(await run(made, { cwd: made.path })).toMatchObject({ code: 0, stdout: 'hello\n', stderr: '' })
    expect(existsSync(mark)).toBe(false)
  })
})

describe("the caller's environment", () => {
  test('cannot turn davit into its engine', async () => {
    const { script, mark } = mine()
    for (const args of [['-e', `require(${JSON.stringify(script)})`], [script], ['run', script], ['--version']]) {
      const { stdout, stderr } = await exec(RUNTIME, args, { env: { BUN_BE_BUN: '1' } })
      expect(stdout + stderr).toMatch(/^davit/)
    }
    expect(existsSync(mark)).toBe(false)
  })

  test('cannot make it load, require, inspect or trace', async () => {
    const { script, mark } = mine()
    const hostile: Record<string, string> = {
      BUN_OPTIONS: `--preload=${script} --require=${script} --inspect=127.0.0.1:0 --cpu-prof`,
      BUN_INSPECT: 'ws://127.0.0.1:0/x?break=1',
      BUN_INSPECT_PRELOAD: script,
      BUN_CONFIG_PRELOAD: script,
      BUN_RUNTIME_TRANSPILER_CACHE_PATH: `${scratch()}/cache`,
      NODE_OPTIONS: `--require=${script}`,
      NODE_PATH: scratch(),
      NODE_CHANNEL_FD: '0',
      JSC_dumpOptions: '2',
      BUN_JSC_dumpOptions: '2',
      LD_PRELOAD: `${scratch()}/none.so`,
      LD_LIBRARY_PATH: scratch(),
      LD_DEBUG: 'files',
      XDG_CONFIG_HOME: scratch(),
      HOME: scratch(),
    }
    writeFileSync(`${scratch()}/.bunfig.toml`, `preload = ["${script}"]\n`)
    for (const [name, value] of Object.entries(hostile)) {
      const { code, stdout, stderr } = await exec(RUNTIME, ['--version'], { env: { [name]: value } })
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
      expect(stdout).toMatch(version)
    }
    const all = await exec(RUNTIME, ['--root', stateRoot(), 'state', 'x'], { env: hostile })
    expect(all).toMatchObject({ code: 1, stderr: 'davit: state failed: container does not exist: x\n' })
    expect(existsSync(mark)).toBe(false)
    expect(readdirSync(scratch()).filter((name) => name === 'cache' || name.endsWith('.cpuprofile'))).toEqual([])
  })

  test.runIf(requires('root'))('may be empty, or huge', async () => {
    const made = await bundle(['sh', '-c', 'echo $MARK; env | grep -c .'])
    const plain = await run(made, { env: {} })
    expect(plain).toMatchObject({ code: 0, stderr: '' })
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`VARIABLE_${i}`, 'x'.repeat(100)]))
    // Nothing of it reaches the container.
    expect(await run(made, { env: { ...many, MARK: 'leak' } })).toEqual(plain)
  })

  test.runIf(requires('root'))('standard streams that are closed are no fd of ours', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.process.args = ['sh', '-c', 'for i in 0 1 2; do x=$(readlink /proc/1/fd/$i); echo $x >>/out; done']
    })
    for (const closed of ['0<&-', '1>&-', '2>&-', '0<&- 1>&- 2>&-']) {
      rmSync(`${made.rootfs}/out`, { force: true })
      const line = `exec "$0" "$@" ${closed}`
      const args = ['-c', line, RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
      expect((await exec('/bin/sh', args)).code).toBe(0)
      const streams = readFileSync(`${made.rootfs}/out`, 'utf8').trimEnd().split('\n')
      expect(streams).toHaveLength(3)
      for (const fd of [0, 1, 2]) if (closed.includes(String(fd))) expect(streams[fd]).toBe('/dev/null')
    }
  })
})

describe('where davit lies', () => {
  test('a symbolic link with another name, an installed tree, a copied one', async () => {
    const build = RUNTIME.replace(/\/[^/]*$/, '')
    mkdirSync(`${scratch()}/elsewhere`)
    symlinkSync(RUNTIME, `${scratch()}/elsewhere/runc`)
    symlinkSync(`${scratch()}/elsewhere/runc`, `${scratch()}/elsewhere/again`)
    for (const folder of ['usr/bin', 'usr/sbin', 'opt']) mkdirSync(`${scratch()}/${folder}`, { recursive: true })
    cpSync(`${build}/libexec`, `${scratch()}/usr/libexec`, { recursive: true })
    symlinkSync('../usr/libexec', `${scratch()}/opt/libexec`)
    for (const folder of ['usr/bin', 'usr/sbin', 'opt']) copyFileSync(RUNTIME, `${scratch()}/${folder}/davit`)
    for (const place of ['elsewhere/runc', 'elsewhere/again', 'usr/bin/davit', 'usr/sbin/davit', 'opt/davit']) {
      const { code, stdout } = await exec(`${scratch()}/${place}`, ['features'], { env: {}, cwd: '/' })
      expect({ place, code }).toEqual({ place, code: 0 })
      expect(JSON.parse(stdout)).toHaveProperty('ociVersionMax')
    }
  })

  test('without its libexec files it says so, and looks nowhere else', async () => {
    copyFileSync(RUNTIME, `${scratch()}/davit`)
    const { code, stderr } = await exec(`${scratch()}/davit`, ['--version'], { cwd: RUNTIME.replace(/\/[^/]*$/, '') })
    expect(code).toBe(1)
    expect(stderr).toBe(`davit: cannot execute ${scratch()}/libexec/davit/davit: the installation is incomplete\n`)
  })

  test.runIf(requires('root', command('strace')))(
    'nothing is unpacked: no file is made outside of the state',
    async () => {
      const made = await bundle(['true'])
      const trace = `${scratch()}/trace`
      const line = ['-f', '-o', trace, '-e', 'trace=open,openat,creat,memfd_create', RUNTIME, '--root', stateRoot()]
      await output('strace', [...line, 'run', '--bundle', made.path, made.id], { env: { TMPDIR: scratch() } })
      const written = (await output('grep', ['-E', 'O_CREAT|creat\\(', trace]))
        .split('\n')
        .filter((text) => text !== '' && !/state\.json|config\.json|"prepared"|= -1 /.test(text))
      expect(written).toEqual([])
    },
  )
})

test('control: where such a variable is obeyed, the mark is there', async () => {
  const { script, mark } = mine()
  await exec(process.execPath, ['-e', '0'], { env: { NODE_OPTIONS: `--require=${script}` } })
  expect(existsSync(mark)).toBe(true)
})
