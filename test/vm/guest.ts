/** Boots a guest with a command in it, shows what that prints, and waits for its end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { qemu } from './qemu.ts'
import { RESCTRL_CPU, resctrlKernel } from './resctrl.ts'

export interface GuestOptions {
  /** Folder of root.ext4 and the kernels. */
  readonly image: string
  /** Process 1. */
  readonly init: 'fast' | 'systemd'
  /** The beginning of the kernel's version. */
  readonly kernel: string
  /** SELinux is the security module, permissive, in the place of AppArmor; the image has a policy. */
  readonly selinux: boolean
  /** The kernel takes the processor for one with RDT. */
  readonly resctrl: boolean
  /** The disk with the checkout. */
  readonly checkout: string
  /** A folder for what comes out: console, output, results, status. */
  readonly folder: string
  /** The machine is switched off after so many seconds. */
  readonly seconds: number
}

const MEMORY_MIB = 3072
const PORTS = ['output', 'results', 'status'] as const

/** The command's status. Throws when the guest ended without one. */
export async function runGuest(options: GuestOptions): Promise<number> {
  const { folder, seconds } = options
  const [file = '', ...rest] = qemu()
  const child = spawn(file, [...rest, ...machine(options), ...boot(options)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let late = false
  const timer = setTimeout(() => {
    late = true
    kill()
  }, seconds * 1000)
  await show(`${folder}/output`, ended)
  clearTimeout(timer)
  process.off('exit', kill)
  const status = textOf(`${folder}/status`).trim()
  if (status !== '') return Number(status)
  const end = textOf(`${folder}/console`).split('\n').slice(-20).join('\n')
  throw new Error(`the guest ${late ? `was switched off after ${seconds} s` : 'ended without a status'}\n${end}`)
}

/** Copies what is added to a file to stdout, until `ended`. */
async function show(file: string, ended: Promise<unknown>): Promise<void> {
  let shown = 0
  const more = () => {
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
    process.stdout.write(bytes.subarray(shown))
    shown = bytes.length
  }
  const every = setInterval(more, 300)
  await ended
  clearInterval(every)
  more()
}

const textOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '')

/**
 * A PC with two disks, whose changes are dropped, and three ports that lead to files. It is emulated: a /dev/kvm that is
 * there may still not work, as in a virtual machine.
 */
function machine({ image, checkout, folder, resctrl }: GuestOptions): string[] {
  const disk = (id: string, file: string) => `if=none,id=${id},file=${file},format=raw,snapshot=on,cache=unsafe`
  const port = (name: string, index: number) => [
    '-chardev',
    `file,id=${name},path=${folder}/${name}`,
    '-device',
    `virtserialport,chardev=${name},nr=${index + 1}`,
  ]
  return [
    ...[
      '-M',
      'q35',
      '-accel',
      process.env.VM_ACCEL ?? 'tcg,thread=multi,tb-size=512',
      '-cpu',
      resctrl ? RESCTRL_CPU : 'max',
    ],
    ...['-smp', '2', '-m', String(MEMORY_MIB), '-no-user-config', '-nodefaults', '-nographic', '-no-reboot'],
    ...['-serial', `file:${folder}/console`],
    ...['-drive', disk('root', `${image}/root.ext4`), '-drive', disk('checkout', checkout)],
    // Debian's kernels have NVMe and ext4 built in; the other disk is of another kind, so that neither is taken for the
    // other.
    ...['-device', 'nvme,serial=davit,drive=root', '-device', 'virtio-blk-pci,drive=checkout'],
    ...['-device', 'virtio-serial-pci'],
    ...PORTS.flatMap(port),
  ]
}

function boot({ image, init, kernel, selinux, resctrl, folder }: GuestOptions): string[] {
  const names = readdirSync(image).filter((name) => name.startsWith('vmlinux-'))
  const found = names.find((name) => name.startsWith(`vmlinux-${kernel}.`))
  if (!found) throw new Error(`no kernel ${kernel}; there are ${names.join(', ')}`)
  const line = ['console=ttyS0 quiet root=/dev/nvme0n1 rw rootwait panic=-1 net.ifnames=0']
  // Nothing to defend, no clock to calibrate: what takes time to boot.
  line.push('mitigations=off nokaslr tsc=reliable no_timer_check cryptomgr.notests')
  // SAFETY: permissive, as the policy has no domain for what the tests run: a test that is about refusals enforces it.
  if (selinux) line.push('security=selinux selinux=1 enforcing=0')
  line.push(init === 'fast' ? 'init=/usr/sbin/davit-init-guest' : 'systemd.unit=davit-job.target systemd.show_status=0')
  let file = `${image}/${found}`
  if (resctrl) {
    resctrlKernel(file, `${folder}/vmlinux`)
    file = `${folder}/vmlinux`
  }
  return ['-kernel', file, '-append', line.join(' ')]
}
