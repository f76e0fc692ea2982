/** Namespaces that a container has joined by path: they are not in the image, and are there again at a restore. */
import { RuntimeError } from '../../base/errors.ts'
import type { NamespaceType } from '../../kernel/namespaces.ts'
import type { Spec } from '../../spec/types.gen.ts'
import { namespace } from '../context.ts'
import type { CriuOptions } from './model.ts'

/** A namespace that criu leaves alone: what it calls it, and where it is. */
export interface ExternalNamespace {
  readonly type: NamespaceType
  readonly key: string
  readonly path: string
}

/** criu takes these as they are, by an fd. */
const EXTERNAL = { network: 'extRootNetNS', pid: 'extRootPidNS' } as const
/** These it joins by path when it restores. */
const JOINED = { ipc: 'ipc', uts: 'uts', time: 'time' } as const

type Joined = keyof typeof EXTERNAL | keyof typeof JOINED

function pathOf(spec: Spec, type: NamespaceType): string | undefined {
  const found = namespace(spec, type)
  return found === undefined || found === 'new' ? undefined : found.path
}

/** The external namespaces of a container. Throws 'unsupported' for one that criu cannot find again. */
export function externalNamespaces(spec: Spec): ExternalNamespace[] {
  for (const [index, { type, path }] of (spec.linux?.namespaces ?? []).entries()) {
    if (!path || type in EXTERNAL || type in JOINED) continue
    const message = `a container that has joined a ${type} namespace cannot be checkpointed or restored`
    const pointer = `/linux/namespaces/${index}/path`
    throw new RuntimeError('unsupported', `${message}, from ${pointer}`, [{ pointer, message }])
  }
  return (['network', 'pid'] as const).flatMap((type) => {
    const path = pathOf(spec, type)
    return path === undefined ? [] : [{ type, key: EXTERNAL[type], path }]
  })
}

/** What a dump is told of one, by the inode of its file. */
export function namespaceWord({ type, key }: ExternalNamespace, inode: number): string {
  return `${type === 'network' ? 'net' : type}[${inode}]:${key}`
}

/** Those that criu joins by itself when it restores. */
export function joinedByPath(spec: Spec): Pick<CriuOptions, 'joinNs'> {
  const joinNs = (Object.keys(JOINED) as (Joined & keyof typeof JOINED)[]).flatMap((type) => {
    const path = pathOf(spec, type)
    return path === undefined ? [] : [{ ns: JOINED[type], nsFile: path }]
  })
  return joinNs.length === 0 ? {} : { joinNs }
}
