/**
 * Where it does not matter what a fuzzed davit does: pids of its own, and nothing to write to but one folder, /run, and a
 * part of each cgroup hierarchy. Its process 1, a shell, takes note of all that end.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { hierarchies } from '../../conformance/host.ts'

const FOLDER = 'FUZZ_FOLDER'

/** The folder that may be written to; undefined outside of a cage. */
export function cageFolder(): string | undefined {
  return process.env[FOLDER]
}

/** The part of every hierarchy that may be written to. */
export function cageCgroup(): string {
  return `/${(cageFolder() ?? '').split('/').pop()}`
}

const SCRIPT = `
mount --make-rprivate /
mount --bind "$FUZZ_FOLDER" "$FUZZ_FOLDER"
name=\${FUZZ_FOLDER##*/}
mounts=$(cut -d ' ' -f 2,3 /proc/self/mounts)
echo "$mounts" | while read -r dir type; do
  case $type in cgroup | cgroup2) mount --bind "$dir/$name" "$dir/$name" ;; esac
done
echo "$mounts" | while read -r dir type; do
  case $dir in /proc* | /dev* | "$FUZZ_FOLDER") ;; *) mount -o remount,bind,ro "$dir" ;; esac
done
mount -t tmpfs tmpfs /run
"$@"
`

/** Runs a command in a cage, its output to ours; the exit code. */
export function runCaged(argv: readonly string[]): number {
  const folder = mkdtempSync(`${tmpdir()}/davit-fuzz-`)
  const own = () => hierarchies().map((path) => `${path}/${folder.split('/').pop()}`)
  for (const path of own()) mkdirSync(path)
  try {
    const flags = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--ipc']
    const { status } = spawnSync('unshare', [...flags, 'sh', '-ec', SCRIPT, 'sh', ...argv], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, [FOLDER]: folder },
    })
    return status ?? 1
  } finally {
    for (const path of own()) removeAll(path)
    rmSync(folder, { recursive: true, force: true })
  }
}

function removeAll(cgroup: string): void {
  for (const entry of readdirSync(cgroup, { withFileTypes: true }))
    if (entry.isDirectory()) removeAll(`${cgroup}/${entry.name}`)
  rmdirSync(cgroup)
}
