/** config-linux.md#allowed-device-list */
import { needController } from '../cgroups.ts'
import { within } from '../host.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const RULES = 'config-linux.md#allowed-device-list'

/** A device no container has by default: writing to the log of the kernel, of which nothing is written. */
const KMSG = { path: '/dev/log-of-kernel', type: 'c', major: 1, minor: 11, fileMode: 0o666, uid: 0, gid: 0 }

const rule = (allow: boolean, more: Record<string, unknown> = {}) => ({ allow, access: 'rwm', ...more })

const OWN = { type: 'c', major: 1, minor: 11 }

/** What denies one device, under systemd. */
const NO_DENIAL: Pick<Case, 'deviations'> = {
  deviations: {
    crun: { seen: '1.21', only: ['systemd'], why: 'refuses rules that deny a device, as systemd has none' },
  },
}

/** A case that tries to open the device in a container with these rules. */
const device = (
  id: string,
  asks: string,
  rules: readonly unknown[],
  opens: boolean,
  more: Pick<Case, 'deviations'> = {},
): Case => ({
  ...more,
  id: `device-rules-${id}`,
  clause: RULES,
  asks,
  covers: ['linux-device-rules-01'],
  test(subject) {
    needController('devices')
    const bundle = subject.bundle(
      '{ : >/dev/log-of-kernel && echo open; } >/seen 2>&1; echo end >>/seen; sleep 100',
      (config) => {
        Object.assign(config.linux, { devices: [KMSG], resources: { devices: rules } })
      },
    )
    subject.run(bundle)
    within(() => bundle.read('seen').endsWith('end\n'))
    const seen = bundle.read('seen')
    subject.showed('the program', seen)
    if (opens) expectSame(seen, 'open\nend\n', 'opening the device')
    else
      expect(
        /Operation not permitted/.test(seen) && !/^open/m.test(seen),
        `opening the device: ${JSON.stringify(seen)}`,
      )
  },
})

export const RULED: readonly Case[] = [
  device('deny-all', 'what no rule allows is not allowed', [rule(false)], false),
  device('allow', 'what a rule allows is allowed', [rule(false), rule(true, OWN)], true),
  device(
    'order',
    'rules MUST be applied in the listed order: the later counts',
    [rule(false), rule(true, OWN), rule(false, OWN)],
    false,
    NO_DENIAL,
  ),
  device(
    'order-again',
    'rules MUST be applied in the listed order: allowed in the end',
    [rule(false), rule(false, OWN), rule(true, OWN)],
    true,
    NO_DENIAL,
  ),
  device(
    'access',
    'a rule that allows to read does not allow to write',
    [rule(false), rule(true, { ...OWN, access: 'r' })],
    false,
  ),
  device('wildcard', 'a rule without numbers is for all', [rule(false), rule(true, { type: 'c' })], true),
  device(
    'other-minor',
    'a rule for another minor number is for that one',
    [rule(false), rule(true, { ...OWN, minor: 12 })],
    false,
  ),
]
