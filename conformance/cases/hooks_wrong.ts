/** config.md#posix-platform-hooks: hooks that are no hooks. */
import type { Hook } from '../bundle.ts'
import { setHooks } from '../hook.ts'
import { type Case, expect, expectSame } from '../suite.ts'

/** What is no hook must be refused before anything runs: of the two kinds whose fields the specification lists. */
function wrong(
  [id, asks, field]: readonly [string, string, string?],
  hook: Record<string, unknown>,
  more: Pick<Case, 'deviations'> = {},
): Case[] {
  const kinds = { prestart: ['01', '02', '03'], createRuntime: ['04', '05', '06'] }
  return Object.entries(kinds).map(([kind, numbers]) => ({
    ...more,
    id: `hooks-${kind}-${id}`,
    clause: 'config.md#posix-platform-hooks',
    asks,
    covers: field === undefined ? [] : [`config-hooks-${numbers[['path', 'absolute', 'timeout'].indexOf(field)]}`],
    test(subject) {
      const bundle = subject.bundle('true')
      setHooks(bundle, { [kind]: [hook as unknown as Hook] })
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], asks)
      expect(!subject.exists(bundle.id), 'the container exists')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  }))
}

/** Runs for long enough that whoever takes zero for a time limit always sees it pass: a shorter one may win that race. */
const LONG = { path: '/bin/sleep', args: ['sleep', '1'] }

export const HOOKS_WRONG: readonly Case[] = [
  ...wrong(
    ['path-relative', 'path MUST be an absolute path', 'absolute'],
    { path: 'true' },
    { deviations: { crun: { seen: '1.8.1', why: 'looks for it below the root of the host' } } },
  ),
  ...wrong(['path-missing', 'path is required', 'path'], { args: ['true'] }),
  ...wrong(['path-no-program', 'a path where no program is makes the hook fail'], { path: '/no/such/program' }),
  ...wrong(
    ['timeout-zero', 'timeout MUST be greater than zero', 'timeout'],
    { ...LONG, timeout: 0 },
    { deviations: { crun: { seen: '1.8.1', why: 'zero is taken for no timeout' } } },
  ),
  ...wrong(['timeout-negative', 'timeout MUST be greater than zero', 'timeout'], { ...LONG, timeout: -1 }),
]
