/** What is installed: by make, and by the Debian package, which is put on a throw-away view of this machine. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { VERBS, type Verbs } from '../../src/cli/table.ts'
import { makeRootfs } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { repositoryPath } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'
import { startShell } from '../support/shell.ts'

const make = (...args: readonly string[]) =>
  output('make', ['-s', '--no-print-directory', ...args], {
    cwd: repositoryPath('.'),
    timeout: patience(120_000),
    env: { ...process.env, MAKEFLAGS: '' },
  })

/** All files below a folder, sorted. */
const files = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length))
        .sort()
    : []

const people = Object.keys(VERBS).filter((verb) => !(VERBS as Verbs)[verb]?.hidden)
const pages = ['davit', ...people.map((verb) => `davit-${verb}`)].map((name) => `${name}.8`)

describe('the manual', () => {
  const folder = repositoryPath('build/man')

  test('has a page for every command, and no other', () => {
    expect(readdirSync(folder).sort()).toEqual(pages.sort())
  })

  test.runIf(requires(command('groff')))('makes no formatter complain', async () => {
    for (const page of pages) {
      const path = `${folder}/${page}`
      expect(await exec('groff', ['-man', '-Tutf8', '-ww', '-z', path]), page).toMatchObject({ code: 0, stderr: '' })
    }
  })

  test.runIf(requires(command('mandoc')))('and is clean to mandoc’s eyes', async () => {
    const paths = pages.map((page) => `${folder}/${page}`)
    expect(await exec('mandoc', ['-T', 'lint', '-W', 'warning', ...paths])).toMatchObject({ code: 0, stdout: '' })
  })

  test.runIf(requires(command('man')))('tells what --help tells, as man(1) shows it', async () => {
    const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', MANWIDTH: '400' }
    for (const verb of people) {
      const text = await output('man', ['-l', `${folder}/davit-${verb}.8`], { env })
      const { summary, options, positionals } = (VERBS as Verbs)[verb] ?? { summary: '', options: {}, positionals: [] }
      expect(text).toContain(`davit-${verb} - ${summary}`)
      for (const [name, spec] of Object.entries(options)) {
        if (spec.hidden) expect(text, verb).not.toContain(`--${name}`)
        else expect(text, verb).toMatch(new RegExp(`^ +(-${spec.alias}, )?--${name}\\b`, 'm'))
      }
      expect(text.match(/^[A-Z].*/gm)).toEqual(expect.arrayContaining(['NAME', 'SYNOPSIS', 'EXIT STATUS', 'SEE ALSO']))
      expect(text.includes('\nARGUMENTS\n'), verb).toBe(positionals.length > 0)
    }
  })

  test('has a placeholder for every value', () => {
    for (const verb of people) {
      for (const [name, { type, hidden, value, choices }] of Object.entries((VERBS as Verbs)[verb]?.options ?? {}))
        if (!hidden && (type === 'string' || type === 'array'))
          expect(value ?? choices, `${verb} --${name}`).toBeDefined()
    }
  })
})

