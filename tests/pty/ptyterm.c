/*
 * Runs a program in a pty with libvterm as the terminal and follows a script, a command a line:
 *   wait TEXT          until the screen shows TEXT (20 s), else fail
 *   waitgone TEXT      until it does not
 *   waitlong TEXT      as wait, but three minutes: for what a story brings
 *   expect TEXT / refute TEXT    on the screen now
 *   refute-raw HEX     bytes never sent by the program
 *   key NAME           Enter Esc Tab Up Down PgDn ctrl-x F1 or one character
 *   type TEXT          as typed; paste TEXT: as a bracketed paste
 *   resize ROWS COLS
 *   signal NAME        TERM HUP INT QUIT TSTP CONT WINCH USR1 SEGV ABRT to the program
 *   hangup             closes the master
 *   exit STATUS        the program ends by itself with it (5 s); "exit signal N" for a signal
 *   stopped            the program is stopped by a signal (5 s)
 *   sane               the tty has the settings it had before and the main screen is shown
 *   screen             print the screen
 *   golden FILE        the screen equals the file; UPDATE_GOLDEN=1 writes it
 *   bytes-below N MS   over MS milliseconds fewer than N bytes are sent
 *   run COMMAND        by the shell, beside the program; its status is 0
 * Usage: ptyterm ROWS COLS SCRIPT COMMAND [ARG ...]. Exit 0 when every line held.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <utmp.h>
#include <unistd.h>

#include <vterm.h>

enum {
    WAIT_MS = 20000,
    WAIT_LONG_MS = 180000,
    RAW_MAX = 64 << 20,
    SCREEN_BYTES = 400 * 400 * 4
};

struct pt {
    VTerm *vt;
    VTermScreen *screen;
    int rows, cols, master, slave;
    pid_t pid;
    struct termios before;
    char *raw;
    size_t raw_len, raw_cap;
    bool is_alt, is_gone;
    int status;
    char text[SCREEN_BYTES];
};

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int on_prop(VTermProp prop, VTermValue *val, void *user)
{
    struct pt *p = user;

    if (prop == VTERM_PROP_ALTSCREEN)
        p->is_alt = val->boolean;
    return 1;
}

static void on_output(const char *s, size_t len, void *user)
{
    struct pt *p = user;

    /* Answers of the terminal to queries. */
    if (p->master >= 0 && write(p->master, s, len) < 0)
        perror("write");
}

static void take(struct pt *p, const char *buf, size_t n)
{
    if (p->raw_len + n > p->raw_cap && p->raw_cap < RAW_MAX) {
        p->raw_cap = (p->raw_len + n) * 2;
        p->raw = realloc(p->raw, p->raw_cap);
        if (!p->raw)
            abort();
    }
    if (p->raw_len + n <= p->raw_cap) {
        memcpy(p->raw + p->raw_len, buf, n);
        p->raw_len += n;
    }
    vterm_input_write(p->vt, buf, n);
}

/* Read what comes within `ms`; returns bytes read. */
static size_t pump(struct pt *p, int ms)
{
    char buf[65536];
    size_t total = 0;
    int64_t until = now_ms() + ms;

    while (p->master >= 0) {
        struct pollfd fd = { .fd = p->master, .events = POLLIN };
        int64_t left = until - now_ms();
        if (poll(&fd, 1, left > 0 ? (int)left : 0) <= 0)
            break;
        ssize_t n = read(p->master, buf, sizeof buf);
        if (n <= 0) {
            if (n < 0 && errno == EINTR)
                continue;
            break; /* EIO: the other side is closed */
        }
        take(p, buf, (size_t)n);
        total += (size_t)n;
        if (left <= 0)
            break;
    }
    return total;
}

