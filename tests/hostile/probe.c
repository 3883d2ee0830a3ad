/* In the place of systemctl: says what it has inherited, a fact a line, then becomes the real one.
 * Told by the last record of the audit log which case of a test this is. It is confined and can write
 * nowhere, so that it says it over a socket, to who waits there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static FILE *to;

static void file(const char *path, const char *keys)
{
    char line[65536];
    FILE *from = fopen(path, "re");
    while (from && fgets(line, sizeof line, from)) {
        line[strcspn(line, ":\n")] = 0;
        char *rest = line + strlen(line) + 1;
        if (!keys)
            fprintf(to, "%s: %s\n", path, line);
        else if (strstr(keys, line))
            fprintf(to, "%s: %s", line, rest);
    }
    if (from)
        fclose(from);
}

static int last_case(void)
{
    char text[4097] = "", *at, *found = NULL;
    int fd = open("/var/log/sm/audit.jsonl", O_RDONLY | O_CLOEXEC);
    lseek(fd, -4096, SEEK_END);
    if (read(fd, text, 4096) < 0)
        return -1;
    for (at = text; (at = strstr(at, "\"case-")); at++)
        found = at;
    return found ? atoi(found + 6) : -1;
}

static int connected(void)
{
    struct sockaddr_un there = {.sun_family = AF_UNIX, .sun_path = "/run/facts"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&there, sizeof there) ? -1 : fd;
}

int main(int count, char **words)
{
    char path[64], target[4096];
    int restarts = 0;
    for (int i = 1; i < count; i++)
        restarts |= !strcmp(words[i], "restart");
    int links[1024], open_fds = 0;
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            links[open_fds++] = fd;
    mode_t mask = umask(022);
    umask(mask);
    if (restarts && (to = fdopen(connected(), "w"))) {
        fprintf(to, "%d\n", last_case());
        for (int i = 0; i < count; i++)
            fprintf(to, "argument: %s\n", words[i]);
        for (char **each = environ; *each; each++)
            fprintf(to, "environment: %s\n", *each);
        for (int i = 0; i < open_fds; i++) {
            snprintf(path, sizeof path, "/proc/self/fd/%d", links[i]);
            ssize_t length = readlink(path, target, sizeof target - 1);
            target[length < 0 ? 0 : length] = 0;
            target[strcspn(target, "[")] = 0;
            fprintf(to, "descriptor: %d %s %o\n", links[i], target, fcntl(links[i], F_GETFL));
        }
        for (int i = 0; i < 16; i++) {
            struct rlimit limit = {0};
            getrlimit(i, &limit);
            /* The kernel gives what was asked for; two depend on the machine if nobody asked. */
            fprintf(to, "limit: %d %ld %ld\n", i, (long)limit.rlim_cur, (long)limit.rlim_max);
        }
        for (int i = 0; i < 3; i++) {
            struct itimerval timer;
            getitimer(i, &timer);
            fprintf(to, "timer: %d %d\n", i, timer.it_value.tv_sec || timer.it_value.tv_usec);
        }
        file("/proc/self/status", "Groups Uid Gid NoNewPrivs CapInh CapPrm CapEff CapBnd CapAmb SigPnd "
             "ShdPnd SigBlk SigIgn SigCgt Cpus_allowed_list Mems_allowed_list THP_enabled Seccomp");
        file("/proc/self/oom_score_adj", NULL);
        file("/proc/self/coredump_filter", NULL);
        file("/proc/self/timerslack_ns", NULL);
        file("/proc/self/personality", NULL);
        fprintf(to, "umask: %o\n", mask);
        fprintf(to, "folder: %s\n", getcwd(target, sizeof target) ? target : "none");
        fprintf(to, "session of its own: %d\n", getsid(0) == getpid());
        fprintf(to, "group of its own: %d\n", getpgrp() == getpid());
        fprintf(to, "terminal: %d\n", open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0);
        fprintf(to, "nice: %d\n", getpriority(PRIO_PROCESS, 0));
        fprintf(to, "policy: %d\n", sched_getscheduler(0));
        fprintf(to, "ioprio: %ld\n", syscall(SYS_ioprio_get, 1, 0));
        fprintf(to, "dumpable: %d\n", prctl(PR_GET_DUMPABLE));
        fprintf(to, "memory-deny-write-execute: %d\n", prctl(66, 0UL, 0UL, 0UL, 0UL));
        int number = 0;
        prctl(PR_GET_TSC, &number);
        fprintf(to, "tsc: %d\n", number);
        prctl(PR_GET_PDEATHSIG, &number);
        fprintf(to, "signal at parent's death: %d\n", number);
        number = -1;
        syscall(SYS_get_mempolicy, &number, 0, 0, 0, 0);
        fprintf(to, "memory policy: %d\n", number);
        /* The call is refused, and here are the keys of its session; of others' none of that name. */
        FILE *keys = fopen("/proc/keys", "re");
        fprintf(to, "keys: %d\n", keys != NULL);
        while (keys && fgets(target, sizeof target, keys))
            if (strstr(target, "hostile"))
                fprintf(to, "keyring: hostile\n");
        /* Until it is written down. */
        fflush(to);
        shutdown(fileno(to), SHUT_WR);
        while (read(fileno(to), target, sizeof target) > 0)
            ;
        fclose(to);
    }
    execv("/usr/bin/systemctl.real", words);
    return 127;
}