describe('make install', () => {
  test('and uninstall are each other’s opposite, and all of it works from there', {
    timeout: patience(240_000),
  }, async () => {
    const [root, prefix] = [`${scratch()}/target`, '/opt/d']
    mkdirSync(`${root}${prefix}/share/man/man8`, { recursive: true })
    writeFileSync(`${root}${prefix}/share/man/man8/davit-of-another.8`, '')
    const before = files(root)
    await make('install', `DESTDIR=${root}`, `PREFIX=${prefix}`)
    expect(files(`${root}${prefix}/share/man/man8`)).toEqual(
      [...pages, 'davit-of-another.8'].map((p) => `/${p}`).sort(),
    )
    for (const path of files(root)) {
      const { mode } = statSync(`${root}${path}`)
      expect(mode & 0o777, path).toBe(/\/(bin|libexec)\//.test(path) ? 0o755 : 0o644)
    }
    const [version] = (await output(`${root}${prefix}/bin/davit`, ['--version'])).split('\n')
    expect(version).toMatch(/^davit version \d/)
    expect(readFileSync(`${root}${prefix}/share/doc/davit/THIRD-PARTY-LICENSES`, 'utf8')).toMatch(
      /\nBusyBox v\S+ .*: GPL-2\.0.*\n\nInside davit-conformance only, .*source.*https:[\s\S]*GNU GENERAL PUBLIC LICENSE\n +Version 2,/,
    )
    // With nothing of the repository around.
    const suite = `${root}${prefix}/bin/davit-conformance`
    const argv = ['--runtime', `${root}${prefix}/bin/davit`, '--filter', '^(process-cwd|kill-unknown)$']
    const env = { PATH: '/nowhere' }
    if (process.getuid?.() === 0)
      expect(await output(suite, argv, { env, cwd: '/' })).toMatch(/^davit \S+ +2 +0 +0 +0 /m)
    else expect(await output(suite, ['--list', ...argv.slice(2)], { env, cwd: '/' })).toMatch(/^kill\/kill-unknown$/m)
    await make('uninstall', `DESTDIR=${root}`, `PREFIX=${prefix}`)
    expect(files(root)).toEqual(before)
  })

  test.runIf(requires(command('zsh'), command('fish')))(
    'completion is found where it is put',
    { timeout: patience(240_000) },
    async () => {
      const share = `${scratch()}/target/usr/share`
      await make('install', `DESTDIR=${scratch()}/target`, 'PREFIX=/usr')
      const setups = {
        bash: `source ${share}/bash-completion/completions/davit`,
        zsh: `fpath=(${share}/zsh/site-functions $fpath); autoload -Uz compinit; compinit -D -u`,
        fish: `set -p fish_complete_path ${share}/fish/vendor_completions.d`,
      } as const
      for (const name of ['bash', 'zsh', 'fish'] as const) {
        const shell = await startShell(name)
        await shell.command(setups[name])
        expect(await shell.completed('davit featu'), name).toBe('davit features ')
      }
    },
  )
})

/**
 * In a mount namespace of its own: this machine's files with a tmpfs above them, so that dpkg(1) really installs, with
 * all that a Debian system has, and nothing of it is there afterwards. $1: the package, $2: a folder that stays.
 */
const TRIAL = `set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for dir in proc sys dev; do mount --rbind /$dir /mnt/root/$dir; done
mount -t tmpfs tmpfs /mnt/root/run
mkdir -p /mnt/root$2
mount --bind $2 /mnt/root$2
chroot /mnt/root dpkg --install "$1"
(cd /mnt/upper && find . -type f) >$2/installed
chroot /mnt/root dpkg --verify davit
chroot /mnt/root sh -c "cd $2/bundle && /usr/bin/davit spec && sed -i 's/\\"terminal\\": true/\\"terminal\\": false/; s/\\"sh\\"/\\"cat\\", \\"\\/etc\\/passwd\\"/' config.json && /usr/bin/davit run packaged" >$2/output
chroot /mnt/root dpkg --purge davit
(cd /mnt/upper && find . ! -type d; find /mnt/root/run -mindepth 1) >$2/left
`

describe.runIf(requires('root', command('dpkg'), command('dpkg-deb'), command('unshare')))('the Debian package', () => {
  test('is installed, runs a container, and is purged without a trace', { timeout: patience(300_000) }, async () => {
    const out = `${scratch()}/deb`
    mkdirSync(`${out}/bundle`, { recursive: true })
    await makeRootfs(`${out}/bundle/rootfs`)
    const [built = ''] = (await make('deb', 'DEB_FLAGS=-Zgzip -z1')).trim().split('\n').slice(-1)
    const path = repositoryPath(built)
    try {
      const field = async (name: string) => (await output('dpkg-deb', ['--field', path, name])).trim()
      expect(await field('Package')).toBe('davit')
      expect(await field('Depends')).toMatch(/^libc6 \(>= 2\.\d+\), libseccomp2$/)
      expect(Number(await field('Installed-Size'))).toBeGreaterThan(50_000)
      writeFileSync(`${out}/trial`, TRIAL)
      const trial = await exec('unshare', ['--mount', 'sh', `${out}/trial`, path, out], { timeout: 240_000 })
      expect(trial.code, `${trial.stdout}${trial.stderr}`).toBe(0)
      expect(readFileSync(`${out}/output`, 'utf8')).toBe('root:x:0:0:root:/root:/bin/sh\n')
      const installed = readFileSync(`${out}/installed`, 'utf8')
      for (const name of [
        'bin/davit',
        'libexec/davit/davit-init',
        'share/doc/davit/copyright',
        'share/man/man8/davit.8.gz',
      ])
        expect(installed).toContain(`./usr/${name}\n`)
      // What dpkg and its triggers write for themselves.
      const left = readFileSync(`${out}/left`, 'utf8').trim().split('\n')
      expect(
        left.filter((name) => !/^\.\/var\/(lib\/dpkg|log\/dpkg\.log|cache\/man|lib\/systemd)|^\.\/tmp\//.test(name)),
      ).toEqual([])
      expect(left.filter((name) => name.includes('davit'))).toEqual([])
    } finally {
      rmSync(path)
    }
  })

  test.runIf(requires(command('lintian')))(
    'has nothing that lintian would complain of',
    { timeout: patience(300_000) },
    async () => {
      const [built = ''] = (await make('deb', 'DEB_FLAGS=-Zgzip -z1')).trim().split('\n').slice(-1)
      try {
        const { stdout } = await exec('lintian', ['--allow-root', repositoryPath(built)], { timeout: 240_000 })
        expect(stdout).toBe('')
      } finally {
        rmSync(repositoryPath(built))
      }
    },
  )
})
