/** config.md#posix-platform-hooks: where the path of a hook is looked for. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Case, expect } from '../suite.ts'

/** All but startContainer, whose path is one of the container. */
const STAGES = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']

export const HOOKS_PATH: readonly Case[] = STAGES.map((stage) => ({
  id: `hooks-${stage}-path`,
  clause: 'config.md#posix-platform-hooks',
  asks: `the path of ${stage} hooks MUST resolve in the runtime namespace: a program that only the host has`,
  covers: [`config-hooks-${stage}-path`, `config-hooks-${stage}-path-listed`],
  test(subject) {
    const bundle = subject.bundle('sleep 100')
    const path = join(bundle.path, 'hook')
    writeFileSync(path, `#!/bin/sh\ncat >/dev/null\necho ran >'${bundle.rootfs}/ran'\n`, { mode: 0o755 })
    bundle.configure((config) => {
      config.hooks = { [stage]: [{ path }] }
    })
    subject.run(bundle)
    subject.await(bundle.id, 'running')
    subject.must('delete', '--force', bundle.id)
    expect(existsSync(join(bundle.rootfs, 'ran')), 'the hook did not run')
  },
}))
