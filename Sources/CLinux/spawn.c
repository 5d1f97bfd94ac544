// The start of a program in a control group. Between the copy of this process and the program nothing is called but
// what a handler of a signal might call: the copy has one thread, and locks as the others had them.
#include "CLinux.h"
#include <linux/sched.h>

static void become(const struct cl_group_spawn *plan, int report)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    struct sched_param parameters = {.sched_priority = 0};
    sched_setscheduler(0, SCHED_OTHER, &parameters);
    if (plan->leads_process_group) setpgid(0, 0);
    if (chdir(plan->directory) != 0) goto failed;
    if (plan->null_input) {
        int null = open("/dev/null", O_RDONLY);
        if (null < 0) goto failed;
        if (null != 0) {
            if (dup2(null, 0) < 0) goto failed;
            close(null);
        }
    }
    for (int i = 0; i < plan->count; i++)
        if (dup2(plan->sources[i], plan->targets[i]) < 0) goto failed;
    for (int number = 3; number <= plan->last; number++) {
        int mapped = 0;
        for (int i = 0; i < plan->count; i++) mapped |= plan->targets[i] == number;
        if (!mapped) close(number);
    }
    // The sources are not needed any more.
    if (report != plan->last + 1) {
        if (dup3(report, plan->last + 1, O_CLOEXEC) < 0) goto failed;
        report = plan->last + 1;
    }
    syscall(SYS_close_range, (unsigned)plan->last + 2, ~0U, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(plan->program, plan->arguments, plan->environment);
failed:;
    int reason = errno;
    ssize_t written = write(report, &reason, sizeof reason);
    (void)written;
    _exit(127);
}

pid_t cl_spawn_in_group(const struct cl_group_spawn *plan)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    // Not in the way of what the child sees.
    int report = fcntl(ends[1], F_DUPFD_CLOEXEC, plan->last + 1);
    close(ends[1]);
    if (report < 0) {
        int reason = errno;
        close(ends[0]);
        errno = reason;
        return -1;
    }
    struct clone_args clone;
    memset(&clone, 0, sizeof clone);
    clone.flags = CLONE_INTO_CGROUP;
    clone.exit_signal = SIGCHLD;
    clone.cgroup = (__u64)plan->group;
    // No handler of this process runs in the copy.
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = (pid_t)syscall(SYS_clone3, &clone, sizeof clone);
    if (pid == 0) become(plan, report);
    int reason = pid < 0 ? errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(report);
    if (pid > 0) {
        int told = 0;
        ssize_t length;
        do length = read(ends[0], &told, sizeof told);
        while (length < 0 && errno == EINTR);
        if (length == sizeof told) {
            reason = told;
            while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
            pid = -1;
        }
    }
    close(ends[0]);
    errno = reason;
    return pid;
}
