/** The network interfaces of a container in the making: loaded only where the configuration has some. */
import { messageOf } from '../base/errors.ts'
import { closeNetMove, giveBack, moveNetDevice, type NetMove, openNetMove } from '../host/net_devices.ts'

export interface NetDevices {
  /** Moves an interface to where the process, a child of ours, is. */
  move(pid: number, device: string, name: string): void
  /** Gives all back that was moved; throws, in one, what went wrong. */
  giveBack(): void
  close(): void
}

/** Nothing is open before the first move. */
export function netDevices(): NetDevices {
  let open: NetMove | undefined
  return {
    move(pid, device, name) {
      open ??= openNetMove(pid)
      moveNetDevice(open, device, name)
    },
    giveBack() {
      const errors = open ? giveBack(open) : []
      if (errors.length > 0) throw new Error(errors.map(messageOf).join('; '))
    },
    close() {
      if (open) closeNetMove(open)
      open = undefined
    },
  }
}
