/*
 * The command line: one table of options and one of commands; parsing, usage, completion and
 * the manual page all come from them.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/config/tree.h"

#include "app_priv.h"

const struct option_row option_rows[] = {
    { OPT_CONFIG, "config", "FILE", "read this file instead of config.yaml", 'g' },
    { OPT_STORE, "store", "DIR", "keep the cache in this folder", 'g' },
    { OPT_DEMO, "demo", NULL, "the demo estate: needs no config and no network", 'g' },
    { OPT_AT, "at", "TIME", "show that moment: 14:05, 2026-11-21T14:05:00Z or -30m", 'g' },
    { OPT_THEME, "theme", "NAME", "colours: terminal, mono, ...", 'g' },
    { OPT_COLOR, "color", "WHEN", "auto, never, 16, 256 or true", 'g' },
    { OPT_ASCII, "ascii", NULL, "no characters beyond ASCII on the screen", 'g' },
    { OPT_LINEAR, "linear", NULL, "no full screen: one line for each change", 'g' },
    { OPT_HELP, "help", NULL, "this text, or that of a command", 'g' },
    { OPT_VERSION, "version", NULL, "version and exit", 'g' },
    { OPT_JSON, "json", NULL, "one JSON document on stdout", 'o' },
    { OPT_CSV, "csv", NULL, "comma-separated values on stdout", 'o' },
    { OPT_SOURCE, "source", "NAME", "only this source; may be repeated", 's' },
    { OPT_SET, "set", "NAME=VALUE", "a param of the sources polled; may be repeated", 'p' },
    { OPT_FILTER, "filter", "EXPR", "words, key:value, !term", 'f' },
    { OPT_SINCE, "since", "TIME", "changes after this moment: 30m, 14:05, RFC 3339", 'c' },
    { OPT_AROUND, "around", "TIME", "changes nearest to this moment first", 'c' },
    { OPT_LIMIT, "limit", "N", "at most N rows", 'n' },
    { OPT_FIXTURES, "fixtures", "DIR", "where the recipe's test cases are", 'x' },
    { OPT_FORCE, "force", NULL, "write over a file that is there", 'w' },
};
const size_t noption_rows = ARRAY_LEN(option_rows);

const struct command commands[] = {
    { "poll", "", "poll once and report each source", 0, "osp", cmd_poll },
    { "collect", "", "poll for ever without a screen", 0, "", cmd_collect },
    { "status", "", "what is wrong now; exit 0 none, 1 warn, 2 crit, 3 unknown", 0, "o",
      cmd_status },
    { "list", "KIND", "rows of a kind", 1, "ofn", cmd_list },
    { "show", "[SOURCE/]KIND:KEY", "one row with its history", 1, "o", cmd_show },
    { "changes", "", "what changed, newest first", 0, "ofcn", cmd_changes },
    { "bluegreen", "[SHARED_ENV]", "which colour is live, and which step is safe next", 1, "o",
      cmd_bluegreen },
    { "query", "'SELECT ...'", "read-only SQL over entity, problem, change, source_state", 1, "on",
      cmd_query },
    { "config", "check | dump | explain [KEY] | init | path", "look at the configuration", 2, "ow",
      cmd_config },
    { "recipe", "list | show NAME | test NAME|FILE | new NAME", "look at recipes and test them", 2,
      "oxw", cmd_recipe },
    { "doctor", "", "is everything here that is needed", 0, "o", cmd_doctor },
    { "completion", "bash | zsh | fish", "completion for a shell", 1, "", cmd_completion },
    { "man", "", "the manual page in roff", 0, "", cmd_man },
    { "help", "[COMMAND]", "this text, or that of a command", 1, "", cmd_help },
};
const size_t ncommands = ARRAY_LEN(commands);

bool command_takes(const struct command *c, const struct option_row *row)
{
    return row->letter == 'g' || (c && strchr(c->options, row->letter));
}

static bool set_output(struct options *o, enum output out, struct err *e)
{
    if (o->out != OUT_TEXT && o->out != out)
        return err_set(e, ERR_USAGE, 0, "--json and --csv: choose one");
    o->out = out;
    return true;
}

static bool apply(struct options *o, int id, const char *arg, struct err *e)
{
    const struct {
        int id;
        const char **text;
        bool *flag;
    } plain[] = {
        { OPT_CONFIG, &o->config, NULL },   { OPT_STORE, &o->store_dir, NULL },
        { OPT_AT, &o->at, NULL },           { OPT_THEME, &o->theme, NULL },
        { OPT_COLOR, &o->color, NULL },     { OPT_FILTER, &o->filter, NULL },
        { OPT_SINCE, &o->since, NULL },     { OPT_AROUND, &o->around, NULL },
        { OPT_LIMIT, &o->limit, NULL },     { OPT_FIXTURES, &o->fixtures, NULL },
        { OPT_DEMO, NULL, &o->is_demo },    { OPT_ASCII, NULL, &o->ascii },
        { OPT_LINEAR, NULL, &o->linear },   { OPT_HELP, NULL, &o->help },
        { OPT_VERSION, NULL, &o->version }, { OPT_FORCE, NULL, &o->force },
    };

    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (plain[i].id != id)
            continue;
        if (plain[i].text)
            *plain[i].text = arg;
        else
            *plain[i].flag = true;
        return true;
    }
    if (id == OPT_JSON || id == OPT_CSV)
        return set_output(o, id == OPT_JSON ? OUT_JSON : OUT_CSV, e);
    if (id == OPT_SET) {
        if (o->nsets == SOURCES_MAX)
            return err_set(e, ERR_USAGE, 0, "more than %d --set", SOURCES_MAX);
        o->sets[o->nsets++] = arg;
        return true;
    }
    if (o->nsources == SOURCES_MAX)
        return err_set(e, ERR_USAGE, 0, "more than %d --source", SOURCES_MAX);
    o->sources[o->nsources++] = arg;
    return true;
}

static const struct command *find_command(const char *name, struct err *e)
{
    const char *names[ARRAY_LEN(commands)];

    for (size_t i = 0; i < ncommands; i++) {
        if (!strcmp(commands[i].name, name))
            return &commands[i];
        names[i] = commands[i].name;
    }
    const char *near = cfg_nearest(name, names, ncommands);
    err_set(e, ERR_USAGE, 0, "no command \"%s\"%s%s (opsdeck help lists them)", name,
            near ? ", did you mean " : "", near ? near : "");
    return NULL;
}

/* What getopt could not place: unknown, ambiguous, or without its argument. */
static bool bad_option(const struct command *cmd, const char *word, int c, struct err *e)
{
    const char *names[ARRAY_LEN(option_rows)];
    size_t n = 0;

    if (c == ':')
        return err_set(e, ERR_USAGE, 0, "%s needs an argument", word);
    for (size_t i = 0; i < noption_rows; i++)
        if (command_takes(cmd, &option_rows[i]))
            names[n++] = option_rows[i].name;
    /* Never echo what follows "=": it may be a secret somebody tried to pass. */
    char shown[64];
    snprintf(shown, sizeof shown, "%.*s", (int)strcspn(word, "="), word);
    const char *near = strlen(shown) > 2 ? cfg_nearest(shown + 2, names, n) : NULL;
    return err_set(e, ERR_USAGE, 0, "unknown option %s%s%s%s", shown,
                   near ? ", did you mean --" : "", near ? near : "",
                   cmd ? "" : " (options of a command stand behind it)");
}

