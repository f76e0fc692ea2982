/** The operation that copies what a tmpfs covers. */
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { closeFd } from '../../src/ffi/file.ts'
import type { ChildStep } from '../../src/plan/step.ts'
import { requires } from '../support/requires.ts'
import { directoryFd, EXECUTORS, type Executor, place, runPlan } from './executor.ts'

const [FROM, TO, PROC] = [20, 21, 22]
const from = (path = '') => `${place()}/from${path}`
const to = (path = '') => `${place()}/to${path}`

function copy(executor: Executor): string {
  const slots = { [FROM]: directoryFd(from()), [TO]: directoryFd(to()), [PROC]: directoryFd('/proc') }
  const steps: readonly ChildStep[] = [
    { kind: 'umask', mask: 0 },
    { kind: 'copyTree', from: FROM, to: TO, proc: PROC },
  ]
  try {
    const { failure, detail, stderr } = runPlan(steps, { executor, slots })
    expect(stderr).toBe('')
    return `${failure} ${detail}`.trim()
  } finally {
    for (const fd of Object.values(slots)) closeFd(fd)
  }
}

/** What stat(2) says of an entry that a copy is to have, too. */
const facts = (path: string) => {
  const { mode, uid, gid, rdev } = lstatSync(path)
  return { mode, uid, gid, rdev }
}

describe.runIf(requires('root')).each(EXECUTORS)('copyTree, %s', (executor) => {
  test('copies every kind of entry, with owner and mode', () => {
    mkdirSync(from('/a/b/c'), { recursive: true })
    mkdirSync(to())
    writeFileSync(from('/a/file'), 'text')
    writeFileSync(from('/a/b/c/.hidden'), '')
    writeFileSync(from('/large'), Buffer.alloc(3_000_001, 'x'))
    symlinkSync('/etc/passwd', from('/a/link'))
    execFileSync('mkfifo', [from('/fifo')])
    execFileSync('mknod', [from('/device'), 'c', '1', '300'])
    for (const name of ['/a/file', '/a/b', '/large', '/fifo', '/a/link']) {
      execFileSync('chown', ['-h', '7:8', from(name)])
      if (name !== '/a/link') execFileSync('chmod', ['6751', from(name)])
    }
    expect(copy(executor)).toBe('')
    for (const name of ['/a', '/a/b', '/a/b/c', '/a/file', '/a/b/c/.hidden', '/large', '/fifo', '/device', '/a/link'])
      expect(facts(to(name)), name).toEqual(facts(from(name)))
    expect(readFileSync(to('/a/file'), 'utf8')).toBe('text')
    expect(readFileSync(to('/large')).equals(readFileSync(from('/large')))).toBe(true)
    expect(readlinkSync(to('/a/link'))).toBe('/etc/passwd')
  })

  test('copies as many entries as there are', () => {
    mkdirSync(from())
    mkdirSync(to())
    const names = Array.from({ length: 500 }, (_, i) => `/${String(i).repeat(20)}`)
    for (const name of names) writeFileSync(from(name), name)
    expect(copy(executor)).toBe('')
    expect(names.every((name) => readFileSync(to(name), 'utf8') === name)).toBe(true)
  })

  test('follows no link out of the directory', () => {
    mkdirSync(from())
    mkdirSync(to())
    mkdirSync(`${place()}/other`)
    writeFileSync(`${place()}/other/file`, 'secret')
    symlinkSync(`${place()}/other`, from('/directory'))
    expect(copy(executor)).toBe('')
    expect(lstatSync(to('/directory')).isSymbolicLink()).toBe(true)
  })

  test('overwrites nothing, and names what was in the way', () => {
    mkdirSync(from())
    mkdirSync(to())
    writeFileSync(from('/file'), 'new')
    symlinkSync(`${place()}/victim`, to('/file'))
    expect(copy(executor)).toBe('init 1 EEXIST file')
    expect(existsSync(`${place()}/victim`)).toBe(false)
  })

  test('gives up on a tree without an end', () => {
    mkdirSync(from(`/${Array.from({ length: 200 }, () => 'd').join('/')}`), { recursive: true })
    mkdirSync(to())
    expect(copy(executor)).toBe('init 1 ELOOP d')
  })
})
