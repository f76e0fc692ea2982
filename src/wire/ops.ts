/**
 * The operations of the executor, and the sizes both sides agree on: the one place where they are numbered.
 * native/ops.gen.h is generated from here, and hash.gen.ts (`make generate`); `make check` fails when one is stale, and
 * the hash is compared at run time, so a davit-init of another build is refused at once.
 */
export const OPS = {
  jump: 1, // skip the next `skip` records
  call: 2, // one system call: nr, up to six arguments; a returned fd goes to `out`
  close: 3, // close the slot numbered by a[0]
  mkpath: 4, // a[0]=root fd a[1]=path a[2]=0 directory, 1 file a[3]=mode: create what is missing in-root, O_PATH fd to out
  write: 5, // a[0]=dir fd a[1]=path ("": the fd itself) a[2]=data a[3]=length a[4]=open flags
  fsmount: 6, // a[0]=type a[1]=parameters a[2]=length a[3]=attributes a[4]=directory whose mode to take or -1: a mount to out
  verify: 7, // a[0]=fd a[1]=VERIFY_* a[2]=expected a[3]=type of a device
  chdir: 8, // a[0]=path; refuses a directory outside the root
  sync: 9, // a[0]=tag a[1]=1 wait for the parent's answer, 2 for one with an fd, to out
  sendfd: 10, // a[0]=tag a[1]=fd: hand the fd to the parent
  fork: 11, // a[0]=clone flags: the child goes on with the init program, the stage reports its pid and ends
  spawn: 12, // a[0]=path a[1]=argv and envp a[2]=length a[3]=argc a[4]=stdin fd a[5]=stderr slot<<48 | stdout slot<<32 | timeout ms
  wait: 13, // a[0]=listening socket: wait for `start`, which becomes the peer for reports
  find: 14, // a[0]=candidate paths a[1]=length: remember the first that can be executed
  exec: 15, // what ready has laid out
  netlink: 16, // a[0]=message a[1]=length: send to rtnetlink, wait for the acknowledgement
  mask: 17, // a[0]=root fd a[1]=tmpfs parameters, then paths a[2]=length of all a[3]=null device fd a[4]=slot of the empty tmpfs a[5]=length of its parameters: hide the paths that are there
  readonly: 18, // a[0]=root fd a[1]=path: bind it onto itself, read-only
  capdrop: 19, // a[0]=capabilities, a bit each: drop them from the bounding set
  ready: 20, // a[0]=argv and envp a[1]=length a[2]=argc a[3]=first fd to close: all that comes before exec
  filter: 21, // a[0]=flags a[1]=struct sock_filter[] a[2]=length a[3]=tag: load a seccomp filter, hand its listener over
  copytree: 22, // a[0]=directory a[1]=empty directory a[2]=procfs: copy what is in the first into the second
  verifylink: 23, // a[0]=fd a[1]=text: the fd is of a symbolic link that says this
  expect: 24, // a[0]=dir fd a[1]=path a[2]=data a[3]=length a[4]=1: a file begins with the data, or with a[4]=0 does not
  hear: 25, // a[0]=socket: wait until the other side closes it; a word from there is an error, and stays to be read
} as const

export type OpName = keyof typeof OPS

/** How an argument of a record is to be read. Two bits each, first argument in the lowest. */
export const ARG = {
  imm: 0, // the number itself
  slot: 1, // the fd in that slot; the executor refuses an empty one
  str: 2, // offset of a NUL-terminated string or of a structure in the data
  buf: 3, // offset of bytes in the data; the next argument is their length
} as const

export const VERIFY = {
  fstype: 1, // statfs f_type equals
  device: 2, // a device with this number, of the S_IFMT type in a[3]
  type: 3, // a file of this S_IFMT type
  inode: 4, // this number of an inode
} as const

/** Sizes and limits of the buffer. */
export const WIRE = {
  magic: 0x31565444, // "DTV1"
  headerSize: 64,
  recordSize: 64,
  messageSize: 24,
  slots: 512,
  noSlot: 0xffff,
  maxRecords: 65535,
  maxArgs: 6,
  maxTolerate: 4,
} as const

/** What the executor's reports mean; the parent's answer repeats the tag of the sync. */
export const REPORT = {
  sync: 1, // value = tag
  fd: 2, // value = tag; an fd is attached
  child: 3, // value = pid of init as the stage sees it
  failed: 4, // value = errno; program and record name the step
  listener: 5, // value = number of the fd, to be taken by pidfd_getfd(2)
} as const

export const PROGRAM = { stage: 0, init: 1 } as const

/** Functions of libdavit.so beside system calls: numbers that no system call has. */
export const NATIVE = {
  hash: 0x10000, // this table's hash
  launch: 0x10001,
  receive: 0x10002,
  sendFd: 0x10003,
  catchSignals: 0x10004,
  address: 0x10005, // the address of a buffer
  beginLaunch: 0x10006, // launch, in another thread; a handle
  finishLaunch: 0x10007, // its result
  leaveLaunch: 0x10008, // that thread may end
  crc32: 0x10009, // a sum over a buffer
  replace: 0x1000a, // execve: the process becomes another program
} as const

/** errno values that the executor gives a meaning of its own. */
export const CUSTOM = {
  verify: 84, // EILSEQ: verify found something else
  outside: 18, // EXDEV: chdir left the root
  timeout: 62, // ETIME: spawn ran past its timeout
  child: 83, // ELIBEXEC: the spawned program failed; the record's detail is its wait status
} as const
