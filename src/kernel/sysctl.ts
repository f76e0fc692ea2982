/** Names of kernel parameters, sysctl.d(5). */

/**
 * The path of a kernel parameter below /proc/sys, for example "net/ipv4/ip_forward"; undefined for a name that leads
 * elsewhere (empty, "." or ".." components).
 * The first separator decides what separates: in "net/ipv4/conf/eno2.100.rp_filter" dots are part of a name, in
 * "net.ipv4.conf.eno2/100.rp_filter" slashes stand for them.
 */
export function sysctlPath(key: string): string | undefined {
  const first = /[./]/.exec(key)?.[0]
  const path = first === '.' ? key.replace(/[./]/g, (char) => (char === '.' ? '/' : '.')) : key
  return path.split('/').some((part) => part === '' || part === '.' || part === '..') ? undefined : path
}
