/** A directory that looks as resctrl does, and does on mkdir and rmdir what the kernel would. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Groups } from '../../src/host/resctrl_group.ts'
import { scratch } from './scratch.ts'

export const ROOT_SCHEMATA = '    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n'

/** Gives a group the files that it has in resctrl. */
function fill(path: string): void {
  writeFileSync(`${path}/tasks`, '')
  mkdirSync(`${path}/mon_data/mon_L3_00`, { recursive: true })
  mkdirSync(`${path}/mon_data/mon_L3_01`)
  for (const cache of ['00', '01']) {
    writeFileSync(`${path}/mon_data/mon_L3_${cache}/llc_occupancy`, '4096\n')
    writeFileSync(`${path}/mon_data/mon_L3_${cache}/mbm_total_bytes`, '18446744073709551615\n')
    writeFileSync(`${path}/mon_data/mon_L3_${cache}/mbm_local_bytes`, 'Unavailable\n')
  }
  if (dirname(path).endsWith('/mon_groups')) return
  writeFileSync(`${path}/schemata`, ROOT_SCHEMATA)
  mkdirSync(`${path}/mon_groups`)
}

export interface FakeResctrl extends Groups {
  readonly root: string
  /** What a file of it says. */
  text(path: string): string
}

export function fakeResctrl(): FakeResctrl {
  const root = `${scratch()}/resctrl`
  mkdirSync(root)
  fill(root)
  for (const [file, text] of Object.entries({
    'L3/cbm_mask': '7ff',
    'L3/min_cbm_bits': '1',
    'L3/num_closids': '16',
    'MB/bandwidth_gran': '10',
    'MB/delay_linear': '1',
    'MB/min_bandwidth': '10',
    'MB/num_closids': '8',
    last_cmd_status: 'ok',
  })) {
    mkdirSync(dirname(`${root}/info/${file}`), { recursive: true })
    writeFileSync(`${root}/info/${file}`, `${text}\n`)
  }
  return {
    root,
    text: (path) => readFileSync(`${root}/${path}`, 'utf8'),
    make: (path) => {
      if (existsSync(path)) return false
      mkdirSync(path)
      fill(path)
      return true
    },
    remove: (path) => rmSync(path, { recursive: true }),
  }
}
