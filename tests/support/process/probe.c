/* Prints everything that a process gets from who started it, one property a line. `probe die N` ends by a signal,
 * `probe exit N` with a code, `probe mute` when the terminal shows no more what is typed. */
#define _GNU_SOURCE
#include <dirent.h>
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
#include <sys/stat.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

static FILE *out;

static void hex(const char *name, const char *text) {
  fprintf(out, "%s ", name);
  for (; *text; text++) fprintf(out, "%02x", (unsigned char)*text);
  fputc('\n', out);
}

static void files(void) {
  for (int fd = 0; fd < 1100; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fd == fileno(out)) continue;
    char link[64], target[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, target, sizeof target - 1) < 0) strcpy(target, "?");
    /* Numbers of pipes and sockets differ from run to run. */
    char *number = strchr(target, '[');
    if (number && (!strncmp(target, "pipe:", 5) || !strncmp(target, "socket:", 7))) *number = 0;
    fprintf(out, "file.%d %s at-exec=%d flags=%o at=%lld\n", fd, target, flags & FD_CLOEXEC, fcntl(fd, F_GETFL),
            (long long)lseek(fd, 0, SEEK_CUR));
  }
}

static void signals(void) {
  sigset_t blocked, pending;
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  sigpending(&pending);
  for (int number = 1; number < 65; number++) {
    struct sigaction now;
    if (sigaction(number, NULL, &now) != 0) continue;
    fprintf(out, "signal.%d %s%s%s\n", number,
            now.sa_handler == SIG_IGN ? "ignored" : now.sa_handler == SIG_DFL ? "default" : "handled",
            sigismember(&blocked, number) ? " blocked" : "", sigismember(&pending, number) ? " pending" : "");
  }
}

static void limits(void) {
  for (int resource = 0; resource < 16; resource++) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) continue;
    fprintf(out, "limit.%d.soft %llu\n", resource, (unsigned long long)limit.rlim_cur);
    fprintf(out, "limit.%d.hard %llu\n", resource, (unsigned long long)limit.rlim_max);
  }
}

static void system_says(void) {
  FILE *status = fopen("/proc/self/status", "r");
  char line[4096];
  while (status && fgets(line, sizeof line, status))
    for (const char *const *name = (const char *[]){"Uid:", "Gid:", "Groups:", "NoNewPrivs:", "Seccomp:", "Cap", "Speculation", "Cpus_allowed:", "CoreDumping:", "THP_enabled:", 0}; *name; name++)
      if (!strncmp(line, *name, strlen(*name))) fprintf(out, "status.%s", line);
  if (status) fclose(status);
}

int main(int count, char **words, char **environment) {
  if (count == 3 && !strcmp(words[1], "die")) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    raise(atoi(words[2]));
    return 98;
  }
  if (count == 3 && !strcmp(words[1], "exit")) return atoi(words[2]);
  if (count == 2 && !strcmp(words[1], "mute")) {
    struct termios mode;
    if (tcgetattr(0, &mode) != 0) return 96;
    mode.c_lflag &= ~ECHO;
    return tcsetattr(0, TCSANOW, &mode) == 0 ? 0 : 95;
  }
  const char *path = getenv("PROBE_OUT");
  out = fopen(path, "we");
  if (!out) return 97;
  /* First what asking would change. */
  files();
  for (int i = 0; i < count; i++) { char name[32]; snprintf(name, sizeof name, "argument.%d", i); hex(name, words[i]); }
  for (int i = 0; environment[i]; i++) { char name[32]; snprintf(name, sizeof name, "variable.%d", i); hex(name, environment[i]); }
  signals();
  limits();
  char folder[4096];
  hex("folder", getcwd(folder, sizeof folder) ? folder : strerror(errno));
  mode_t mask = umask(0);
  fprintf(out, "umask %o\n", mask);
  fprintf(out, "nice %d\n", getpriority(PRIO_PROCESS, 0));
  fprintf(out, "pid %d\n", getpid());
  fprintf(out, "parent %d\n", getppid());
  fprintf(out, "group.own %d\n", getpgrp() == getpid());
  fprintf(out, "session.own %d\n", getsid(0) == getpid());
  int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
  fprintf(out, "terminal %d foreground %d\n", terminal >= 0, terminal >= 0 && tcgetpgrp(terminal) == getpgrp());
  for (int fd = 0; fd < 3; fd++) {
    struct termios mode;
    if (tcgetattr(fd, &mode) == 0)
      fprintf(out, "terminal.%d %x %x %x %x\n", fd, mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag);
  }
  struct itimerval timer;
  getitimer(ITIMER_REAL, &timer);
  fprintf(out, "alarm %d\n", timer.it_value.tv_sec > 0);
  int parent_death = 0, reaper = 0;
  prctl(PR_GET_PDEATHSIG, &parent_death);
  prctl(PR_GET_CHILD_SUBREAPER, &reaper);
  fprintf(out, "parent-death %d\nreaper %d\nslack %d\nkeep-capabilities %d\ndumpable %d\n", parent_death, reaper,
          prctl(PR_GET_TIMERSLACK), prctl(PR_GET_KEEPCAPS), prctl(PR_GET_DUMPABLE));
  fprintf(out, "personality %x\nscheduler %d\n", personality(0xffffffff), sched_getscheduler(0));
  system_says();
  fclose(out);
  return 0;
}
