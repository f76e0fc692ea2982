/** rtnetlink(7) as numbers: <linux/netlink.h>, <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>. */

export const AF_NETLINK = 16
export const NETLINK_ROUTE = 0
export const SOL_NETLINK = 270
/** Options of the socket: an error without the request that it answers, and with the kernel's words. */
export const NETLINK_CAP_ACK = 10
export const NETLINK_EXT_ACK = 11

export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3

export const NLM_F_REQUEST = 0x1
export const NLM_F_ACK = 0x4
/** Of a dump: something changed meanwhile, so that it may be wrong. */
export const NLM_F_DUMP_INTR = 0x10
/** Of an error: attributes follow. */
export const NLM_F_ACK_TLVS = 0x200
export const NLM_F_EXCL = 0x200
export const NLM_F_DUMP = 0x300
export const NLM_F_CREATE = 0x400

export const NLMSGERR_ATTR_MSG = 1

export const RTM_NEWLINK = 16
export const RTM_GETLINK = 18
export const RTM_NEWADDR = 20
export const RTM_GETADDR = 22

export const IFLA_IFNAME = 3
export const IFLA_NET_NS_FD = 28

export const IFF_UP = 1

export const IFA_ADDRESS = 1
export const IFA_LOCAL = 2
export const IFA_LABEL = 3
export const IFA_BROADCAST = 4
export const IFA_CACHEINFO = 6
export const IFA_FLAGS = 8
export const IFA_RT_PRIORITY = 9
export const IFA_PROTO = 11

export const IFA_F_PERMANENT = 0x80
export const RT_SCOPE_UNIVERSE = 0

/** Bytes of an interface's name, its NUL included, <linux/if.h>. */
export const IFNAMSIZ = 16
