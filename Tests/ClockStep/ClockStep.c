// Steps the wall clock of one node of a rig, and of nobody else: a library that is loaded before every program of the
// node (ld.so.preload) adds the seconds in a file to what the wall clock says, and to the stamps that the kernel gives to
// datagrams. No namespace of Linux has a wall clock of its own. Timers that the kernel keeps on the wall clock are not
// stepped.
#define _GNU_SOURCE
#include "ClockStep.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct step {
    int64_t before;    // Seconds to add to what the kernel stamped before the step,
    int64_t after;     // and to all that came later.
    int64_t step_time; // By the kernel's own clock, in nanoseconds.
};

// The node's file; NULL where it has none.
static const volatile struct step *step;

__attribute__((constructor)) static void attach(void)
{
    struct utsname name;
    char path[256];
    if (uname(&name) != 0)
        return;
    snprintf(path, sizeof path, "/etc/heartbeat-clock/%s", name.nodename);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    void *map = mmap(NULL, sizeof *step, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED)
        step = map;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && step && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec += step->after;
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t *result)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result)
        *result = now.tv_sec;
    return now.tv_sec;
}

ssize_t recvmsg(int socket, struct msghdr *message, int flags)
{
    ssize_t count = syscall(SYS_recvmsg, socket, message, flags);
    if (count < 0 || !step)
        return count;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        struct timespec *stamp = (struct timespec *)CMSG_DATA(part);
        int64_t nanoseconds = (int64_t)stamp->tv_sec * 1000000000 + stamp->tv_nsec;
        stamp->tv_sec += nanoseconds < step->step_time ? step->before : step->after;
    }
    return count;
}
