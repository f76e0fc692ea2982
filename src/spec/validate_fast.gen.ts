// Generated from spec/*.json by spec/build.ts. Do not edit; run: bun spec/build.ts
// @ts-nocheck: plain code for speed; test/unit/spec/agree.test.ts holds it against validate.gen.ts.
import type { Spec } from './types.gen.ts'
const isArray = Array.isArray
function object(v) { return typeof v === 'object' && v !== null && !isArray(v) }
function text(v) { return typeof v === 'string' && !v.includes('\0') }
function line(v) { if (typeof v !== 'string') return false; for (let i = 0; i < v.length; i++) { const c = v.charCodeAt(i); if (c < 32 || c === 127) return false } return true }
function texts(v) { if (!isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!text(v[i])) return false; return true }
function integer(v, min, max) { return Number.isInteger(v) && v >= min && v <= max }
function u64(v) { return Number.isSafeInteger(v) ? v >= 0 : typeof v === 'bigint' && v >= 0n && v < 1n << 64n }
function i64(v) { return Number.isSafeInteger(v) || (typeof v === 'bigint' && BigInt.asIntN(64, v) === v) }
function list(v, is) { if (!isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!is(v[i])) return false; return true }
function map(v, is) { if (!object(v)) return false; for (const k in v) if (k.includes('\0') || !is(v[k])) return false; return true }
function validate(v) {
  if (!object(v)) return false
  let p
  p = v.ociVersion; if (!(line(p))) return false
  p = v.root; if (p !== undefined && !(isRoot(p))) return false
  p = v.mounts; if (p !== undefined && !(list(p, isMount))) return false
  p = v.process; if (p !== undefined && !(isProcess(p))) return false
  p = v.hostname; if (p !== undefined && !(line(p))) return false
  p = v.domainname; if (p !== undefined && !(line(p))) return false
  p = v.hooks; if (p !== undefined && !(isHooks(p))) return false
  p = v.annotations; if (p !== undefined && !(map(p, text))) return false
  p = v.linux; if (p !== undefined && !(isLinux(p))) return false
  p = v.solaris; if (p !== undefined && !(object(p))) return false
  p = v.windows; if (p !== undefined && !(object(p))) return false
  p = v.vm; if (p !== undefined && !(object(p))) return false
  p = v.zos; if (p !== undefined && !(object(p))) return false
  p = v.freebsd; if (p !== undefined && !(object(p))) return false
  return true
}
function isRoot(v) {
  if (!object(v)) return false
  let p
  p = v.path; if (!(text(p))) return false
  p = v.readonly; if (p !== undefined && !(typeof p === 'boolean')) return false
  return true
}
function isMount(v) {
  if (!object(v)) return false
  let p
  p = v.destination; if (!(text(p))) return false
  p = v.source; if (p !== undefined && !(text(p))) return false
  p = v.type; if (p !== undefined && !(text(p))) return false
  p = v.options; if (p !== undefined && !(texts(p))) return false
  p = v.uidMappings; if (p !== undefined && !(list(p, isIdMapping))) return false
  p = v.gidMappings; if (p !== undefined && !(list(p, isIdMapping))) return false
  return true
}
function isIdMapping(v) {
  if (!object(v)) return false
  let p
  p = v.containerID; if (!(integer(p, 0, 4294967295))) return false
  p = v.hostID; if (!(integer(p, 0, 4294967295))) return false
  p = v.size; if (!(integer(p, 0, 4294967295))) return false
  return true
}
function isProcess(v) {
  if (!object(v)) return false
  let p
  p = v.terminal; if (p !== undefined && !(typeof p === 'boolean')) return false
  p = v.consoleSize; if (p !== undefined && !(isConsoleSize(p))) return false
  p = v.user; if (p !== undefined && !(isUser(p))) return false
  p = v.cwd; if (!(text(p))) return false
  p = v.args; if (p !== undefined && !(texts(p))) return false
  p = v.commandLine; if (p !== undefined && !(text(p))) return false
  p = v.env; if (p !== undefined && !(texts(p))) return false
  p = v.capabilities; if (p !== undefined && !(isCapabilities(p))) return false
  p = v.rlimits; if (p !== undefined && !(list(p, isRlimit))) return false
  p = v.noNewPrivileges; if (p !== undefined && !(typeof p === 'boolean')) return false
  p = v.apparmorProfile; if (p !== undefined && !(line(p))) return false
  p = v.selinuxLabel; if (p !== undefined && !(line(p))) return false
  p = v.oomScoreAdj; if (p !== undefined && !(integer(p, -2147483648, 2147483647))) return false
  p = v.scheduler; if (p !== undefined && !(isScheduler(p))) return false
  p = v.ioPriority; if (p !== undefined && !(isIoPriority(p))) return false
  p = v.execCPUAffinity; if (p !== undefined && !(isCpuAffinity(p))) return false
  return true
}
function isConsoleSize(v) {
  if (!object(v)) return false
  let p
  p = v.height; if (!(u64(p))) return false
  p = v.width; if (!(u64(p))) return false
  return true
}
function isUser(v) {
  if (!object(v)) return false
  let p
  p = v.uid; if (p !== undefined && !(integer(p, 0, 4294967294))) return false
  p = v.gid; if (p !== undefined && !(integer(p, 0, 4294967294))) return false
  p = v.umask; if (p !== undefined && !(integer(p, 0, 4294967295))) return false
  p = v.additionalGids; if (p !== undefined && !(list(p, (i) => integer(i, 0, 4294967294)))) return false
  p = v.username; if (p !== undefined && !(text(p))) return false
  return true
}
function isCapabilities(v) {
  if (!object(v)) return false
  let p
  p = v.bounding; if (p !== undefined && !(texts(p))) return false
  p = v.effective; if (p !== undefined && !(texts(p))) return false
  p = v.inheritable; if (p !== undefined && !(texts(p))) return false
  p = v.permitted; if (p !== undefined && !(texts(p))) return false
  p = v.ambient; if (p !== undefined && !(texts(p))) return false
  return true
}
function isRlimit(v) {
  if (!object(v)) return false
  let p
  p = v.type; if (!(line(p))) return false
  p = v.soft; if (!(u64(p))) return false
  p = v.hard; if (!(u64(p))) return false
  return true
}
function isScheduler(v) {
  if (!object(v)) return false
  let p
  p = v.policy; if (!(p === 'SCHED_OTHER' || p === 'SCHED_FIFO' || p === 'SCHED_RR' || p === 'SCHED_BATCH' || p === 'SCHED_ISO' || p === 'SCHED_IDLE' || p === 'SCHED_DEADLINE')) return false
  p = v.nice; if (p !== undefined && !(integer(p, -2147483648, 2147483647))) return false
  p = v.priority; if (p !== undefined && !(integer(p, -2147483648, 2147483647))) return false
  p = v.flags; if (p !== undefined && !(list(p, (i) => i === 'SCHED_FLAG_RESET_ON_FORK' || i === 'SCHED_FLAG_RECLAIM' || i === 'SCHED_FLAG_DL_OVERRUN' || i === 'SCHED_FLAG_KEEP_POLICY' || i === 'SCHED_FLAG_KEEP_PARAMS' || i === 'SCHED_FLAG_UTIL_CLAMP_MIN' || i === 'SCHED_FLAG_UTIL_CLAMP_MAX'))) return false
  p = v.runtime; if (p !== undefined && !(u64(p))) return false
  p = v.deadline; if (p !== undefined && !(u64(p))) return false
  p = v.period; if (p !== undefined && !(u64(p))) return false
  return true
}
function isIoPriority(v) {
  if (!object(v)) return false
  let p
  p = v.class; if (!(p === 'IOPRIO_CLASS_RT' || p === 'IOPRIO_CLASS_BE' || p === 'IOPRIO_CLASS_IDLE')) return false
  p = v.priority; if (p !== undefined && !(integer(p, -2147483648, 2147483647))) return false
  return true
}
function isCpuAffinity(v) {
  if (!object(v)) return false
  let p
  p = v.initial; if (p !== undefined && !(typeof p === 'string' && /^[0-9, -]*$/.test(p))) return false
  p = v.final; if (p !== undefined && !(typeof p === 'string' && /^[0-9, -]*$/.test(p))) return false
  return true
}
function isHooks(v) {
  if (!object(v)) return false
  let p
  p = v.prestart; if (p !== undefined && !(list(p, isHook))) return false
  p = v.createRuntime; if (p !== undefined && !(list(p, isHook))) return false
  p = v.createContainer; if (p !== undefined && !(list(p, isHook))) return false
  p = v.startContainer; if (p !== undefined && !(list(p, isHook))) return false
  p = v.poststart; if (p !== undefined && !(list(p, isHook))) return false
  p = v.poststop; if (p !== undefined && !(list(p, isHook))) return false
  return true
}
function isHook(v) {
  if (!object(v)) return false
  let p
  p = v.path; if (!(text(p))) return false
  p = v.args; if (p !== undefined && !(texts(p))) return false
  p = v.env; if (p !== undefined && !(texts(p))) return false
  p = v.timeout; if (p !== undefined && !(integer(p, 1, 9007199254740991))) return false
  return true
}
function isLinux(v) {
  if (!object(v)) return false
  let p
  p = v.namespaces; if (p !== undefined && !(list(p, isNamespace))) return false
  p = v.uidMappings; if (p !== undefined && !(list(p, isIdMapping))) return false
  p = v.gidMappings; if (p !== undefined && !(list(p, isIdMapping))) return false
  p = v.timeOffsets; if (p !== undefined && !(isTimeOffsets(p))) return false
  p = v.devices; if (p !== undefined && !(list(p, isDevice))) return false
  p = v.netDevices; if (p !== undefined && !(map(p, isNetDevice))) return false
  p = v.cgroupsPath; if (p !== undefined && !(line(p))) return false
  p = v.resources; if (p !== undefined && !(isResources(p))) return false
  p = v.intelRdt; if (p !== undefined && !(isIntelRdt(p))) return false
  p = v.memoryPolicy; if (p !== undefined && !(isMemoryPolicy(p))) return false
  p = v.sysctl; if (p !== undefined && !(map(p, text))) return false
  p = v.seccomp; if (p !== undefined && !(isSeccomp(p))) return false
  p = v.rootfsPropagation; if (p !== undefined && !(p === 'private' || p === 'rprivate' || p === 'shared' || p === 'rshared' || p === 'slave' || p === 'rslave' || p === 'unbindable' || p === 'runbindable')) return false
  p = v.maskedPaths; if (p !== undefined && !(texts(p))) return false
  p = v.readonlyPaths; if (p !== undefined && !(texts(p))) return false
  p = v.mountLabel; if (p !== undefined && !(line(p))) return false
  p = v.personality; if (p !== undefined && !(isPersonality(p))) return false
  return true
}
function isNamespace(v) {
  if (!object(v)) return false
  let p
  p = v.type; if (!(p === 'pid' || p === 'network' || p === 'mount' || p === 'ipc' || p === 'uts' || p === 'user' || p === 'cgroup' || p === 'time')) return false
  p = v.path; if (p !== undefined && !(text(p))) return false
  return true
}
function isTimeOffsets(v) {
  if (!object(v)) return false
  let p
  p = v.monotonic; if (p !== undefined && !(isTimeOffset(p))) return false
  p = v.boottime; if (p !== undefined && !(isTimeOffset(p))) return false
  return true
}
function isTimeOffset(v) {
  if (!object(v)) return false
  let p
  p = v.secs; if (p !== undefined && !(i64(p))) return false
  p = v.nanosecs; if (p !== undefined && !(integer(p, 0, 4294967295))) return false
  return true
}
function isDevice(v) {
  if (!object(v)) return false
  let p
  p = v.type; if (!(p === 'c' || p === 'b' || p === 'u' || p === 'p')) return false
  p = v.path; if (!(text(p))) return false
  p = v.major; if (p !== undefined && !(i64(p))) return false
  p = v.minor; if (p !== undefined && !(i64(p))) return false
  p = v.fileMode; if (p !== undefined && !(integer(p, 0, 4294967295))) return false
  p = v.uid; if (p !== undefined && !(integer(p, 0, 4294967294))) return false
  p = v.gid; if (p !== undefined && !(integer(p, 0, 4294967294))) return false
  return true
}
function isNetDevice(v) {
  if (!object(v)) return false
  let p
  p = v.name; if (p !== undefined && !(text(p))) return false
  return true
}
function isResources(v) {
  if (!object(v)) return false
  let p
  p = v.devices; if (p !== undefined && !(list(p, isDeviceRule))) return false
  p = v.memory; if (p !== undefined && !(isMemoryResources(p))) return false
  p = v.cpu; if (p !== undefined && !(isCpuResources(p))) return false
  p = v.pids; if (p !== undefined && !(isPidsResources(p))) return false
  p = v.blockIO; if (p !== undefined && !(isBlockIoResources(p))) return false
  p = v.hugepageLimits; if (p !== undefined && !(list(p, isHugepageLimit))) return false
  p = v.network; if (p !== undefined && !(isNetworkResources(p))) return false
  p = v.rdma; if (p !== undefined && !(map(p, isRdmaLimit))) return false
  p = v.unified; if (p !== undefined && !(map(p, text))) return false
  return true
}
function isDeviceRule(v) {
  if (!object(v)) return false
  let p
  p = v.allow; if (!(typeof p === 'boolean')) return false
  p = v.type; if (p !== undefined && !(text(p))) return false
  p = v.major; if (p !== undefined && !(i64(p))) return false
  p = v.minor; if (p !== undefined && !(i64(p))) return false
  p = v.access; if (p !== undefined && !(text(p))) return false
  return true
}
function isMemoryResources(v) {
  if (!object(v)) return false
  let p
  p = v.limit; if (p !== undefined && !(i64(p))) return false
  p = v.reservation; if (p !== undefined && !(i64(p))) return false
  p = v.swap; if (p !== undefined && !(i64(p))) return false
  p = v.kernel; if (p !== undefined && !(i64(p))) return false
  p = v.kernelTCP; if (p !== undefined && !(i64(p))) return false
  p = v.swappiness; if (p !== undefined && !(u64(p))) return false
  p = v.disableOOMKiller; if (p !== undefined && !(typeof p === 'boolean')) return false
  p = v.useHierarchy; if (p !== undefined && !(typeof p === 'boolean')) return false
  p = v.checkBeforeUpdate; if (p !== undefined && !(typeof p === 'boolean')) return false
  return true
}
function isCpuResources(v) {
  if (!object(v)) return false
  let p
  p = v.shares; if (p !== undefined && !(u64(p))) return false
  p = v.quota; if (p !== undefined && !(i64(p))) return false
  p = v.burst; if (p !== undefined && !(u64(p))) return false
  p = v.period; if (p !== undefined && !(u64(p))) return false
  p = v.realtimeRuntime; if (p !== undefined && !(i64(p))) return false
  p = v.realtimePeriod; if (p !== undefined && !(u64(p))) return false
  p = v.cpus; if (p !== undefined && !(text(p))) return false
  p = v.mems; if (p !== undefined && !(text(p))) return false
  p = v.idle; if (p !== undefined && !(i64(p))) return false
  return true
}
function isPidsResources(v) {
  if (!object(v)) return false
  let p
  p = v.limit; if (p !== undefined && !(i64(p))) return false
  return true
}
function isBlockIoResources(v) {
  if (!object(v)) return false
  let p
  p = v.weight; if (p !== undefined && !(integer(p, 0, 65535))) return false
  p = v.leafWeight; if (p !== undefined && !(integer(p, 0, 65535))) return false
  p = v.weightDevice; if (p !== undefined && !(list(p, isDeviceWeight))) return false
  p = v.throttleReadBpsDevice; if (p !== undefined && !(list(p, isThrottle))) return false
  p = v.throttleWriteBpsDevice; if (p !== undefined && !(list(p, isThrottle))) return false
  p = v.throttleReadIOPSDevice; if (p !== undefined && !(list(p, isThrottle))) return false
  p = v.throttleWriteIOPSDevice; if (p !== undefined && !(list(p, isThrottle))) return false
  return true
}
function isDeviceWeight(v) {
  if (!object(v)) return false
  let p
  p = v.major; if (!(i64(p))) return false
  p = v.minor; if (!(i64(p))) return false
  p = v.weight; if (p !== undefined && !(integer(p, 0, 65535))) return false
  p = v.leafWeight; if (p !== undefined && !(integer(p, 0, 65535))) return false
  return true
}
function isThrottle(v) {
  if (!object(v)) return false
  let p
  p = v.major; if (!(i64(p))) return false
  p = v.minor; if (!(i64(p))) return false
  p = v.rate; if (!(u64(p))) return false
  return true
}
function isHugepageLimit(v) {
  if (!object(v)) return false
  let p
  p = v.pageSize; if (!(typeof p === 'string' && /^[1-9][0-9]*[KMG]B$/.test(p))) return false
  p = v.limit; if (!(u64(p))) return false
  return true
}
function isNetworkResources(v) {
  if (!object(v)) return false
  let p
  p = v.classID; if (p !== undefined && !(integer(p, 0, 4294967295))) return false
  p = v.priorities; if (p !== undefined && !(list(p, isInterfacePriority))) return false
  return true
}
function isInterfacePriority(v) {
  if (!object(v)) return false
  let p
  p = v.name; if (!(line(p))) return false
  p = v.priority; if (!(integer(p, 0, 4294967295))) return false
  return true
}
function isRdmaLimit(v) {
  if (!object(v)) return false
  let p
  p = v.hcaHandles; if (p !== undefined && !(integer(p, 0, 4294967295))) return false
  p = v.hcaObjects; if (p !== undefined && !(integer(p, 0, 4294967295))) return false
  return true
}
function isIntelRdt(v) {
  if (!object(v)) return false
  let p
  p = v.closID; if (p !== undefined && !(line(p))) return false
  p = v.l3CacheSchema; if (p !== undefined && !(text(p))) return false
  p = v.memBwSchema; if (p !== undefined && !(typeof p === 'string' && /^MB:[^\u0000\n]*$/.test(p))) return false
  p = v.schemata; if (p !== undefined && !(list(p, (i) => typeof i === 'string' && /^[^\u0000\n]*$/.test(i)))) return false
  p = v.enableMonitoring; if (p !== undefined && !(typeof p === 'boolean')) return false
  return true
}
function isMemoryPolicy(v) {
  if (!object(v)) return false
  let p
  p = v.mode; if (!(p === 'MPOL_DEFAULT' || p === 'MPOL_BIND' || p === 'MPOL_INTERLEAVE' || p === 'MPOL_WEIGHTED_INTERLEAVE' || p === 'MPOL_PREFERRED' || p === 'MPOL_PREFERRED_MANY' || p === 'MPOL_LOCAL')) return false
  p = v.nodes; if (p !== undefined && !(text(p))) return false
  p = v.flags; if (p !== undefined && !(list(p, (i) => i === 'MPOL_F_NUMA_BALANCING' || i === 'MPOL_F_RELATIVE_NODES' || i === 'MPOL_F_STATIC_NODES'))) return false
  return true
}
function isSeccomp(v) {
  if (!object(v)) return false
  let p
  p = v.defaultAction; if (!(p === 'SCMP_ACT_KILL' || p === 'SCMP_ACT_KILL_PROCESS' || p === 'SCMP_ACT_KILL_THREAD' || p === 'SCMP_ACT_TRAP' || p === 'SCMP_ACT_ERRNO' || p === 'SCMP_ACT_TRACE' || p === 'SCMP_ACT_ALLOW' || p === 'SCMP_ACT_LOG' || p === 'SCMP_ACT_NOTIFY')) return false
  p = v.defaultErrnoRet; if (p !== undefined && !(integer(p, 0, 4294967295))) return false
  p = v.architectures; if (p !== undefined && !(list(p, (i) => i === 'SCMP_ARCH_X86' || i === 'SCMP_ARCH_X86_64' || i === 'SCMP_ARCH_X32' || i === 'SCMP_ARCH_ARM' || i === 'SCMP_ARCH_AARCH64' || i === 'SCMP_ARCH_MIPS' || i === 'SCMP_ARCH_MIPS64' || i === 'SCMP_ARCH_MIPS64N32' || i === 'SCMP_ARCH_MIPSEL' || i === 'SCMP_ARCH_MIPSEL64' || i === 'SCMP_ARCH_MIPSEL64N32' || i === 'SCMP_ARCH_PPC' || i === 'SCMP_ARCH_PPC64' || i === 'SCMP_ARCH_PPC64LE' || i === 'SCMP_ARCH_S390' || i === 'SCMP_ARCH_S390X' || i === 'SCMP_ARCH_PARISC' || i === 'SCMP_ARCH_PARISC64' || i === 'SCMP_ARCH_RISCV64' || i === 'SCMP_ARCH_LOONGARCH64' || i === 'SCMP_ARCH_M68K' || i === 'SCMP_ARCH_SH' || i === 'SCMP_ARCH_SHEB'))) return false
  p = v.flags; if (p !== undefined && !(list(p, (i) => i === 'SECCOMP_FILTER_FLAG_TSYNC' || i === 'SECCOMP_FILTER_FLAG_LOG' || i === 'SECCOMP_FILTER_FLAG_SPEC_ALLOW' || i === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'))) return false
  p = v.listenerPath; if (p !== undefined && !(text(p))) return false
  p = v.listenerMetadata; if (p !== undefined && !(text(p))) return false
  p = v.syscalls; if (p !== undefined && !(list(p, isSeccompRule))) return false
  return true
}
function isSeccompRule(v) {
  if (!object(v)) return false
  let p
  p = v.names; if (!(texts(p) && p.length >= 1)) return false
  p = v.action; if (!(p === 'SCMP_ACT_KILL' || p === 'SCMP_ACT_KILL_PROCESS' || p === 'SCMP_ACT_KILL_THREAD' || p === 'SCMP_ACT_TRAP' || p === 'SCMP_ACT_ERRNO' || p === 'SCMP_ACT_TRACE' || p === 'SCMP_ACT_ALLOW' || p === 'SCMP_ACT_LOG' || p === 'SCMP_ACT_NOTIFY')) return false
  p = v.errnoRet; if (p !== undefined && !(integer(p, 0, 4294967295))) return false
  p = v.args; if (p !== undefined && !(list(p, isSeccompArg))) return false
  return true
}
function isSeccompArg(v) {
  if (!object(v)) return false
  let p
  p = v.index; if (!(integer(p, 0, 4294967295))) return false
  p = v.value; if (!(u64(p))) return false
  p = v.valueTwo; if (p !== undefined && !(u64(p))) return false
  p = v.op; if (!(p === 'SCMP_CMP_NE' || p === 'SCMP_CMP_LT' || p === 'SCMP_CMP_LE' || p === 'SCMP_CMP_EQ' || p === 'SCMP_CMP_GE' || p === 'SCMP_CMP_GT' || p === 'SCMP_CMP_MASKED_EQ')) return false
  return true
}
function isPersonality(v) {
  if (!object(v)) return false
  let p
  p = v.domain; if (!(p === 'LINUX' || p === 'LINUX32')) return false
  p = v.flags; if (p !== undefined && !(texts(p))) return false
  return true
}
/** Whether the value is a valid config.json; says nothing about why not. */
export const validateFast: (value: unknown) => value is Spec = validate