/* One pass of getopt: the options known at this point, stopping at the first word for the command.
 */
static bool parse_pass(int argc, char **argv, const struct command *cmd, struct options *o,
                       struct err *e)
{
    struct option longs[ARRAY_LEN(option_rows) + 1] = { { 0 } };
    size_t n = 0;
    int c;

    for (size_t i = 0; i < noption_rows; i++)
        if (command_takes(cmd, &option_rows[i]))
            longs[n++] = (struct option){ option_rows[i].name,
                                          option_rows[i].arg ? required_argument : no_argument,
                                          NULL, (int)option_rows[i].id };
    optind = 0;
    opterr = 0;
    for (;;) {
        int at = optind ? optind : 1;
        c = getopt_long(argc, argv, cmd ? ":hV" : "+:hV", longs, NULL);
        if (c == -1)
            return true;
        if (c == 'h' || c == 'V')
            c = c == 'h' ? OPT_HELP : OPT_VERSION;
        if (c == '?' || c == ':')
            return bad_option(cmd, argv[c == ':' ? optind - 1 : at], c, e);
        if (!apply(o, c, optarg, e))
            return false;
    }
}

/* A script that asked for JSON gets its document also when the words around it are wrong. */
static void find_json(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--json"))
            o->out = OUT_JSON;
}

