/**
 * Guards of davit that are no step of a plan: the expression that each is in the source, in the middle of a statement,
 * and what is there without it.
 */

interface Expression {
  /** Below src. */
  readonly file: string
  /** Once in the file. */
  readonly text: string
  readonly without: string
}

/** Name of a guard. */
export type CodeGuard =
  | 'records of this format'
  | 'the start time of init'
  | 'units that are delegated'
  | 'the inode of a unit'
  | 'a sealed executable'
  | 'no cgroup above'
  | 'whole numbers as ids'
  | 'escaped controls'

export const CODE: Readonly<Record<CodeGuard, Expression>> = {
  'records of this format': { file: 'state/store.ts', text: 'record?.format !== 1', without: 'false' },
  'the start time of init': {
    file: 'state/status.ts',
    text: 'stat.startTime === record.startTime',
    without: 'true',
  },
  'units that are delegated': {
    file: 'plan/cgroup/unit.ts',
    text: "{ name: 'Delegate', value: flag(true) }",
    without: "{ name: 'Delegate', value: flag(false) }",
  },
  'the inode of a unit': {
    file: 'lifecycle/units.ts',
    text: '(unit.inode !== undefined && inode !== unit.inode)',
    without: 'false',
  },
  'a sealed executable': {
    file: 'host/memfd.ts',
    text: "sys('fcntl', fd, F_ADD_SEALS, ALL_SEALS)",
    without: '0',
  },
  'no cgroup above': { file: 'plan/exec_cgroup.ts', text: "parts.includes('..')", without: 'false' },
  'whole numbers as ids': {
    file: 'plan/accounts.ts',
    text: "!isDigits(text) || text.length > 10 || (text.length > 1 && text[0] === '0')",
    without: 'false',
  },
  'escaped controls': { file: 'cli/log_line.ts', text: 'text.replace(CONTROLS, goEscape)', without: 'text' },
}

/** The source of a file below src with what the environment of the program names taken out when it runs. */
export function weakenedSource(file: string, source: string): string {
  return Object.entries(CODE)
    .filter(([, guard]) => guard.file === file)
    .reduce((text, [name, guard]) => {
      if (text.split(guard.text).length !== 2) throw new Error(`not once in src/${file}: ${guard.text}`)
      return text.replace(
        guard.text,
        () => `(process.env.DAVIT_WEAKENED === '${name}' ? ${guard.without} : ${guard.text})`,
      )
    }, source)
}
