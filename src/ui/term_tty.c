/*
 * The terminal device without curses: writing to it, whether it is gone or takes anything,
 * and the reset for last words, which may run in a signal handler. Used by term.c only.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "opsdeck/ui/term.h"

#include "opsdeck/base/clock.h"
#include "opsdeck/base/require.h"

#include "term_priv.h"

/*
 * What term_panic() needs. A crash handler has no argument to be given, hence the one piece
 * of global state of this room: set when a terminal is opened, cleared when it is given back.
 */
static volatile sig_atomic_t panic_armed;
static struct termios panic_tio;

void tty_panic_arm(void)
{
    if (tcgetattr(STDIN_FILENO, &panic_tio) == 0)
        panic_armed = 1;
}

void tty_panic_rearm(void)
{
    panic_armed = 1;
}

void tty_panic_disarm(void)
{
    panic_armed = 0;
}

void term_panic(void)
{
    /* Paste marks and keypad off, main screen, plain attributes, cursor on. */
    static const char reset[] = "\033[?2004l\033[?1l\033>\033[?1049l\033[0m\033(B\033[?25h\r\n";
    int keep = errno;

    if (!panic_armed)
        return;
    panic_armed = 0;
    ssize_t n = write(STDOUT_FILENO, reset, sizeof reset - 1);
    (void)n; /* nobody is left to be told */
    tcsetattr(STDIN_FILENO, TCSANOW, &panic_tio);
    errno = keep;
}

void tty_send(const char *s)
{
    require(s);
    size_t n = strlen(s);

    /* A terminal that has gone is noticed by the next read. */
    while (n > 0) {
        ssize_t w = write(STDOUT_FILENO, s, n);
        if (w < 0 && errno != EINTR)
            return;
        if (w > 0) {
            s += w;
            n -= (size_t)w;
        }
    }
}

int64_t tty_mono_ms(void)
{
    return clock_mono_ms(clock_system());
}

/* get_wch() says the same for "nothing there" and "gone"; the kernel knows which. */
bool tty_is_gone(void)
{
    struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
    int waiting = 0;

    if (poll(&p, 1, 0) <= 0)
        return false;
    if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
        return true;
    return ioctl(STDIN_FILENO, FIONREAD, &waiting) != 0 || waiting == 0;
}

bool tty_is_writable(void)
{
    struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

    return poll(&p, 1, 0) > 0 && (p.revents & POLLOUT);
}