bool options_parse(struct arena *mem, int argc, char **argv, struct options *o,
                   const struct command **cmd, struct err *e)
{
    *cmd = NULL;
    find_json(argc, argv, o);
    if (!parse_pass(argc, argv, NULL, o, e))
        return false;
    if (optind < argc) {
        int first = optind;
        *cmd = find_command(argv[first], e);
        if (!*cmd)
            return false;
        argc -= first;
        argv += first;
        if (!parse_pass(argc, argv, *cmd, o, e))
            return false;
        const char **args = arena_array(mem, (size_t)argc + 1, sizeof *args);
        for (int i = optind; i < argc; i++)
            args[o->nargs++] = argv[i];
        o->args = args;
        if (o->nargs > (*cmd)->max_args && !o->help)
            return err_set(e, ERR_USAGE, 0, "%s: one word too many, \"%s\" (opsdeck help %s)",
                           (*cmd)->name, args[(*cmd)->max_args], (*cmd)->name);
    }
    static const char *const whens[] = { "auto", "never", "16", "256", "true" };
    bool known = !o->color;
    for (size_t i = 0; i < ARRAY_LEN(whens); i++)
        known |= o->color && !strcmp(o->color, whens[i]);
    return known ||
           err_set(e, ERR_USAGE, 0, "--color %s: expected auto, never, 16, 256 or true", o->color);
}

static void print_options(FILE *f, const struct command *cmd, bool global)
{
    for (size_t i = 0; i < noption_rows; i++) {
        const struct option_row *r = &option_rows[i];
        char left[48];
        if ((r->letter == 'g') != global || !command_takes(cmd, r))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", r->name, r->arg ? " " : "", r->arg ? r->arg : "");
        fprintf(f, "  %-18s %s\n", left, r->help);
    }
}

void print_usage(FILE *f, const struct command *cmd)
{
    if (cmd) {
        fprintf(f, "opsdeck %s %s\n  %s\n\n", cmd->name, cmd->args, cmd->help);
        print_options(f, cmd, false);
        fputs("\nglobal options:\n", f);
        print_options(f, cmd, true);
        return;
    }
    fputs("opsdeck: what is broken, since when, and what changed just before\n\n"
          "  opsdeck [OPTIONS]            the dashboard\n",
          f);
    for (size_t i = 0; i < ncommands; i++)
        fprintf(f, "  opsdeck %-20s %s\n", commands[i].name, commands[i].help);
    fputs("\noptions, before or after a command:\n", f);
    print_options(f, NULL, true);
    fputs("\nReading commands take --json or --csv; opsdeck help COMMAND tells the rest.\n", f);
}

int cmd_help(struct app *a)
{
    struct err e = { 0 };
    const struct command *cmd = NULL;

    if (a->o.nargs && !(cmd = find_command(a->o.args[0], &e)))
        return fail(a, &e);
    print_usage(stdout, cmd);
    return EXIT_GOOD;
}

static void words_of_options(const struct command *cmd)
{
    for (size_t i = 0; i < noption_rows; i++)
        if (command_takes(cmd, &option_rows[i]))
            printf(" --%s", option_rows[i].name);
}

