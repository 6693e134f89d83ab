/*
 * What term.c needs of the terminal that is not curses: the device itself and the clipboard.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_TERM_PRIV_H
#define OPSDECK_UI_TERM_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sbuf;

enum {
    OSC52_MAX_BYTES = 74994
};

/* OSC 52 with `text` in base64; inside tmux wrapped for pass-through. False: over the cap. */
bool clipboard_sequence(struct sbuf *out, const char *text, bool is_tmux);
/*
 * Write it to `fd`; inside tmux also through `tmux load-buffer -w`, which its default
 * settings let through where they drop the sequence.
 */
bool clipboard_send(int fd, const char *text, bool is_tmux);

/* All of it, unless the terminal has gone; that is noticed by the next read. */
void tty_send(const char *s);
bool tty_is_gone(void);
bool tty_is_writable(void);
int64_t tty_mono_ms(void);
/* Keep the modes to give back in term_panic(); disarmed while the terminal is given back. */
void tty_panic_arm(void);
void tty_panic_rearm(void);
void tty_panic_disarm(void);

#endif
