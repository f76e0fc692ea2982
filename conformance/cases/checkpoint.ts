/** checkpoint and restore: no operations of the specification, but engines’; what must fail does so without harm. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { within } from '../host.ts'
import { pidOf } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const CHECKPOINT = 'command line of runc: checkpoint'
const RESTORE = 'command line of runc: restore'

/** The host cannot without a criu that can do its work on this kernel. */
function needCriu(): void {
  const { status, error } = spawnSync('criu', ['check'], { timeout: 20_000 })
  if (error) throw new HostCannot('no criu')
  if (status !== 0) throw new HostCannot('criu check fails on this kernel')
}

const FAILS: readonly Case[] = [
  {
    id: 'checkpoint-unknown',
    clause: CHECKPOINT,
    asks: 'checkpoint of a container that does not exist is an error',
    test(subject) {
      const images = join(subject.shared(), 'images')
      subject.mustFail(['checkpoint', '--image-path', images, 'conf-unknown'], 'there is no such container')
    },
  },
  {
    id: 'checkpoint-stopped',
    clause: CHECKPOINT,
    asks: 'checkpoint of a stopped container is an error',
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.mustFail(['checkpoint', '--image-path', join(bundle.path, 'images'), bundle.id], 'it is stopped')
      expectSame(subject.state(bundle.id).status, 'stopped', 'status')
    },
  },
  {
    id: 'checkpoint-fails',
    clause: CHECKPOINT,
    asks: 'a checkpoint that cannot be written is an error, and the container runs on',
    test(subject) {
      const bundle = subject.bundle('n=0; while :; do n=$((n+1)); echo $n >/count; sleep 0.02; done')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      const path = join(bundle.path, 'images')
      writeFileSync(path, 'no folder')
      const { stderr } = subject.mustFail(['checkpoint', '--image-path', path, bundle.id], 'images cannot be written')
      expect(stderr.trim() !== '', 'nothing is said of why')
      expectSame(pidOf(subject, bundle.id), pid, 'pid')
      const count = bundle.read('count')
      expect(
        within(() => bundle.read('count') !== count),
        'the program does not go on',
      )
    },
  },
  {
    id: 'restore-nothing',
    clause: RESTORE,
    asks: 'a restore from a folder without images is an error, and leaves nothing',
    deviations: {
      crun: { seen: '1.21', only: ['cgroup v2', 'cgroupfs'], why: 'leaves the cgroup that it has made for it' },
    },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      const images = join(bundle.path, 'images')
      mkdirSync(images)
      const args = ['restore', '--detach', '--image-path', images, '--bundle', bundle.path, bundle.id]
      const { stderr } = subject.mustFail(args, 'there are no images')
      expect(stderr.trim() !== '', 'nothing is said of why')
      expect(!subject.exists(bundle.id), 'the container exists')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'restore-id-taken',
    clause: RESTORE,
    asks: 'a restore under an id that is in use is an error, and the container that has it is left alone',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      const images = join(bundle.path, 'images')
      mkdirSync(images)
      const args = ['restore', '--detach', '--image-path', images, '--bundle', bundle.path, bundle.id]
      subject.mustFail(args, 'the id is in use')
      expectSame(pidOf(subject, bundle.id), pid, 'pid')
    },
  },
]

const ROUND: readonly Case[] = [
  {
    id: 'checkpoint-restore',
    clause: CHECKPOINT,
    asks: 'a container goes on after checkpoint and restore where it was',
    test(subject) {
      needCriu()
      // Its streams are files of the host, which no peer of davit's takes along.
      const own = 'exec </dev/null >/dev/null 2>&1'
      const bundle = subject.bundle(`${own}; n=0; while :; do n=$((n+1)); echo $n >/count; sleep 0.02; done`)
      const images = join(bundle.path, 'images')
      subject.run(bundle)
      pidOf(subject, bundle.id)
      // The file is empty where the program is just about to write it.
      let count = 0
      const look = () => {
        count = Number(bundle.read('count')) || count
        return count
      }
      within(() => look() > 20)
      subject.must('checkpoint', '--image-path', images, bundle.id)
      look()
      expect(count > 20 && existsSync(images), `the count is ${count}`)
      if (subject.exists(bundle.id)) subject.must('delete', '--force', bundle.id)
      subject.must('restore', '--detach', '--image-path', images, '--bundle', bundle.path, bundle.id)
      pidOf(subject, bundle.id)
      const seen: number[] = []
      within(() => {
        const text = bundle.read('count')
        // It is empty while it is written.
        if (text.endsWith('\n')) seen.push(Number(text))
        return (seen.at(-1) ?? 0) > count
      })
      expect((seen.at(-1) ?? 0) > count, 'the program does not go on')
      expect(Math.min(...seen) >= count, `it has begun again: ${seen.join(', ')} after ${count}`)
    },
  },
]

export const CHECKPOINTS: readonly Case[] = [...FAILS, ...ROUND]
