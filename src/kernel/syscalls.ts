/**
 * System call numbers from the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
 * Only those that davit or its plans use.
 *
 * A text, not an object: every start looks up a dozen of them, and making an object of all takes longer.
 */

/** Lines of: name, number on x86_64, number on arm64. */
const TABLE = `
accept4 288 242
add_key 248 217
bind 49 200
bpf 321 280
capget 125 90
capset 126 91
chdir 80 49
chroot 161 51
clone3 435 435
close 3 57
close_range 436 436
connect 42 203
dup 32 23
dup3 292 24
epoll_create1 291 20
eventfd2 290 19
execve 59 221
execveat 322 281
exit_group 231 94
faccessat2 439 439
fchdir 81 50
fchmod 91 52
fchmodat 268 53
fchmodat2 452 452
fchown 93 55
fchownat 260 54
fcntl 72 25
flock 73 32
fsconfig 431 431
fsmount 432 432
fsopen 430 430
fsetxattr 190 7
fspick 433 433
fstat 5 80
fstatfs 138 44
fsync 74 82
ftruncate 77 46
getcwd 79 17
getdents64 217 61
getegid 108 177
geteuid 107 175
getpgid 121 155
getpid 39 172
getppid 110 173
getpriority 140 141
getrandom 318 278
getsockopt 55 209
gettid 186 178
getuid 102 174
inotify_add_watch 254 27
inotify_init1 294 26
ioctl 16 29
ioprio_set 251 30
kcmp 312 272
keyctl 250 219
kill 62 129
linkat 265 37
listen 50 201
listmount 458 458
lseek 8 62
memfd_create 319 279
memfd_secret 447 447
mkdirat 258 34
mknodat 259 33
mount 165 40
mount_setattr 442 442
move_mount 429 429
newfstatat 262 79
open_tree 428 428
open_tree_attr 467 467
openat 257 56
openat2 437 437
personality 135 92
pidfd_getfd 438 438
pidfd_open 434 434
pidfd_send_signal 424 424
pipe2 293 59
pivot_root 155 41
ppoll 271 73
prctl 157 167
pread64 17 67
prlimit64 302 261
pwrite64 18 68
read 0 63
readlinkat 267 78
recvfrom 45 207
recvmsg 47 212
renameat2 316 276
request_key 249 218
rt_sigaction 13 134
rt_sigprocmask 14 135
sched_getaffinity 204 123
sched_setaffinity 203 122
sched_setattr 314 274
seccomp 317 277
sendmsg 46 211
sendto 44 206
set_mempolicy 238 237
setdomainname 171 162
setfsgid 123 152
setfsuid 122 151
setgroups 116 159
sethostname 170 161
setns 308 268
setresgid 119 149
setresuid 117 147
setsid 112 157
setsockopt 54 208
setxattr 188 5
socket 41 198
socketpair 53 199
statfs 137 43
statmount 457 457
statx 332 291
symlinkat 266 36
sync_file_range 277 84
truncate 76 45
umask 95 166
umount2 166 39
uname 63 160
unlinkat 263 35
unshare 272 97
utimensat 280 88
wait4 61 260
waitid 247 95
write 1 64
`

type NamesOf<Text extends string, Found = never> = Text extends `\n${infer Name} ${infer _} ${infer _}\n${infer Rest}`
  ? NamesOf<`\n${Rest}`, Found | Name>
  : Found

export type SyscallName = NamesOf<typeof TABLE>

const found = new Map<SyscallName, readonly [x64: number, arm64: number]>()

/** The number of a system call on an architecture. */
export function syscallNumber(name: SyscallName, arch: 'x64' | 'arm64'): number {
  let numbers = found.get(name)
  if (numbers === undefined) {
    const start = TABLE.indexOf(`\n${name} `)
    if (start < 0) throw new Error(`bug: unknown system call ${name}`)
    const at = start + name.length + 2
    const [x64, arm64] = TABLE.slice(at, TABLE.indexOf('\n', at)).split(' ')
    numbers = [Number(x64), Number(arm64)]
    found.set(name, numbers)
  }
  return numbers[arch === 'x64' ? 0 : 1]
}

/** Every name with its two numbers, for tests and documents. */
export function allSyscalls(): [name: SyscallName, x64: number, arm64: number][] {
  return TABLE.trim()
    .split('\n')
    .map((line) => {
      const [name, x64, arm64] = line.split(' ')
      return [name as SyscallName, Number(x64), Number(arm64)]
    })
}
