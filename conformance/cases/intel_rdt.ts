/** config-linux.md#intelrdt, where the machine has it and resctrl is mounted. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { pidOf } from '../look.ts'
import { narrower, numbers, plain, rdt, refuse, run, withClass, withoutMonitors } from '../resctrl.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const NO_DEFAULT = 'refuses / as the name of a class (asked for since 1.3)'
const NEW = 'does not know schemata (specification 1.3), and ignores them'

/** The cases of monitoring are about the default class. */
const UNMONITORED = {
  runc: { seen: '1.1.15', why: NO_DEFAULT },
  crun: { seen: '1.21', why: 'does not know enableMonitoring (specification 1.3), and ignores it' },
}

const CLASSES: readonly Case[] = [
  rdt(
    [
      'own-class',
      'without closID the class is made, named after the container, has the schema and the pid, and goes with it',
      ...['linux-rdt-01', 'linux-rdt-13', 'linux-rdt-16', 'linux-rdt-21'],
    ],
    (subject, bundle, { path, schema }) => {
      const pid = run(subject, bundle, { l3CacheSchema: narrower(schema) })
      const own = `${path}/${bundle.id}`
      expect(existsSync(own), 'there is no class of its name')
      expect(numbers(`${own}/tasks`).includes(pid), 'the pid is not in tasks')
      expect(plain(subject.kernel(`${own}/schemata`)).includes(plain(narrower(schema))), 'another schema')
      subject.must('delete', '--force', bundle.id)
      expect(!existsSync(own), 'the class is there after delete')
    },
  ),
  rdt(
    [
      'class-made',
      'a closID that is not there is made where schemas are given, and stays',
      'linux-rdt-17',
      'linux-rdt-22',
    ],
    (subject, bundle, { path, schema }) => {
      const own = `${path}/${bundle.id}-class`
      withClass(own, false, () => {
        const pid = run(subject, bundle, { closID: `${bundle.id}-class`, l3CacheSchema: schema })
        expect(numbers(`${own}/tasks`).includes(pid), 'the pid is not in tasks')
        subject.must('delete', '--force', bundle.id)
        expect(existsSync(own), 'the class is gone after delete')
      })
    },
  ),
  rdt(
    ['class-differs', 'a closID that is there with another schema MUST be an error', 'linux-rdt-18'],
    (subject, bundle, { path, schema }) => {
      withClass(`${path}/${bundle.id}-class`, true, () =>
        refuse(subject, bundle, { closID: `${bundle.id}-class`, l3CacheSchema: narrower(schema) }, 'it differs'),
      )
    },
    { runc: { seen: '1.1.15', why: 'writes its schema over that of the class, and does not compare them first' } },
  ),
  rdt(
    [
      'class-joined',
      'closID without schemas: the container joins the class, whose schemata are left alone and which stays',
      ...['linux-rdt-15', 'linux-rdt-19', 'linux-rdt-20', 'linux-rdt-22'],
    ],
    (subject, bundle, { path }) => {
      const own = `${path}/${bundle.id}-class`
      withClass(own, true, () => {
        const before = readFileSync(`${own}/schemata`, 'utf8')
        const pid = run(subject, bundle, { closID: `${bundle.id}-class` })
        expect(numbers(`${own}/tasks`).includes(pid), 'the pid is not in tasks')
        expectSame(readFileSync(`${own}/schemata`, 'utf8'), before, 'schemata')
        subject.must('delete', '--force', bundle.id)
        expect(existsSync(own), 'the class is gone after delete')
      })
    },
  ),
  rdt(
    ['class-missing', 'closID without schemas that is not there MUST be an error', 'linux-rdt-19', 'linux-rdt-20'],
    (subject, bundle, { path }) => {
      refuse(subject, bundle, { closID: `${bundle.id}-class` }, 'there is no such class')
      expect(!existsSync(`${path}/${bundle.id}-class`), 'the class was made')
    },
  ),
  rdt(
    ['class-default', 'closID / is the default class', 'linux-rdt-04'],
    (subject, bundle, { path }) => {
      const pid = run(subject, bundle, { closID: '/' })
      expect(numbers(`${path}/tasks`).includes(pid), 'the pid is not in tasks of the default class')
    },
    { runc: { seen: '1.1.15', why: NO_DEFAULT } },
  ),
  rdt(
    [
      'schemata-last',
      'schemata is written after the two schemas: what it says is in force',
      'linux-rdt-11',
      'linux-rdt-14',
    ],
    (subject, bundle, { path, schema }) => {
      const memBw = /^ *(MB:.*)$/m.exec(readFileSync(`${path}/schemata`, 'utf8'))?.[1]
      run(subject, bundle, {
        l3CacheSchema: schema,
        ...(memBw === undefined ? {} : { memBwSchema: memBw }),
        schemata: [narrower(schema)],
      })
      const text = plain(subject.kernel(`${path}/${bundle.id}/schemata`))
      expect(text.includes(plain(narrower(schema))), `schemata are ${text}`)
    },
    { runc: { seen: '1.1.15', why: NEW }, crun: { seen: '1.21', why: NEW } },
  ),
  rdt(['left-alone', 'without intelRdt resctrl is left alone', 'linux-rdt-03'], (subject, bundle, { path }) => {
    const picture = () => [readdirSync(path).sort(), readFileSync(`${path}/schemata`, 'utf8')]
    const before = picture()
    subject.run(bundle)
    pidOf(subject, bundle.id)
    expectSame(picture(), before, 'resctrl')
  }),
]

const MONITORS: readonly Case[] = [
  rdt(
    [
      'monitoring',
      'enableMonitoring: a monitoring group of the container’s name, which goes with it',
      ...['linux-rdt-23', 'linux-rdt-24', 'linux-rdt-25'],
    ],
    (subject, bundle, { path }) => {
      if (!existsSync(`${path}/mon_groups`)) throw new HostCannot('resctrl does not monitor')
      const pid = run(subject, bundle, { closID: '/', enableMonitoring: true })
      const own = `${path}/mon_groups/${bundle.id}`
      expect(existsSync(own), 'there is no monitoring group')
      expect(numbers(`${own}/tasks`).includes(pid), 'the pid is not in its tasks')
      subject.must('delete', '--force', bundle.id)
      expect(!existsSync(own), 'the group is there after delete')
    },
    UNMONITORED,
  ),
  rdt(
    ['monitoring-fails', 'a monitoring group that cannot be made MUST be an error', 'linux-rdt-26'],
    (subject, bundle, { path }) => {
      if (!existsSync(`${path}/mon_groups`)) throw new HostCannot('resctrl does not monitor')
      withoutMonitors(`${path}/mon_groups`, () => {
        // It is not the class that cannot be.
        run(subject, subject.bundle('sleep 100'), { closID: '/' })
        refuse(subject, bundle, { closID: '/', enableMonitoring: true }, 'there are no more monitoring groups')
      })
    },
    UNMONITORED,
  ),
]

export const INTEL_RDT_CASES: readonly Case[] = [...CLASSES, ...MONITORS]
