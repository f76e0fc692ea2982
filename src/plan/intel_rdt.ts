/**
 * Intel RDT: the class of service that the container's processes are in, a directory of a mounted resctrl
 * (config-linux.md#intelrdt, Documentation/filesystems/resctrl.rst). The parent does all of it.
 */
import { joinPath } from '../base/path.ts'
import type { PlanContext } from './context.ts'
import type { RdtHostStep, RdtPlan } from './rdt_model.ts'

/** undefined where the configuration has no intelRdt; the facts have a resctrl where it has. */
export function planIntelRdt({ spec, facts, request }: PlanContext): RdtPlan | undefined {
  const wanted = spec.linux?.intelRdt
  if (wanted === undefined || facts.resctrl === undefined) return undefined
  const { closID = '', l3CacheSchema = '', memBwSchema = '', schemata = [], enableMonitoring = false } = wanted
  const root = facts.resctrl
  const group = closID === '/' ? root : joinPath(root, closID === '' ? request.id : closID)
  const limits = [l3CacheSchema, memBwSchema].filter((line) => line !== '')
  const lines = [...limits, ...schemata]
  return {
    root,
    group,
    mustExist: closID !== '' && lines.length === 0,
    own: closID === '',
    compare: closID === '' ? [] : limits,
    schemata: lines,
    ...(enableMonitoring ? { monitor: `${group}/mon_groups/${request.id}` } : {}),
  }
}

/** Files to write the pid of a process to. KERNEL: a monitoring group takes only who is in its class. */
export function rdtTasks({ group, monitor }: Pick<RdtPlan, 'group' | 'monitor'>): string[] {
  return [group, ...(monitor === undefined ? [] : [monitor])].map((dir) => `${dir}/tasks`)
}

/** ORDER: before anything of the container, since it may be refused. */
export function makeRdtSteps(ctx: PlanContext): RdtHostStep[] {
  const rdt = planIntelRdt(ctx)
  if (!rdt) return []
  const origin = { config: '/linux/intelRdt', doing: `make the RDT class of service "${rdt.group}"` }
  return [{ kind: 'makeRdt', rdt, origin }]
}

/** ORDER: when the pid is that of init; what it starts from then on is in its group. */
export function joinRdtSteps(ctx: PlanContext): RdtHostStep[] {
  const rdt = planIntelRdt(ctx)
  if (!rdt) return []
  const origin = { config: '/linux/intelRdt', doing: 'join the RDT class of service' }
  return [{ kind: 'rdtTasks', files: rdtTasks(rdt), origin }]
}

/** "L3:0=7f0;1=1f" as the resource's name and a value for each cache or domain; leading zeros do not matter. */
function parseSchema(line: string): { readonly name: string; readonly values: ReadonlyMap<string, string> } {
  const colon = line.indexOf(':')
  const values = line
    .slice(colon + 1)
    .split(';')
    .map((part) => part.split('=').map((word) => word.trim().toLowerCase()))
    .map(([domain = '', value = '']) => [plain(domain), plain(value)] as const)
  return { name: line.slice(0, colon).trim(), values: new Map(values) }
}

function plain(number: string): string {
  return number.replace(/^0+(?=.)/, '')
}

/** Whether the text of a schemata file says what the line asks for: a value for each domain that the line names. */
export function schemataSay(text: string, line: string): boolean {
  const wanted = parseSchema(line)
  const found = text
    .split('\n')
    .map(parseSchema)
    .find(({ name }) => name === wanted.name)
  return found !== undefined && [...wanted.values].every(([domain, value]) => found.values.get(domain) === value)
}
