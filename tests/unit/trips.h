/* How a test trips a require(): in a child, whose last words are compared. */
#ifndef TESTS_UNIT_TRIPS_H
#define TESTS_UNIT_TRIPS_H

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* True when `call(arg)` ended with "FUNCTION() requires ..." and SIGABRT. */
static inline int trips(void (*call)(void *arg), void *arg, const char *function)
{
    char text[4096], want[128];
    size_t len = 0;
    int fds[2], status = 0;

    fflush(NULL);
    if (pipe(fds) != 0)
        return 0;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        call(arg);
        _exit(0);
    }
    close(fds[1]);
    for (ssize_t n; len + 1 < sizeof text; len += (size_t)n)
        if ((n = read(fds[0], text + len, sizeof text - 1 - len)) <= 0)
            break;
    text[len] = '\0';
    close(fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 0;
    snprintf(want, sizeof want, "%s() requires ", function);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, want) != NULL;
}

#endif
