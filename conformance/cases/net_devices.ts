/** config-linux.md#network-devices, on pairs of virtual interfaces that a case makes on the host. */
import type { Bundle } from '../bundle.ts'
import { pause } from '../host.ts'
import { pidOf } from '../look.ts'
import { END, NET, NEWER, onHost, shown, sleeper, withDevice } from '../net_device.ts'
import type { Subject } from '../subject.ts'
import { type Case, type Deviation, expect, expectSame } from '../suite.ts'

/** A case that moves one interface into a container that sleeps. */
function moves(
  [id, clause, asks, ...covers]: readonly [string, string, string, ...string[]],
  prepare: (subject: Subject, name: string) => void,
  inside: (name: string) => { readonly name?: string; readonly shown: string },
  check: (text: string, subject: Subject, bundle: Bundle, name: string) => void,
): Case {
  return {
    id: `netdev-${id}`,
    clause,
    asks,
    covers,
    deviations: NEWER,
    test(subject) {
      withDevice(subject, 'veth', (name) => {
        prepare(subject, name)
        const { shown: expected, ...device } = inside(name)
        const bundle = sleeper(subject, { [name]: device })
        subject.run(bundle)
        const text = shown(subject, pidOf(subject, bundle.id), expected)
        expect(text !== '', `no interface ${expected} in the container`)
        expect(!onHost(name), `${name} is on the host all the same`)
        check(text, subject, bundle, name)
      })
    },
  }
}

const nothing = () => {}
const same = (name: string) => ({ shown: name })

const MOVED: readonly Case[] = [
  moves(
    ['moved', NET, 'a listed device is in the container, and no longer outside', 'linux-netdev-01'],
    nothing,
    same,
    nothing,
  ),
  moves(['up', NET, 'the runtime MUST set the device up after moving it', 'linux-netdev-06'], nothing, same, (text) =>
    expect(/<[^>]*\bUP\b/.test(text), `it is not up: ${text}`),
  ),
  moves(
    ['renamed', NET, 'name is the name in the container', 'linux-netdev-01'],
    nothing,
    () => ({ name: 'inside', shown: 'inside' }),
    nothing,
  ),
  moves(
    ['template', NET, 'a name with %d: the kernel chooses the number', 'linux-netdev-04'],
    nothing,
    () => ({ name: 'inside%d', shown: 'inside0' }),
    nothing,
  ),
  moves(
    ['attributes', NET, 'the hardware address and the MTU MUST be kept', 'linux-netdev-05'],
    (subject, name) => {
      subject.applet('ip', 'link', 'set', name, 'address', '02:00:00:00:00:77')
      subject.applet('ip', 'link', 'set', name, 'mtu', '1402')
    },
    same,
    (text) => {
      expect(text.includes('02:00:00:00:00:77'), `another hardware address: ${text}`)
      expect(/\bmtu 1402\b/.test(text), `another MTU: ${text}`)
    },
  ),
  moves(
    ['addresses', NET, 'permanent addresses of global scope MUST be kept, of every family', 'linux-netdev-05'],
    (subject, name) => {
      subject.applet('ip', 'link', 'set', name, 'up')
      subject.applet('ip', 'address', 'add', '10.77.0.2/24', 'dev', name)
      subject.applet('ip', 'address', 'add', '10.78.0.2/32', 'dev', name)
      subject.applet('ip', '-6', 'address', 'add', 'fd77::2/64', 'dev', name)
    },
    same,
    (text) => {
      for (const address of ['10.77.0.2/24', '10.78.0.2/32', 'fd77::2/64'])
        expect(text.includes(` ${address} `), `${address} is lost: ${text}`)
    },
  ),
  moves(
    ['left-alone', END, 'what the container makes of the device MUST NOT be managed: it stays down', 'linux-netdev-07'],
    nothing,
    same,
    (_, subject, bundle, name) => {
      const pid = pidOf(subject, bundle.id)
      const [busybox = ''] = subject.through()
      subject.applet('nsenter', '-t', String(pid), '-n', busybox, 'ip', 'link', 'set', name, 'down')
      subject.must('exec', bundle.id, 'true')
      subject.state(bundle.id)
      pause(200)
      expect(!/<[^>]*\bUP\b/.test(shown(subject, pid, name)), 'the runtime has set it up again')
    },
  ),
]

const KEPT: readonly Case[] = [
  {
    id: 'netdev-stays',
    clause: END,
    asks: 'the runtime MUST NOT move the device out again: in a namespace that is another’s it stays when the container ends',
    covers: ['linux-netdev-08'],
    deviations: NEWER,
    test(subject) {
      const holder = subject.bundle('sleep 100')
      subject.run(holder)
      const held = pidOf(subject, holder.id)
      withDevice(subject, 'veth', (name) => {
        const bundle = sleeper(subject, { [name]: {} }, (config) => {
          const others = config.linux.namespaces.filter(({ type }) => type !== 'network')
          config.linux.namespaces = [...others, { type: 'network', path: `/proc/${held}/ns/net` } as { type: string }]
        })
        subject.run(bundle)
        pidOf(subject, bundle.id)
        subject.must('kill', bundle.id, 'KILL')
        subject.await(bundle.id, 'stopped')
        expect(shown(subject, held, name) !== '' && !onHost(name), 'it is gone when the container has stopped')
        subject.must('delete', bundle.id)
        expect(shown(subject, held, name) !== '' && !onHost(name), 'it is gone when the container was deleted')
      })
    },
  },
]

/** A create that must fail, after which the device is where it was. */
function fails(
  [id, asks, ...covers]: readonly [string, string, ...string[]],
  kind: 'veth' | 'bridge',
  devices: (name: string) => Record<string, object>,
): Case {
  return {
    id: `netdev-${id}`,
    clause: NET,
    asks,
    covers,
    deviations: {
      runc: NEWER.runc as Deviation,
      // An older one refuses whatever asks for specification 1.3.
      crun: { seen: '1.21', unseen: '1.8.1', why: 'does not know netDevices (specification 1.3), and ignores them' },
    },
    test(subject) {
      withDevice(subject, kind, (name) => {
        subject.applet('ip', 'link', 'set', name, 'mtu', '1403')
        const bundle = sleeper(subject, devices(name))
        subject.mustFail(['create', '--bundle', bundle.path, bundle.id], asks)
        expect(!subject.exists(bundle.id), 'the container exists')
        expectSame(subject.leftOf(bundle), [], 'left')
        expect(onHost(name), `${name} is lost`)
        expectSame(subject.kernel(`/sys/class/net/${name}/mtu`), '1403\n', 'its MTU')
      })
    },
  }
}

const REFUSED: readonly Case[] = [
  fails(
    ['name-taken', 'a name that is taken in the container MUST be an error', 'linux-netdev-03'],
    'veth',
    (name) => ({ [name]: { name: 'lo' } }),
  ),
  fails(
    ['cannot-move', 'a device that cannot be moved (a bridge) MUST be an error', 'linux-netdev-02'],
    'bridge',
    (name) => ({ [name]: {} }),
  ),
  fails(
    [
      'missing',
      'a device that does not exist is an error, and the other is where it was',
      'linux-netdev-01',
      'runtime-errors-01',
    ],
    'veth',
    (name) => ({ [name]: {}, 'cf-none': {} }),
  ),
]

export const NET_DEVICES: readonly Case[] = [...MOVED, ...KEPT, ...REFUSED]
