/** Many containers: at once, and one after the other. The machine is afterwards what it was before. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupsNamed, pause, within } from '../host.ts'
import { signPath } from '../interrupt.ts'
import { type Counts, countAll } from '../load.ts'
import { ofProcess } from '../look.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const AT_ONCE = 200
/** In KiB: what a command line of a runtime may take; fewer run at once where memory is short. */
const COMMAND_SIZE = 80 << 10

/**
 * Runs a verb for each id, as many at once as memory allows; which did not end with 0, and what they said. xargs(1) starts
 * no more of them after a 255.
 */
function forAll(subject: Subject, folder: string, ids: readonly string[], line: string): string[] {
  const at = Math.max(4, Math.min(ids.length, Math.floor(countAll().available / COMMAND_SIZE)))
  const systemd = subject.globals.slice(2).join(' ')
  const script = `[ ! -e "$SIGN" ] || exit 255; "$0" --root "$1" ${systemd} ${line} <"$2/ids" >"$2/$3.out" 2>&1; echo $? >"$2/$3.code"`
  const list = join(folder, 'ids')
  writeFileSync(list, `${ids.join('\n')}\n`)
  subject.shell(
    `SIGN=$5 "$0" xargs -P ${at} -n 1 "$0" sh -c "$1" "$2" "$3" "$4" <"$4/ids"`,
    [script, subject.setting.runtime, subject.root, folder, signPath()],
    `${line}, ${ids.length} times, ${at} at once`,
  )
  const read = (id: string, what: string) => readFileSync(join(folder, `${id}.${what}`), 'utf8').trim()
  return ids.filter((id) => read(id, 'code') !== '0').map((id) => `${id}: ${read(id, 'out')}`)
}

/** One life: create, start, the end of its program, delete. */
function live(subject: Subject, id: string, path: string, pidFile: string): void {
  subject.must('create', '--bundle', path, '--pid-file', pidFile, id)
  const pid = Number(readFileSync(pidFile, 'utf8'))
  subject.must('start', id)
  const runs = () => /^\d+ \(.*\) [^ZX]/s.test(ofProcess(pid, 'stat'))
  for (let turn = 0; runs() && turn < 5000; turn++) pause(1)
  subject.must('delete', id)
}

const HEAD = ['lifecycles', 'processes', 'mounts', 'cgroups', 'open files', 'kernel KiB', 'available KiB', 'ms each']

const rowOf = (done: number, it: Counts, ms: number) =>
  [done, it.processes, it.mounts, it.cgroups, it.files, it.kernel, it.available, ms.toFixed(1)].map(String)

/** What grew with the containers: others use the machine, too, but not once for each of them. */
function grown(before: Counts, after: Counts, lives: number): string[] {
  const bound = { processes: 50, mounts: 20, cgroups: 50, files: 1000, kernel: 32_768 }
  const each = { processes: 1 / 20, mounts: 1 / 50, cgroups: 1 / 50, files: 1 / 10, kernel: 2 }
  return Object.entries(bound).flatMap(([name, few]) => {
    const key = name as keyof typeof bound
    const more = after[key] - before[key]
    return more > few + each[key] * lives ? [`${more} ${name} more after ${lives} lifecycles`] : []
  })
}

/** Counts again for a while if there is more: containers of others come and go, what these have left stays. */
function countCalm(before: Counts, lives: number): Counts {
  let counts = countAll()
  within(() => {
    if (grown(before, counts, lives).length > 0) counts = countAll()
    return grown(before, counts, lives).length === 0
  }, 10_000)
  return counts
}

/** How many lifecycles to warm up with, before it is counted first. */
const FIRST = 100

export const LOAD: readonly Case[] = [
  {
    id: 'load-parallel',
    clause: 'runtime.md#operations',
    asks: `${AT_ONCE} containers are created, started and deleted by as many commands at once; nothing is left`,
    serial: true,
    onRequest: true,
    patience: () => 300_000,
    test(subject) {
      const { id: name, path, rootfs } = subject.bundle('exec sleep 600')
      const folder = subject.shared()
      const ids = Array.from({ length: AT_ONCE }, (_, i) => `${name}-${i}`)
      // Each has a cgroup of its own, which a bundle's config.json names.
      for (const id of ids) {
        mkdirSync(join(path, id))
        const config = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'))
        config.linux.cgroupsPath = subject.cgroupsPath(id)
        config.root.path = rootfs
        writeFileSync(join(path, id, 'config.json'), JSON.stringify(config))
      }
      try {
        const create = `create --bundle "${path}/$3" --pid-file "$2/$3.pid" "$3"`
        expectSame(forAll(subject, folder, ids, create), [], 'create failed')
        const pids = ids.map((id) => Number(readFileSync(join(folder, `${id}.pid`), 'utf8')))
        expect(new Set(pids).size === AT_ONCE, 'two containers have one process')
        expectSame(forAll(subject, folder, ids, 'start "$3"'), [], 'start failed')
        const runs = (pid: number) => ofProcess(pid, 'cmdline') === 'sleep\x00600\x00'
        expect(
          within(() => pids.every(runs), 20_000),
          'not all run their program',
        )
        expectSame(forAll(subject, folder, ids, 'kill "$3" KILL'), [], 'kill failed')
        within(() => !pids.some((pid) => existsSync(`/proc/${pid}/exe`)), 20_000)
        expectSame(forAll(subject, folder, ids, 'delete "$3"'), [], 'delete failed')
      } finally {
        forAll(subject, folder, ids, 'delete --force "$3"')
      }
      expectSame([...subject.leftOf({ id: name, path, rootfs }), ...ids.flatMap(cgroupsNamed)], [], 'left')
    },
  },
  {
    id: 'load-lifecycles',
    clause: 'runtime.md#delete',
    asks: 'however many containers came and went: processes, mounts, cgroups, open files and memory do not grow',
    serial: true,
    onRequest: true,
    patience: (lifecycles) => 120_000 + 1000 * lifecycles,
    test(subject) {
      const bundle = subject.bundle('true')
      const pidFile = join(subject.shared(), 'pid')
      const total = FIRST + subject.setting.lifecycles
      const step = Math.max(1, Math.ceil(subject.setting.lifecycles / 10))
      const rows: string[][] = []
      let first: Counts | undefined
      let begin = performance.now()
      for (let done = 0; done < total; ) {
        const until = first ? Math.min(total, done + step) : FIRST
        const lives = until - done
        for (; done < until; done++) {
          // The first is evidence, the others are like it: until one fails.
          const mark = subject.record.length
          live(subject, bundle.id, bundle.path, pidFile)
          if (done > 0) subject.record.length = mark
        }
        const ms = (performance.now() - begin) / lives
        const counts = first ? countCalm(first, done - FIRST) : countAll()
        first ??= counts
        const more = grown(first, counts, done - FIRST)
        rows.push(rowOf(done, counts, ms))
        begin = performance.now()
        if (done === total || more.length > 0) subject.figures(HEAD, rows)
        expectSame(more, [], 'grown')
      }
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
]
