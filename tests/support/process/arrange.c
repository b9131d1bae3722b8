/* Brings a process into a state and then becomes another program:
 *   arrange [STEP...] -- ARGV-FILE ENVIRONMENT-FILE PROGRAM
 * The files hold the strings of argv and environment with a zero byte behind each. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void need(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "arrange: %s: %s\n", what, strerror(errno));
  exit(99);
}

static char **strings(const char *path) {
  FILE *file = fopen(path, "r");
  need(file != NULL, path);
  char *text = malloc(1 << 20);
  size_t length = fread(text, 1, 1 << 20, file), count = 0;
  fclose(file);
  char **list = malloc((length + 2) * sizeof *list);
  for (size_t at = 0; at < length; at += strlen(text + at) + 1) list[count++] = text + at;
  list[count] = NULL;
  return list;
}

static void put(int fd, int number) {
  if (fd == number) return;
  need(dup2(fd, number) == number, "dup2");
  close(fd);
}

static void open_as(int number, const char *kind) {
  int two[2];
  if (!strcmp(kind, "file")) put(open("/etc/passwd", O_RDONLY), number);
  else if (!strcmp(kind, "null")) put(open("/dev/null", O_RDWR), number);
  else if (!strcmp(kind, "folder")) put(open("/", O_RDONLY | O_DIRECTORY), number);
  else if (!strcmp(kind, "eventfd")) put(eventfd(3, 0), number);
  else if (!strcmp(kind, "epoll")) put(epoll_create1(0), number);
  else if (!strcmp(kind, "socket")) { need(socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0, kind); close(two[1]); put(two[0], number); }
  else if (!strcmp(kind, "pipe") || !strcmp(kind, "impatient")) {
    need(pipe(two) == 0, kind);
    if (*kind == 'i') fcntl(two[0], F_SETFL, O_NONBLOCK);
    close(two[1]);
    put(two[0], number);
  } else need(0, kind);
}

/* In a terminal of its own; what is written to it goes to stdout. */
static void in_terminal(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  need(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "terminal");
  char *name = strdup(ptsname(master));
  pid_t child = fork();
  if (child == 0) {
    setsid();
    int slave = open(name, O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    close(slave);
    close(master);
    return;
  }
  char piece[4096];
  ssize_t length;
  while ((length = read(master, piece, sizeof piece)) > 0) need(write(1, piece, length) == length, "write");
  int status;
  waitpid(child, &status, 0);
  exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void step(const char *name, char *value) {
  int number = value ? atoi(value) : 0;
  char *rest = value ? strchr(value, ':') : NULL;
  if (rest) rest++;
  sigset_t set;
  sigemptyset(&set);
  if (!strcmp(name, "ignore")) signal(number, SIG_IGN);
  else if (!strcmp(name, "block")) { sigaddset(&set, number); sigprocmask(SIG_BLOCK, &set, NULL); }
  else if (!strcmp(name, "raise")) kill(getpid(), number);
  else if (!strcmp(name, "open")) open_as(number, rest);
  else if (!strcmp(name, "close")) close(number);
  else if (!strcmp(name, "umask")) umask(strtol(value, NULL, 8));
  else if (!strcmp(name, "nice")) need(nice(number) != -1 || errno == 0, name);
  else if (!strcmp(name, "limit")) {
    struct rlimit limit;
    getrlimit(number, &limit);
    limit.rlim_cur = strtoul(rest, &rest, 10);
    if (*rest == ':') limit.rlim_max = strtoul(rest + 1, NULL, 10);
    need(setrlimit(number, &limit) == 0, name);
  } else if (!strcmp(name, "group")) need(setpgid(0, 0) == 0, name);
  else if (!strcmp(name, "session")) { if (getpgrp() == getpid()) if (fork()) { int s; wait(&s); exit(WEXITSTATUS(s)); } need(setsid() != -1, name); }
  else if (!strcmp(name, "terminal")) in_terminal();
  else if (!strcmp(name, "folder")) need(chdir(value) == 0, name);
  else if (!strcmp(name, "gone")) { need(mkdir(value, 0700) == 0 && chdir(value) == 0 && rmdir(value) == 0, name); }
  else if (!strcmp(name, "alarm")) alarm(number);
  else if (!strcmp(name, "parent-death")) prctl(PR_SET_PDEATHSIG, number);
  else if (!strcmp(name, "reaper")) prctl(PR_SET_CHILD_SUBREAPER, 1);
  else if (!strcmp(name, "no-privileges")) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  else if (!strcmp(name, "slack")) prctl(PR_SET_TIMERSLACK, number);
  else need(0, name);
}

int main(int count, char **words) {
  int at = 1;
  for (; at < count && strcmp(words[at], "--"); at++) {
    char *value = strchr(words[at], '=');
    if (value) *value++ = 0;
    errno = 0;
    step(words[at], value);
  }
  need(at + 3 < count, "too few words");
  char **argv = strings(words[at + 1]);
  extern char **environ;
  environ = strings(words[at + 2]);
  execvp(words[at + 3], argv);
  need(0, words[at + 3]);
}
