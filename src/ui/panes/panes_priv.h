/*
 * The operations of panes written in code, for the registry in builtin.c.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_PANES_PRIV_H
#define OPSDECK_UI_PANES_PRIV_H

struct pane_ops;

extern const struct pane_ops pane_help_ops, pane_log_ops, pane_raw_ops, pane_raw_source_ops;

#endif
