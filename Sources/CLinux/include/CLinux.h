// The Linux interfaces that Swift's Glibc module does not show: epoll, netlink, packet sockets, credentials, termios
// speeds, pidfd, and wrappers for what cannot be imported because it is variadic or a macro. No logic lives here.
#ifndef CLINUX_H
#define CLINUX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <ifaddrs.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/reboot.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/watchdog.h>
#include <math.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// Variadic functions.
static inline int cl_open(const char *path, int flags, unsigned mode) { return open(path, flags, mode); }
static inline int cl_fcntl(int fd, int command, long argument) { return fcntl(fd, command, argument); }
static inline int cl_ioctl_int(int fd, unsigned long request, long argument) { return ioctl(fd, request, argument); }
static inline int cl_ioctl_pointer(int fd, unsigned long request, void *argument) { return ioctl(fd, request, argument); }
static inline int cl_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    return prctl(option, a, b, c, d);
}
static inline int cl_pidfd_open(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static inline void cl_syslog(int priority, const char *text) { syslog(priority, "%s", text); }

// A function that is hidden by a structure of the same name.
static inline int cl_flock(int fd, int operation) { return flock(fd, operation); }

// Macros.
static inline int cl_wexitstatus(int status) { return WEXITSTATUS(status); }
static inline int cl_wifsignaled(int status) { return WIFSIGNALED(status); }
static inline int cl_wtermsig(int status) { return WTERMSIG(status); }
static inline struct cmsghdr *cl_cmsg_first(struct msghdr *m) { return CMSG_FIRSTHDR(m); }
static inline struct cmsghdr *cl_cmsg_next(struct msghdr *m, struct cmsghdr *c) { return CMSG_NXTHDR(m, c); }
static inline void *cl_cmsg_data(struct cmsghdr *c) { return CMSG_DATA(c); }
static inline size_t cl_cmsg_space(size_t length) { return CMSG_SPACE(length); }
static inline size_t cl_cmsg_len(size_t length) { return CMSG_LEN(length); }
static inline int cl_errno(void) { return errno; }
static inline void cl_set_errno(int value) { errno = value; }

// Globals that Swift 6 rejects as shared mutable state. The processes of this project have one thread each.
static inline char **cl_environ(void) { return environ; }
static inline FILE *cl_stdout(void) { return stdout; }
static inline FILE *cl_stderr(void) { return stderr; }
static inline char *cl_optarg(void) { return optarg; }
static inline int cl_optind(void) { return optind; }
static inline int cl_optopt(void) { return optopt; }
static inline void cl_reset_getopt(void) { optind = 0; opterr = 0; }
// A start that posix_spawn of this C library cannot do: into a control group, so that whatever the program starts is in
// it too, from its first moment on.
struct cl_group_spawn {
    const char *program;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    // An open folder of the second version of control groups.
    int group;
    // What the child sees as targets[i] is sources[i] here. All sources lie above `last`, all targets do not.
    const int *targets;
    const int *sources;
    int count;
    // Every descriptor above it is closed in the child.
    int last;
    // Whether descriptor 0 is /dev/null, opened for it.
    int null_input;
    int leads_process_group;
};

// Returns the process id, or -1 with errno where the program could not be started.
pid_t cl_spawn_in_group(const struct cl_group_spawn *plan);

#endif
