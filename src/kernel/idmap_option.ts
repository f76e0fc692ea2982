/** crun's `idmap=uids=0-1-10#10-11-10;gids=@0-100-10`: maps of ids in a mount option. */

/** One range of ids: as they are in the file system, as the kernel is to take them, how many. */
export interface IdRange {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
  /** Written with "@": hostID is an id of the container's user namespace. */
  readonly relative: boolean
}

export interface IdmapOption {
  readonly uids: readonly IdRange[]
  readonly gids: readonly IdRange[]
}

const RANGE = /^(@?)(\d{1,10})-(\d{1,10})-(\d{1,10})$/

/** Reads what stands behind "idmap=", which is not empty. A string says what is wrong with it. */
export function parseIdmapOption(text: string): IdmapOption | string {
  const maps: { uids: IdRange[]; gids: IdRange[] } = { uids: [], gids: [] }
  for (const part of text.split(';')) {
    const key = part.slice(0, 5)
    if (key !== 'uids=' && key !== 'gids=') return `invalid option "${part}" specified: expected uids= or gids=`
    for (const range of part.slice(5).split('#')) {
      const [, at, ...numbers] = RANGE.exec(range) ?? []
      if (numbers.length < 3) return `invalid mapping "${range}" specified: expected three numbers such as 0-1000-10`
      const [containerID, hostID, size] = numbers.map(Number) as [number, number, number]
      maps[key === 'uids=' ? 'uids' : 'gids'].push({ containerID, hostID, size, relative: at === '@' })
    }
  }
  if (maps.uids.length === 0 || maps.gids.length === 0)
    return 'id-mapped mounts must have both uid and gid mappings specified'
  return maps
}