static const char *screen_text(struct pt *p)
{
    size_t n = 0;

    for (int r = 0; r < p->rows; r++) {
        size_t end = n;
        for (int c = 0; c < p->cols; c++) {
            VTermScreenCell cell;
            VTermPos pos = { r, c };
            vterm_screen_get_cell(p->screen, pos, &cell);
            if (cell.chars[0] == (uint32_t)-1)
                continue; /* right half of a wide character */
            if (n + 32 > sizeof p->text)
                break;
            if (!cell.chars[0])
                p->text[n++] = ' ';
            for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++) {
                uint32_t cp = cell.chars[i];
                if (cp < 0x80) {
                    p->text[n++] = (char)cp;
                } else if (cp < 0x800) {
                    p->text[n++] = (char)(0xc0 | cp >> 6);
                    p->text[n++] = (char)(0x80 | (cp & 63));
                } else if (cp < 0x10000) {
                    p->text[n++] = (char)(0xe0 | cp >> 12);
                    p->text[n++] = (char)(0x80 | (cp >> 6 & 63));
                    p->text[n++] = (char)(0x80 | (cp & 63));
                } else {
                    p->text[n++] = (char)(0xf0 | cp >> 18);
                    p->text[n++] = (char)(0x80 | (cp >> 12 & 63));
                    p->text[n++] = (char)(0x80 | (cp >> 6 & 63));
                    p->text[n++] = (char)(0x80 | (cp & 63));
                }
            }
            if (p->text[n - 1] != ' ')
                end = n;
        }
        n = end;
        p->text[n++] = '\n';
    }
    p->text[n] = '\0';
    return p->text;
}

static bool wait_text(struct pt *p, const char *text, bool present, int64_t limit_ms)
{
    int64_t until = now_ms() + limit_ms;

    do {
        if ((strstr(screen_text(p), text) != NULL) == present)
            return true;
        pump(p, 20);
    } while (now_ms() < until);
    return false;
}

static void send_bytes(struct pt *p, const char *s, size_t n)
{
    while (n > 0 && p->master >= 0) {
        ssize_t w = write(p->master, s, n > 512 ? 512 : n);
        if (w < 0 && errno != EAGAIN && errno != EINTR)
            return;
        if (w > 0) {
            s += w;
            n -= (size_t)w;
        }
        pump(p, 0);
    }
}

static bool send_key(struct pt *p, const char *name)
{
    static const struct {
        const char *name, *bytes;
    } keys[] = {
        { "Enter", "\r" },    { "Esc", "\033" },       { "Tab", "\t" },       { "Space", " " },
        { "Up", "\033OA" },   { "Down", "\033OB" },    { "Right", "\033OC" }, { "Left", "\033OD" },
        { "Home", "\033OH" }, { "End", "\033OF" },     { "PgUp", "\033[5~" }, { "PgDn", "\033[6~" },
        { "F1", "\033OP" },   { "Backspace", "\x7f" },
    };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!strcmp(keys[i].name, name)) {
            send_bytes(p, keys[i].bytes, strlen(keys[i].bytes));
            return true;
        }
    }
    if (!strncmp(name, "ctrl-", 5) && name[5]) {
        char c = (char)(name[5] & 0x1f);
        send_bytes(p, &c, 1);
        return true;
    }
    send_bytes(p, name, strlen(name));
    return *name != '\0';
}

static bool wait_child(struct pt *p, int flags, int *status)
{
    int64_t until = now_ms() + 5000;

    do {
        pump(p, 10);
        pid_t got = p->is_gone ? p->pid : waitpid(p->pid, &p->status, WNOHANG | flags);
        if (got == p->pid) {
            *status = p->status;
            if (!WIFSTOPPED(p->status))
                p->is_gone = true;
            pump(p, 100);
            return true;
        }
    } while (now_ms() < until);
    return false;
}

static int signal_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } table[] = {
        { "TERM", SIGTERM }, { "HUP", SIGHUP },   { "INT", SIGINT },     { "QUIT", SIGQUIT },
        { "TSTP", SIGTSTP }, { "CONT", SIGCONT }, { "WINCH", SIGWINCH }, { "SEGV", SIGSEGV },
        { "ABRT", SIGABRT }, { "KILL", SIGKILL },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].name, name))
            return table[i].number;
    return 0;
}

