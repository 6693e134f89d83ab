/*
 * The one table of actions: id, name in config and `:`, default keys (alternatives separated
 * by spaces), help line. The enum, the key parser, the help pane and docs/keys.md all come
 * from here. Used by every file of this room.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_UI_ACTIONS_H
#define OPSDECK_UI_ACTIONS_H

/* clang-format off */
#define ACTIONS(X)                                                                                 \
    X(UP,           "up",              "k Up",       "Move up")                                    \
    X(DOWN,         "down",            "j Down",     "Move down")                                  \
    X(LEFT,         "left",            "Left",       "Scroll left (wide tables, unwrapped text)")  \
    X(RIGHT,        "right",           "Right",      "Scroll right (wide tables, unwrapped text)") \
    X(PAGE_UP,      "page-up",         "PgUp ctrl-b",   "Move up a page")                          \
    X(PAGE_DOWN,    "page-down",       "PgDn ctrl-f",   "Move down a page")                        \
    X(HALF_UP,      "half-up",         "ctrl-u",     "Move up half a page")                        \
    X(HALF_DOWN,    "half-down",       "ctrl-d",     "Move down half a page")                      \
    X(TOP,          "top",             "g Home",     "Go to the first row")                        \
    X(BOTTOM,       "bottom",          "G End",      "Go to the last row")                         \
    X(OPEN,         "open",            "Enter",      "Open what the cursor is on")                 \
    X(BACK,         "back",            "Esc",        "Clear the filter, or go back to the pane before") \
    X(BACK_OR_QUIT, "back-or-quit",    "q",          "As back; on the first pane leave opsdeck") \
    X(QUIT,         "quit",            "Q",          "Leave opsdeck")                              \
    X(CANCEL,       "cancel",          "ctrl-c",     "Cancel; twice within 2 s leaves opsdeck")    \
    X(NEXT_VIEW,    "next-view",       "Tab",        "Next view")                                  \
    X(PREV_VIEW,    "prev-view",       "shift-Tab",  "View before")                                \
    X(VIEW_1,       "view-1",          "1",          "View 1")                                     \
    X(VIEW_2,       "view-2",          "2",          "View 2")                                     \
    X(VIEW_3,       "view-3",          "3",          "View 3")                                     \
    X(VIEW_4,       "view-4",          "4",          "View 4")                                     \
    X(VIEW_5,       "view-5",          "5",          "View 5")                                     \
    X(VIEW_6,       "view-6",          "6",          "View 6")                                     \
    X(VIEW_7,       "view-7",          "7",          "View 7")                                     \
    X(VIEW_8,       "view-8",          "8",          "View 8")                                     \
    X(VIEW_9,       "view-9",          "9",          "View 9")                                     \
    X(LAST_VIEW,    "last-view",       "-",          "The view shown before this one")             \
    X(HISTORY_BACK, "history-back",    "[",          "Back through the places visited")            \
    X(HISTORY_FORWARD, "history-forward", "]",       "Forward through the places visited")         \
    X(FILTER,       "filter",          "/",          "Filter rows (words, key:value, !term); search in text") \
    X(NEXT_MATCH,   "next-match",      "n",          "Next match")                                 \
    X(PREV_MATCH,   "prev-match",      "N",          "Match before")                               \
    X(NEXT_PROBLEM, "next-problem",    "e",          "Next row that is not ok")                    \
    X(PREV_PROBLEM, "prev-problem",    "E",          "Row before that is not ok")                  \
    X(PROBLEMS,     "problems-only",   "!",          "Show only rows that are not ok, and back")   \
    X(SORT_NEXT,    "sort-next",       "shift-Right", "Sort by the next column")                   \
    X(SORT_PREV,    "sort-prev",       "shift-Left", "Sort by the column before")                  \
    X(SORT_INVERT,  "sort-invert",     "I",          "Invert the order")                           \
    X(SORT_DEFAULT, "sort-default",    "O",          "Back to the pane's own order")               \
    X(SORT_PICK,    "sort-pick",       "S",          "Sort by a column picked by name")            \
    X(WIDE,         "wide",            "ctrl-w",     "Wide columns in tables, line wrap in text")  \
    X(DETAIL,       "detail",          "d",          "All fields of the row, each in full")        \
    X(RAW,          "raw",             "y",          "The row as JSON")                            \
    X(HISTORY,      "history",         "l",          "What was known of this row, newest first")   \
    X(WHY,          "why",             "W",          "Why the row has its status: rule, source, answer") \
    X(COPY,         "copy",            "c",          "Copy the key of the row")                    \
    X(COPY_ROW,     "copy-row",        "C",          "Copy the row as JSON")                       \
    X(COPY_URL,     "copy-url",        "o",          "Show and copy the URL of the row")           \
    X(REFRESH,      "refresh",         "r",          "Poll this pane's sources now")               \
    X(REFRESH_ALL,  "refresh-all",     "R",          "Poll every source now, within its budget")   \
    X(REDRAW,       "redraw",          "ctrl-l",     "Draw the whole screen anew")                 \
    X(PAUSE,        "pause",           "=",          "Stop and resume taking in new data")         \
    X(COMMAND,      "command",         ": ctrl-p",   "Command line")                               \
    X(HELP,         "help",            "? F1",       "This list; Enter runs")                      \
    X(OWN_LOG,      "own-log",         "@",          "opsdeck's own log")                          \
    X(RELOAD,       "reload",          "",           "Read the configuration again")               \
    X(SUSPEND,      "suspend",         "ctrl-z",     "Suspend opsdeck (fg brings it back)")
/* clang-format on */

#define X(id, name, keys, help) ACT_##id,
enum action {
    ACT_NONE,
    ACTIONS(X) ACT_COUNT
};
#undef X

/* By its name; ACT_NONE when there is none. */
enum action action_by_name(const char *name);
const char *action_name(enum action a);
const char *action_help(enum action a);
const char *action_default_keys(enum action a);

#endif
