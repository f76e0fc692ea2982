/** davit exec. */
import { type ExecOptions, execContainer } from '../../lifecycle/exec.ts'
import type { Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

/** An empty value is as good as none, as with runc; but for the user, where that could be a mistake with consequences. */
export function exec(command: CommandOf<'exec'>, { runtime }: Session): Promise<number> {
  const { options, positionals, rest } = command
  const flags: ExecOptions['flags'] = {
    args: rest,
    env: options.env,
    additionalGids: options['additional-gids'],
    capabilities: options.cap,
    noNewPrivileges: options['no-new-privs'],
    terminal: options.tty,
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options['process-label'] ? { selinuxLabel: options['process-label'] } : {}),
    ...(options.apparmor ? { apparmorProfile: options.apparmor } : {}),
  }
  return execContainer(runtime, {
    id: positionals.id,
    flags,
    detach: options.detach,
    preserveFds: options['preserve-fds'] ?? 0,
    cgroups: options.cgroup,
    ignorePaused: options['ignore-paused'],
    ...(options.process ? { processFile: options.process } : {}),
    ...(options['pid-file'] ? { pidFile: options['pid-file'] } : {}),
    ...(options['pidfd-socket'] ? { pidfdSocket: options['pidfd-socket'] } : {}),
    ...(options['console-socket'] ? { consoleSocket: options['console-socket'] } : {}),
  })
}
