/* argv to subcommand to exit status, after the process has been made safe. See app.h. */
#include "opsdeck/app/app.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opsdeck/base/clock.h"
#include "opsdeck/base/hide.h"
#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/net/redact.h"
#include "opsdeck/ui/term.h"

#include "app_priv.h"

/* Give the terminal back, then die of the same signal. Only async-signal-safe calls. */
static void on_crash(int signum)
{
    static const char text[] = "opsdeck: crashed; the store is consistent; the log is beside it\n";

    term_panic();
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    signal(signum, SIG_DFL);
    raise(signum);
}

/* Files 0 to 2 must exist, or the store would be opened in their place. */
static void open_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_SOFTWARE);
}

static void make_safe(void)
{
    static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

    open_standard_files();
    umask(077);
    /* Sanitizers trace the process themselves and report crashes better. */
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit none = { 0, 0 };
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
        signal(crashes[i], on_crash);
#else
    (void)crashes;
    (void)on_crash;
#endif
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    unsetenv("SSLKEYLOGFILE");
    unsetenv("CURL_SSL_BACKEND");
    setlocale(LC_CTYPE, ""); /* LC_NUMERIC stays "C": JSON and SQL want points */
    setlocale(LC_TIME, "C");
    hide_set_hooks(&redact_hooks);
    memory_policy();
}

static int run(struct app *a, int argc, char **argv)
{
    const struct command *cmd;
    struct err e = { 0 };

    if (!options_parse(a->mem, argc, argv, &a->o, &cmd, &e))
        return fail(a, &e);
    if (a->o.version) {
        printf("opsdeck %s\n", OPSDECK_VERSION);
        return EXIT_GOOD;
    }
    if (a->o.help) {
        print_usage(stdout, cmd);
        return EXIT_GOOD;
    }
    return cmd ? cmd->run(a) : cmd_dashboard(a);
}

int app_main(int argc, char **argv)
{
    struct app a = { 0 };

    if (argc < 1 || getuid() != geteuid() || getgid() != getegid() || getauxval(AT_SECURE)) {
        fputs("opsdeck: must not run set-uid or set-gid\n", stderr);
        return EXIT_SOFTWARE;
    }
    make_safe();
    a.mem = arena_new();
    a.clock = clock_system();
    int status = run(&a, argc, argv);
    status = out_end(&a.out, status);
    app_release(&a);
    log_close();
    return status;
}