static bool is_sane(struct pt *p)
{
    struct termios t;

    if (tcgetattr(p->slave, &t) != 0)
        return false;
    if (t.c_lflag != p->before.c_lflag || t.c_iflag != p->before.c_iflag ||
        t.c_oflag != p->before.c_oflag) {
        printf("tty flags differ: lflag %x was %x, iflag %x was %x, oflag %x was %x\n", t.c_lflag,
               p->before.c_lflag, t.c_iflag, p->before.c_iflag, t.c_oflag, p->before.c_oflag);
        return false;
    }
    if (p->is_alt)
        puts("the alternate screen is still shown");
    return !p->is_alt;
}

static bool never_sent(const struct pt *p, const char *hex)
{
    char want[256];
    size_t n = 0;

    for (; hex[0] && hex[1] && n < sizeof want; hex += 2) {
        char two[3] = { hex[0], hex[1], '\0' };
        want[n++] = (char)strtol(two, NULL, 16);
    }
    return n > 0 && !memmem(p->raw, p->raw_len, want, n);
}

static bool golden(struct pt *p, const char *path)
{
    const char *text = screen_text(p);
    static char have[SCREEN_BYTES];
    FILE *f;

    if (getenv("UPDATE_GOLDEN")) {
        f = fopen(path, "w");
        if (!f || fputs(text, f) < 0)
            return false;
        return fclose(f) == 0;
    }
    f = fopen(path, "r");
    if (!f)
        return false;
    size_t n = fread(have, 1, sizeof have - 1, f);
    have[n] = '\0';
    fclose(f);
    if (!strcmp(have, text))
        return true;
    printf("--- %s\n%s--- screen\n%s", path, have, text);
    return false;
}

