/** davit update. */
import { RuntimeError } from '../../base/errors.ts'
import { updateContainer } from '../../lifecycle/update.ts'
import { parseResources, validateResources } from '../../spec/resources.ts'
import type { Resources } from '../../spec/types.gen.ts'
import { documentName, readDocument } from '../document.ts'
import type { Session } from '../session.ts'
import { parseInteger, parseSize } from '../size.ts'
import type { CommandOf } from '../table.ts'

type Options = CommandOf<'update'>['options']

export async function update(command: CommandOf<'update'>, { runtime, log }: Session): Promise<number> {
  const { options, positionals } = command
  for (const flag of ['kernel-memory', 'kernel-memory-tcp'] as const) {
    if (options[flag]) log.warning(`--${flag} is ignored: the kernel has dropped it`)
  }
  const file = options.resources
  const request = file
    ? await parseResources(readDocument(file, runtime.cwd), documentName(file))
    : await validateResources(fromFlags(options), 'flags')
  const schemata = schemataOf(options)
  const rdt = schemata.length > 0 ? (await import('../../lifecycle/update_rdt.ts')).rdtUpdate(schemata) : undefined
  await updateContainer(runtime, positionals.id, request, rdt)
  return 0
}

/** Lines for the container's RDT class of service; a file of resources has none, but does not replace them either. */
function schemataOf(options: Options): string[] {
  return (['l3-cache-schema', 'mem-bw-schema'] as const).flatMap((flag) => {
    const line = options[flag]
    if (!line) return []
    const start = flag === 'l3-cache-schema' ? 'L3:' : 'MB:'
    if (line.startsWith(start) && !line.includes('\n')) return [line]
    throw new RuntimeError(
      'usage',
      `--${flag}: expected a line that starts with "${start}", got ${JSON.stringify(line)}`,
    )
  })
}

/** What the flags ask for, in the form of linux.resources; an empty value is none, as with runc. */
function fromFlags(options: Options): Resources {
  const size = (flag: 'memory' | 'memory-swap' | 'memory-reservation') => {
    const text = options[flag]
    return text ? parseSize(flag, text) : undefined
  }
  const integer = (flag: keyof Options & `cpu-${string}`, signed: boolean) => {
    const text = options[flag]
    return text ? parseInteger(flag, text, signed) : undefined
  }
  return defined({
    memory: defined({
      limit: size('memory'),
      swap: size('memory-swap'),
      reservation: size('memory-reservation'),
    }),
    cpu: defined({
      shares: integer('cpu-share', false),
      quota: integer('cpu-quota', true),
      period: integer('cpu-period', false),
      burst: integer('cpu-burst', false),
      realtimePeriod: integer('cpu-rt-period', false),
      realtimeRuntime: integer('cpu-rt-runtime', true),
      idle: integer('cpu-idle', true),
      cpus: options['cpuset-cpus'],
      mems: options['cpuset-mems'],
    }),
    pids: defined({ limit: options['pids-limit'] }),
    blockIO: defined({ weight: options['blkio-weight'] }),
  })
}

/** The object without the members that are undefined. */
function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const members = Object.entries(object).filter(([, value]) => value !== undefined)
  return Object.fromEntries(members) as { [K in keyof T]: Exclude<T[K], undefined> }
}
