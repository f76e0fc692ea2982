/** Shells on a terminal of their own, to be typed at. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { RUNTIME } from './place.ts'
import { startProbe } from './probe.ts'
import { atEnd, scratch } from './scratch.ts'
import { until } from './wait.ts'

const COMMANDS = {
  bash: ['bash', '--norc', '--noprofile', '-i'],
  zsh: ['zsh', '-f', '-i'],
  fish: ['fish', '--no-config', '--interactive'],
} as const

export type ShellName = keyof typeof COMMANDS

export interface Shell {
  /** Runs a command and waits until it is done. */
  command(text: string): Promise<void>
  /** Types a beginning and the tab key: what the line then is. */
  completed(text: string): Promise<string>
  /** Types a beginning and the tab key until there is a choice: what is shown meanwhile. */
  listed(text: string): Promise<string>
}

const HOME = '\x01'
const END = '\x05'
const TAB = '\t'

/** Starts a shell with davit in its PATH, and nothing of the caller's. */
export async function startShell(name: ShellName): Promise<Shell> {
  const folder = `${scratch()}/${name}`
  mkdirSync(`${folder}/bin`, { recursive: true })
  symlinkSync(RUNTIME, `${folder}/bin/davit`)
  const env = { PATH: `${folder}/bin:/usr/bin:/bin`, HOME: folder, TERM: 'xterm', LANG: 'C.UTF-8' }
  const shell = await startProbe(['pty', '200', '160', ...COMMANDS[name]], { env, cwd: folder })
  // What is on the line is given up first.
  atEnd(async () => {
    shell.write('\x03\nexit\n')
    await shell.done
  })
  const screen = () => stripVTControlCharacters(shell.stdout()).replaceAll('\r', '\n')
  let count = 0
  /** What is shown until the mark is printed, and what is printed with it. */
  const marked = async (keys: (mark: string) => string) => {
    const mark = `mark${++count}`
    const from = screen().length
    shell.write(keys(mark))
    const pattern = new RegExp(`\\n${mark}<(.*)>`)
    const found = await until(
      `${name}: ${JSON.stringify(keys(mark))}`,
      () => pattern.exec(screen().slice(from)) ?? undefined,
      20_000,
    )
    return { shown: screen().slice(from), printed: found[1] as string }
  }
  // The quotes are in the way of the mark as it is typed.
  const print = (mark: string) => `${HOME}echo 'mark'"${mark.slice(4)}<"'${END}'">"\n`
  return {
    command: async (text) => void (await marked((mark) => `${text}\necho 'mark'"${mark.slice(4)}<>"\n`)),
    // zsh takes the space after a completed word away again when anything but a word follows.
    completed: async (text) => {
      const { printed } = await marked((mark) => `${text}${TAB}X${print(mark)}`)
      return printed.replace(/X$/, '')
    },
    // The first one may complete what all have in common.
    listed: async (text) => (await marked((mark) => `${text}${TAB}${TAB}${TAB}${print(mark)}`)).shown,
  }
}