static bool command_exit(struct pt *p, const char *arg)
{
    int status;

    if (!wait_child(p, 0, &status)) {
        puts("it did not end within 5 s");
        return false;
    }
    bool ok = !strncmp(arg, "signal ", 7)
                  ? WIFSIGNALED(status) && WTERMSIG(status) == signal_number(arg + 7)
                  : WIFEXITED(status) && WEXITSTATUS(status) == atoi(arg);
    if (!ok)
        printf("it ended with %s %d\n", WIFEXITED(status) ? "status" : "signal",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return ok;
}

static void resize(struct pt *p, const char *arg)
{
    struct winsize ws = { 0 };

    sscanf(arg, "%d %d", &p->rows, &p->cols);
    ws.ws_row = (unsigned short)p->rows;
    ws.ws_col = (unsigned short)p->cols;
    vterm_set_size(p->vt, p->rows, p->cols);
    ioctl(p->master, TIOCSWINSZ, &ws);
}

static bool bytes_below(struct pt *p, const char *arg)
{
    long most = 0, ms = 0;
    size_t n = 0;

    sscanf(arg, "%ld %ld", &most, &ms);
    int64_t until = now_ms() + ms;
    while (now_ms() < until)
        n += pump(p, 50);
    if (n >= (size_t)most)
        printf("%zu bytes were sent\n", n);
    return n < (size_t)most;
}

/* What goes on outside the terminal meanwhile: another server, a clock to note. */
static bool run_command(const char *command)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool run_line(struct pt *p, const char *cmd, const char *arg)
{
    int status;

    if (!strcmp(cmd, "wait"))
        return wait_text(p, arg, true, WAIT_MS);
    if (!strcmp(cmd, "waitgone"))
        return wait_text(p, arg, false, WAIT_MS);
    if (!strcmp(cmd, "waitlong"))
        return wait_text(p, arg, true, WAIT_LONG_MS);
    if (!strcmp(cmd, "expect"))
        return strstr(screen_text(p), arg) != NULL;
    if (!strcmp(cmd, "refute"))
        return strstr(screen_text(p), arg) == NULL;
    if (!strcmp(cmd, "refute-raw"))
        return never_sent(p, arg);
    if (!strcmp(cmd, "key"))
        return send_key(p, arg);
    if (!strcmp(cmd, "type"))
        return send_bytes(p, arg, strlen(arg)), true;
    if (!strcmp(cmd, "paste")) {
        send_bytes(p, "\033[200~", 6);
        send_bytes(p, arg, strlen(arg));
        send_bytes(p, "\nQ\n\033[201~", 9);
        return true;
    }
    if (!strcmp(cmd, "resize"))
        return resize(p, arg), true;
    if (!strcmp(cmd, "signal"))
        return kill(p->pid, signal_number(arg)) == 0;
    if (!strcmp(cmd, "hangup")) {
        close(p->master);
        close(p->slave);
        p->master = p->slave = -1;
        return true;
    }
    if (!strcmp(cmd, "exit"))
        return command_exit(p, arg);
    if (!strcmp(cmd, "stopped"))
        return wait_child(p, WUNTRACED, &status) && WIFSTOPPED(status);
    if (!strcmp(cmd, "sane"))
        return is_sane(p);
    if (!strcmp(cmd, "screen"))
        return fputs(screen_text(p), stdout) >= 0;
    if (!strcmp(cmd, "golden"))
        return golden(p, arg);
    if (!strcmp(cmd, "bytes-below"))
        return bytes_below(p, arg);
    if (!strcmp(cmd, "run"))
        return run_command(arg);
    printf("unknown command %s\n", cmd);
    return false;
}

static void start(struct pt *p, char **argv)
{
    struct winsize ws = { .ws_row = (unsigned short)p->rows, .ws_col = (unsigned short)p->cols };
    static VTermScreenCallbacks callbacks = { .settermprop = on_prop };

    if (openpty(&p->master, &p->slave, NULL, NULL, &ws) != 0) {
        perror("openpty");
        exit(2);
    }
    tcgetattr(p->slave, &p->before);
    p->pid = fork();
    if (p->pid == 0) {
        close(p->master);
        login_tty(p->slave);
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    fcntl(p->master, F_SETFL, O_NONBLOCK);
    p->vt = vterm_new(p->rows, p->cols);
    vterm_set_utf8(p->vt, 1);
    vterm_output_set_callback(p->vt, on_output, p);
    p->screen = vterm_obtain_screen(p->vt);
    vterm_screen_set_callbacks(p->screen, &callbacks, p);
    vterm_screen_enable_altscreen(p->screen, 1);
    vterm_screen_reset(p->screen, 1);
}

static bool run_script(struct pt *p, FILE *script)
{
    char line[4096];

    for (int n = 1; fgets(line, sizeof line, script); n++) {
        line[strcspn(line, "\n")] = '\0';
        if (!*line || *line == '#')
            continue;
        char *arg = strchr(line, ' ');
        if (arg)
            *arg++ = '\0';
        if (!run_line(p, line, arg ? arg : "")) {
            printf("line %d: %s %s: failed; the screen:\n%s", n, line, arg ? arg : "",
                   screen_text(p));
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct pt p;
    FILE *script;

    if (argc < 5) {
        fputs("ptyterm ROWS COLS SCRIPT COMMAND [ARG ...]\n", stderr);
        return 2;
    }
    p.rows = atoi(argv[1]);
    p.cols = atoi(argv[2]);
    script = strcmp(argv[3], "-") ? fopen(argv[3], "r") : stdin;
    if (!script) {
        perror(argv[3]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    start(&p, argv + 4);
    bool ok = run_script(&p, script);
    if (!p.is_gone) {
        kill(p.pid, SIGCONT);
        kill(p.pid, SIGKILL);
        waitpid(p.pid, NULL, 0);
    }
    vterm_free(p.vt);
    free(p.raw);
    return ok ? 0 : 1;
}
