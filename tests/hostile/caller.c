/* A hostile caller: hands down to PROGRAM what a process can hand down, then becomes it.
 *
 *     caller WHAT... -- PROGRAM ARGUMENT...
 *
 * Whatever this kernel does not have is skipped, and said with exit status 99. */
#define _GNU_SOURCE
#include <errno.h>
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
#include <unistd.h>

static void must(const char *what, long result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "caller: %s: %s\n", what, strerror(errno));
    exit(99);
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    must(path, fd);
    must(path, write(fd, text, strlen(text)));
    close(fd);
}

static const struct { const char *name; int number; } limits[] = {
    {"as", RLIMIT_AS}, {"core", RLIMIT_CORE}, {"cpu", RLIMIT_CPU}, {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE}, {"locks", RLIMIT_LOCKS}, {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE}, {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC}, {"rss", RLIMIT_RSS}, {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME}, {"sigpending", RLIMIT_SIGPENDING}, {"stack", RLIMIT_STACK},
};

/* limit:fsize:0 */
static void limit(char *what)
{
    char *value = strrchr(what, ':');
    *value++ = 0;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (strcmp(limits[i].name, what))
            continue;
        struct rlimit both = {strtoul(value, 0, 10), strtoul(value, 0, 10)};
        must(what, setrlimit(limits[i].number, &both));
        return;
    }
    errno = EINVAL;
    must(what, -1);
}

static void signals(void (*handler)(int))
{
    for (int s = 1; s <= 64; s++) {
        struct { void (*handler)(int); unsigned long flags; void *restorer; unsigned long mask; }
            action = {handler, 0, 0, 0};
        syscall(SYS_rt_sigaction, s, &action, 0, 8); /* KILL and STOP: no */
    }
}

static void block(void)
{
    unsigned long all = ~0UL;
    must("block", syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8));
}

static void out(int fd)
{
    must("out", fd);
    must("out", dup2(fd, 1));
}

static void apply(char *what)
{
    int pair[2];
    if (!strncmp(what, "limit:", 6))
        limit(what + 6);
    else if (!strncmp(what, "close:", 6)) {
        for (char *c = what + 6; *c; c++)
            close(*c - '0');
    } else if (!strcmp(what, "nice"))
        must(what, setpriority(PRIO_PROCESS, 0, 19));
    else if (!strcmp(what, "idle") || !strcmp(what, "batch")) {
        struct sched_param zero = {0};
        must(what, sched_setscheduler(0, *what == 'i' ? SCHED_IDLE : SCHED_BATCH, &zero));
    } else if (!strcmp(what, "reset-on-fork")) {
        struct sched_param zero = {0};
        must(what, sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
    } else if (!strcmp(what, "ioprio"))
        must(what, syscall(SYS_ioprio_set, 1, 0, 3 << 13 | 7));
    else if (!strcmp(what, "affinity")) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(0, &one);
        must(what, sched_setaffinity(0, sizeof one, &one));
    } else if (!strcmp(what, "timerslack"))
        must(what, prctl(PR_SET_TIMERSLACK, 1234567UL, 0, 0, 0));
    else if (!strcmp(what, "oom"))
        put("/proc/self/oom_score_adj", "1000");
    else if (!strcmp(what, "coredump-filter"))
        put("/proc/self/coredump_filter", "0x7f");
    else if (!strcmp(what, "umask"))
        umask(0777);
    else if (!strcmp(what, "umask0"))
        umask(0);
    else if (!strcmp(what, "personality"))
        must(what, personality(UNAME26 | ADDR_NO_RANDOMIZE | SHORT_INODE | WHOLE_SECONDS | STICKY_TIMEOUTS));
    else if (!strcmp(what, "linux32"))
        must(what, personality(PER_LINUX32));
    else if (!strcmp(what, "no-thp"))
        must(what, prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    else if (!strcmp(what, "mdwe"))
        must(what, prctl(65, 1UL, 0, 0, 0)); /* PR_SET_MDWE */
    else if (!strcmp(what, "tsc"))
        must(what, prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0));
    else if (!strcmp(what, "mempolicy")) {
        unsigned long node = 1;
        must(what, syscall(SYS_set_mempolicy, 2, &node, 64));
    } else if (!strcmp(what, "keyring"))
        must(what, syscall(SYS_keyctl, 1, "hostile"));
    else if (!strcmp(what, "no-new-privs"))
        must(what, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    else if (!strcmp(what, "undumpable"))
        must(what, prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    else if (!strcmp(what, "pdeathsig"))
        must(what, prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
    else if (!strcmp(what, "ignore"))
        signals(SIG_IGN);
    else if (!strcmp(what, "ignore-child"))
        signal(SIGCHLD, SIG_IGN);
    else if (!strcmp(what, "block"))
        block();
    else if (!strcmp(what, "pending")) {
        block();
        for (int s = 1; s <= 64; s++)
            if (s != SIGKILL && s != SIGSTOP)
                kill(getpid(), s);
    } else if (!strncmp(what, "timers:", 7)) {
        suseconds_t after = atoi(what + 7);
        struct itimerval soon = {{0, after}, {0, after}};
        setitimer(ITIMER_REAL, &soon, 0);
        setitimer(ITIMER_VIRTUAL, &soon, 0);
        setitimer(ITIMER_PROF, &soon, 0);
    } else if (!strcmp(what, "deleted")) {
        char path[64];
        sprintf(path, "/tmp/deleted.%d", getpid());
        must(what, mkdir(path, 0700));
        must(what, chmod(path, 0700));
        must(what, chdir(path));
        must(what, rmdir(path));
    } else if (!strcmp(what, "descriptors")) {
        must(what, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
        must(what, pipe(pair));
        open("/etc/passwd", O_RDONLY);
        open("/", O_RDONLY | O_DIRECTORY);
        for (int fd = 50; fd < 1000; fd += 50)
            dup2(pair[1], fd);
    } else if (!strcmp(what, "out:full"))
        out(open("/dev/full", O_WRONLY));
    else if (!strcmp(what, "out:folder"))
        out(open("/", O_RDONLY | O_DIRECTORY));
    else if (!strcmp(what, "out:read-only"))
        out(open("/etc/passwd", O_RDONLY));
    else if (!strcmp(what, "out:path"))
        out(open("/etc/passwd", O_PATH));
    else if (!strcmp(what, "out:closed-pipe") || !strcmp(what, "out:closed-socket")) {
        must(what, what[11] == 'p' ? pipe(pair) : socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
        out(pair[1]);
        close(pair[0]);
        close(pair[1]);
    } else if (!strcmp(what, "out:full-nonblocking")) {
        must(what, pipe(pair));
        must(what, fcntl(pair[1], F_SETFL, O_NONBLOCK));
        while (write(pair[1], pair, 1) == 1)
            continue;
        if (fork() == 0) { /* somebody keeps the other end open */
            close(1);
            close(2);
            sleep(20);
            _exit(0);
        }
        out(pair[1]);
    } else {
        errno = EINVAL;
        must(what, -1);
    }
}

int main(int count, char **words)
{
    (void)count;
    while (*++words && strcmp(*words, "--"))
        if (!strncmp(*words, "acct:", 5))
            must("acct", acct(words[0][5] ? *words + 5 : NULL));
        else if (!strcmp(*words, "no-argv")) {
            char *none[] = {NULL};
            execve(words[2], none, environ);
        } else
            apply(*words);
    if (!*words || !words[1])
        return 0;
    execvp(words[1], words + 1);
    must(words[1], -1);
}