static void bash_completion(void)
{
    puts("_opsdeck() {\n    local cur=${COMP_WORDS[COMP_CWORD]} w words cmd=\n"
         "    for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do case $w in -*) ;; *) cmd=$w; break "
         ";; esac; done\n"
         "    case $cmd in");
    for (size_t i = 0; i < ncommands; i++) {
        printf("    %s) words=\"", commands[i].name);
        for (const char *s = commands[i].args; *s; s++)
            putchar(*s == '|' || *s == '[' || *s == ']' || *s == '\'' ? ' ' : *s);
        words_of_options(&commands[i]);
        puts("\" ;;");
    }
    fputs("    *) words=\"", stdout);
    for (size_t i = 0; i < ncommands; i++)
        printf("%s%s", i ? " " : "", commands[i].name);
    words_of_options(NULL);
    puts("\" ;;\n    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o "
         "default -F _opsdeck opsdeck");
}

int cmd_completion(struct app *a)
{
    const char *shell = a->o.nargs ? a->o.args[0] : "";
    struct err e;

    if (!strcmp(shell, "bash")) {
        bash_completion();
    } else if (!strcmp(shell, "zsh")) {
        puts("#compdef opsdeck\nautoload -U +X bashcompinit && bashcompinit");
        bash_completion();
    } else if (!strcmp(shell, "fish")) {
        for (size_t i = 0; i < ncommands; i++)
            printf("complete -c opsdeck -n __fish_use_subcommand -a %s -d \"%s\"\n",
                   commands[i].name, commands[i].help);
        for (size_t i = 0; i < noption_rows; i++)
            printf("complete -c opsdeck -l %s%s -d \"%s\"\n", option_rows[i].name,
                   option_rows[i].arg ? " -r" : "", option_rows[i].help);
    } else {
        err_set(&e, ERR_USAGE, 0, "completion for which shell? bash, zsh or fish");
        return fail(a, &e);
    }
    return EXIT_GOOD;
}

int cmd_man(struct app *a)
{
    (void)a;
    printf(".TH OPSDECK 1 \"\" \"opsdeck %s\"\n.SH NAME\nopsdeck \\- terminal dashboard for people "
           "on call\n"
           ".SH SYNOPSIS\n.B opsdeck\n[OPTIONS] [COMMAND ...]\n.SH DESCRIPTION\n"
           "Polls report APIs and deployment systems, keeps every answer with its history in a "
           "local SQLite file,\n"
           "and shows what is broken, since when, and what changed just before. Without a command: "
           "the dashboard;\n"
           "? there lists the keys. It reads only: nothing it calls changes a watched system.\n.SH "
           "COMMANDS\n",
           OPSDECK_VERSION);
    for (size_t i = 0; i < ncommands; i++)
        printf(".TP\n.B %s %s\n%s\n", commands[i].name, commands[i].args, commands[i].help);
    puts(".SH OPTIONS");
    for (size_t i = 0; i < noption_rows; i++)
        printf(".TP\n.B \\-\\-%s %s\n%s\n", option_rows[i].name,
               option_rows[i].arg ? option_rows[i].arg : "", option_rows[i].help);
    puts(".SH EXIT STATUS\n0 good (an empty list is good); poll: 1 some failed, 69 none reachable; "
         "status: 2 crit,\n"
         "3 unknown, 1 warn, 0 none; show: 1 absent; 64 usage, 74 the store, 77 permission, 78 "
         "config.\n"
         ".SH FILES\n.TP\n.I $XDG_CONFIG_HOME/opsdeck/config.yaml\nover /etc/opsdeck/config.yaml; "
         "opsdeck config explain "
         "lists the keys\n.TP\n.I $XDG_STATE_HOME/opsdeck/opsdeck.db\nthe cache with its "
         "history\n.SH ENVIRONMENT\n"
         "OPSDECK_<SECTION>_<KEY> overrides a key of the config; OPSDECK_DATA names the folder of "
         "shipped files; NO_COLOR.");
    return EXIT_GOOD;
}
