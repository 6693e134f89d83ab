/*
 * The one table of config.yaml's keys. The checker, the values, `config explain`, `config dump`,
 * the example file and the docs come from here; a new key is one row (and a member in settings.h).
 */
#include <stddef.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/config/settings.h"

#include "config_priv.h"

static const char *const http_schemes[] = { "https", "http", NULL };
static const char *const proxy_schemes[] = { "http", "https", "socks5", "socks5h", NULL };
static const char *const ascii_choices[] = { "auto", "true", "false", NULL };
static const char *const clipboard_choices[] = { "auto", "osc52", "off", NULL };
static const char *const rate_choices[] = { [RATE_RECIPE] = "recipe", [RATE_NONE] = "none", NULL };
static const char *const mark_choices[] = { "none", "danger", NULL };

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE
};
#define DAY ((int64_t)24 * HOUR)
#define MIB ((int64_t)1024 * 1024)

#define AT(member) .offset = offsetof(struct settings, member)
#define SRC(member) .offset = offsetof(struct source_cfg, member)
#define NOWHERE .offset = KEY_NO_OFFSET

/* clang-format off */
static const struct key_def rows[] = {
    { "include", KEY_TEXTS, .help = "more files of this kind, read after this one in sorted order; paths and globs from this file's folder",
      NOWHERE, .example = "[conf.d/*.yaml]" },
    { "locked", KEY_TEXTS, .help = "keys or sections that users cannot change",
      .flags = KEY_SITE_ONLY, NOWHERE, .example = "[network, store.dir]" },

    { "store", KEY_MAP, .help = "where answers and their history are kept", NOWHERE },
    { "store.dir", KEY_PATH, "$XDG_STATE_HOME/opsdeck", .help = "folder of the databases",
      .reload = RELOAD_RESTART, AT(store.dir) },
    { "store.shared", KEY_BOOL, "false", .help = "one store for a group of people, written by `opsdeck collect`",
      .reload = RELOAD_RESTART, .flags = KEY_SITE_ONLY, AT(store.is_shared) },
    { "store.keep", KEY_DURATION, "30d", HOUR, 3650 * DAY, .help = "how long history is kept", AT(store.keep_ms) },
    { "store.max_size", KEY_SIZE, "2GiB", 16 * MIB, 512 * 1024 * MIB, .help = "size at which the oldest history goes early",
      AT(store.max_bytes) },

    { "ui", KEY_MAP, .help = "screen and keys", NOWHERE },
    { "ui.theme", KEY_NAME, "terminal", .help = "colours: a file of themes/", AT(ui.theme) },
    { "ui.keymap", KEY_NAME, "default", .help = "keys: default, or a file of keymaps/", AT(ui.keymap) },
    { "ui.start", KEY_NAME, "problems", .help = "pane shown first", .reload = RELOAD_RESTART, AT(ui.start) },
    { "ui.ascii", KEY_CHOICE_NO, "auto", .choices = ascii_choices, .help = "draw with ASCII only; auto asks the locale", AT(ui.ascii) },
    { "ui.mouse", KEY_BOOL, "false", .help = "take mouse clicks (then the terminal's own selection needs shift)", AT(ui.mouse) },
    { "ui.clipboard", KEY_CHOICE, "auto", .choices = clipboard_choices, .help = "copy through the terminal (OSC 52)", AT(ui.clipboard) },
    { "ui.escape_delay", KEY_DURATION, "50ms", 1, 2 * SECOND, .help = "wait for the rest of a key after Esc",
      .reload = RELOAD_RESTART, AT(ui.escape_delay_ms) },

    { "network", KEY_MAP, .help = "what holds for every request", NOWHERE },
    { "network.timeout", KEY_DURATION, "20s", SECOND, 10 * MINUTE, .help = "longest time for one request, unless source or recipe say otherwise",
      AT(network.timeout_ms) },
    { "network.connect_timeout", KEY_DURATION, "5s", 100, MINUTE, .help = "longest time for name, TCP and TLS", AT(network.connect_timeout_ms) },
    { "network.ca_file", KEY_PATH, .help = "certificates (PEM) to trust instead of the system's", .reload = RELOAD_RECONNECT,
      AT(network.ca_file) },
    { "network.proxy", KEY_URL, .choices = proxy_schemes, .help = "proxy for every request; the environment's is not used",
      .reload = RELOAD_RECONNECT, AT(network.proxy), .example = "http://proxy.example:3128" },
    { "network.concurrency", KEY_INT, "16", 1, 256, .help = "requests at once to all hosts together", .reload = RELOAD_RECONNECT,
      AT(network.concurrency) },

    { "environments", KEY_MAPS, .help = "environments, so that dangerous ones look so", NOWHERE },
    { "environments.name", KEY_NAME, .help = "value of the label env", .flags = KEY_REQUIRED, NOWHERE, .example = "live" },
    { "environments.mark", KEY_CHOICE, "none", .choices = mark_choices, .help = "how it is marked", NOWHERE, .example = "danger" },

    { "sources", KEY_MAPS, .help = "what is polled", NOWHERE },
    { "sources.name", KEY_NAME, .help = "unique name", .flags = KEY_REQUIRED, SRC(name), .example = "reports" },
    { "sources.recipe", KEY_NAME, .help = "what to ask: a file of recipes/ (opsdeck recipe list)", .flags = KEY_REQUIRED, SRC(recipe),
      .example = "moj-reports" },
    { "sources.url", KEY_URL, .choices = http_schemes, .help = "base URL, without user, password and query", .reload = RELOAD_RECONNECT,
      SRC(url), .example = "https://reports.example" },
    { "sources.path", KEY_PATH, .help = "file or glob, for recipes that read files", SRC(path) },
    { "sources.every", KEY_DURATION, .min = SECOND, .max = 7 * DAY, .help = "how often; none: the recipe's", SRC(every_ms), .example = "5m" },
    { "sources.timeout", KEY_DURATION, .min = 100, .max = 10 * MINUTE, .help = "longest time for one request; none: the recipe's",
      SRC(timeout_ms), .example = "20s" },
    { "sources.rate", KEY_CHOICE_NO, "recipe", .choices = rate_choices, .help = "none: no pauses between requests, for a server on this machine only (127.0.0.0/8, ::1, localhost)",
      SRC(rate) },
    { "sources.disabled", KEY_BOOL, "false", .help = "keep it here, but do not poll", SRC(is_disabled) },
    { "sources.shared", KEY_BOOL, "false", .help = "AWS: others may see what this role sees (shared stores)", NOWHERE },
    { "sources.ca_file", KEY_PATH, .help = "certificates to trust for this source", .reload = RELOAD_RECONNECT, SRC(ca_file) },
    { "sources.proxy", KEY_URL, .choices = proxy_schemes, .help = "proxy for this source", .reload = RELOAD_RECONNECT, SRC(proxy) },
    { "sources.params", KEY_MAP, .help = "values of the recipe's params (opsdeck recipe show NAME)", NOWHERE },
    { "sources.params.*", KEY_ANY, .help = "value of one param", NOWHERE },
    { "sources.labels", KEY_MAP, .help = "added to every row of this source", NOWHERE, .example = "{env: live, team: platform}" },
    { "sources.labels.*", KEY_TEXT, .help = "value of one label", NOWHERE },
    { "sources.auth", KEY_MAP, .help = "how to log in: header, bearer or basic, and where the secret comes from", NOWHERE,
      .example = "{header: X-API-KEY, token_env: REPORTS_KEY}" },
    { "sources.auth.header", KEY_TEXT, .help = "name of the header that carries the token", NOWHERE },
    { "sources.auth.token_env", KEY_TEXT, .help = "environment variable that holds the token", NOWHERE },
    { "sources.auth.token_file", KEY_PATH, .help = "file that holds the token, mode 0600", NOWHERE },
    { "sources.auth.token_cmd", KEY_TEXTS, .help = "program and arguments that print the token; no shell", NOWHERE },
    { "sources.auth.bearer", KEY_MAP, .help = "Authorization: Bearer", NOWHERE },
    { "sources.auth.bearer.token_env", KEY_TEXT, .help = "environment variable that holds the token", NOWHERE },
    { "sources.auth.bearer.token_file", KEY_PATH, .help = "file that holds the token, mode 0600", NOWHERE },
    { "sources.auth.bearer.token_cmd", KEY_TEXTS, .help = "program and arguments that print the token; no shell", NOWHERE },
    { "sources.auth.basic", KEY_MAP, .help = "Authorization: Basic", NOWHERE },
    { "sources.auth.basic.user", KEY_TEXT, .help = "user name", .flags = KEY_REQUIRED, NOWHERE },
    { "sources.auth.basic.password_env", KEY_TEXT, .help = "environment variable that holds the password", NOWHERE },
    { "sources.auth.basic.password_file", KEY_PATH, .help = "file that holds the password, mode 0600", NOWHERE },
    { "sources.auth.basic.password_cmd", KEY_TEXTS, .help = "program and arguments that print the password; no shell", NOWHERE },
    { "sources.aws", KEY_MAP, .help = "AWS account and region, for recipes that ask AWS", NOWHERE,
      .example = "{profile: live, region: eu-west-2}" },
    { "sources.aws.profile", KEY_TEXT, .help = "profile of the shared AWS configuration files", SRC(aws.profile) },
    { "sources.aws.region", KEY_NAME, .help = "region; else AWS_REGION, then the profile's", SRC(aws.region) },
    { "sources.aws.endpoint_url", KEY_URL, .choices = http_schemes, .help = "another endpoint than the service's own", SRC(aws.endpoint_url) },
};
/* clang-format on */

static const struct key_table table = { rows, ARRAY_LEN(rows), "opsdeck config explain" };

const struct key_table *settings_table(void)
{
    return &table;
}
