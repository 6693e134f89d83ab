/* Copying over SSH: OSC 52 (xterm control sequences), and the way around tmux's defaults. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/require.h"

#include "term_priv.h"

extern char **environ;

static void add_base64(struct sbuf *out, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = (const unsigned char *)text;

    for (size_t n = strlen(text); n > 0;) {
        size_t k = n < 3 ? n : 3;
        unsigned v = (unsigned)s[0] << 16 | (k > 1 ? (unsigned)s[1] << 8 : 0) | (k > 2 ? s[2] : 0);

        sbuf_addc(out, digits[v >> 18]);
        sbuf_addc(out, digits[v >> 12 & 63]);
        sbuf_addc(out, k > 1 ? digits[v >> 6 & 63] : '=');
        sbuf_addc(out, k > 2 ? digits[v & 63] : '=');
        s += k;
        n -= k;
    }
}

bool clipboard_sequence(struct sbuf *out, const char *text, bool is_tmux)
{
    require(out && text);
    if ((strlen(text) + 2) / 3 * 4 > OSC52_MAX_BYTES)
        return false;
    /* Pass-through of tmux: every ESC inside is doubled. */
    sbuf_adds(out, is_tmux ? "\033Ptmux;\033\033]52;c;" : "\033]52;c;");
    add_base64(out, text);
    sbuf_adds(out, is_tmux ? "\a\033\\" : "\a");
    return !out->is_full;
}

static bool write_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, s, n);
        if (w < 0 && errno != EINTR)
            return false;
        if (w > 0) {
            s += w;
            n -= (size_t)w;
        }
    }
    return true;
}

/* The text fits into a pipe whole (64 KiB by default), so the write does not wait. */
static bool tmux_load(const char *text)
{
    char name[] = "tmux", load[] = "load-buffer", wide[] = "-w", from[] = "-";
    char *const argv[] = { name, load, wide, from, NULL };
    posix_spawn_file_actions_t fa;
    int fds[2];
    pid_t pid;
    bool ok = false;

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    /* The child reads a blocking end; only ours must never wait. */
    fcntl(fds[0], F_SETFL, 0);
    if (posix_spawn_file_actions_init(&fa) == 0) {
        posix_spawn_file_actions_adddup2(&fa, fds[0], STDIN_FILENO);
        posix_spawn_file_actions_addopen(&fa, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        ok = posix_spawnp(&pid, "tmux", &fa, NULL, argv, environ) == 0 &&
             write_all(fds[1], text, strlen(text));
        posix_spawn_file_actions_destroy(&fa);
    }
    close(fds[0]);
    close(fds[1]);
    return ok;
}

bool clipboard_send(int fd, const char *text, bool is_tmux)
{
    struct sbuf sb;
    bool ok;

    sbuf_init(&sb, OSC52_MAX_BYTES + 64);
    ok = clipboard_sequence(&sb, text, is_tmux);
    if (ok && is_tmux)
        ok = tmux_load(text) || write_all(fd, sb.buf, sb.len);
    else if (ok)
        ok = write_all(fd, sb.buf, sb.len);
    sbuf_release(&sb);
    return ok;
}
