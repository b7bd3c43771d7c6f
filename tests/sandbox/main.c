#include "tests/sandbox/sandbox.h"

#include <curl/curl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/file.h"

enum { ACCOUNTS_MAX = 64, SECRET_MAX = 4096 };

static const char usage[] =
    "Usage: lephi-sandbox --data FOLDER [OPTION]…\n"
    "Plays the bank, the post office and a message sink for training, demos and tests.\n\n"
    "  --port N               on 127.0.0.1; 0 (default) takes a free one; prints \"listening on N\"\n"
    "  --data FOLDER          what survives a restart, and vnpost-public.pem\n"
    "  --account NO:NAME:BIN[:OPENING]   a receiving account; may be repeated\n"
    "  --secret-file FILE     secret that signs the bank's call-backs\n"
    "  --webhook URL          where the bank's call-backs go\n"
    "  --notifications URL    lephi's URL of call-backs, to which VNPAY and the national portal add their name\n"
    "  --vnpost-webhook URL   where the post office's call-backs go\n"
    "  --vnpost-username S --vnpost-password S --vnpost-customer S   (sandbox, sandbox, C000000001)\n"
    "  --vnpost-token-s N     life of a token (3600)\n"
    "  --communes FILE        communes.csv (core/province/communes.csv)\n"
    "  --retry-base-ms N      first distance between tries of a call-back (1000)\n"
    "  --clock-offset-s N     lives that many seconds away from now\n";

struct options {
    int port;
    const char *data, *secret_file, *webhook, *post_webhook, *notifications, *username, *password, *customer, *communes;
    const char *accounts[ACCOUNTS_MAX];
    size_t account_count;
    int64_t token_s, retry_base_ms, clock_offset_s;
};

enum option_id {
    PORT = 256,
    DATA,
    ACCOUNT,
    SECRET,
    WEBHOOK,
    POST_WEBHOOK,
    NOTIFICATIONS,
    USERNAME,
    PASSWORD,
    CUSTOMER,
    TOKEN_S,
    COMMUNES,
    RETRY,
    CLOCK,
    HELP
};

static const struct option names[] = {{"port", 1, 0, PORT},
                                      {"data", 1, 0, DATA},
                                      {"account", 1, 0, ACCOUNT},
                                      {"secret-file", 1, 0, SECRET},
                                      {"webhook", 1, 0, WEBHOOK},
                                      {"vnpost-webhook", 1, 0, POST_WEBHOOK},
                                      {"notifications", 1, 0, NOTIFICATIONS},
                                      {"vnpost-username", 1, 0, USERNAME},
                                      {"vnpost-password", 1, 0, PASSWORD},
                                      {"vnpost-customer", 1, 0, CUSTOMER},
                                      {"vnpost-token-s", 1, 0, TOKEN_S},
                                      {"communes", 1, 0, COMMUNES},
                                      {"retry-base-ms", 1, 0, RETRY},
                                      {"clock-offset-s", 1, 0, CLOCK},
                                      {"help", 0, 0, HELP},
                                      {0}};

/* fontconfig keeps what it parsed for the life of the program and frees it for nobody (asked by LeakSanitizer). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static bool number(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    return text_to_int64(text_of(text), ret) && *ret >= min && *ret <= max;
}

/* 0 go on, 1 done (help), 2 wrong usage. */
static int options_read(int argc, char **argv, struct options *o)
{
    int id;
    int64_t port = 0;
    bool good = true;
    while (good && (id = getopt_long(argc, argv, "", names, NULL)) != -1)
        switch (id) {
        case PORT: good = number(optarg, 0, 65535, &port); break;
        case DATA: o->data = optarg; break;
        case ACCOUNT:
            good = o->account_count < ACCOUNTS_MAX;
            if (good)
                o->accounts[o->account_count++] = optarg;
            break;
        case SECRET: o->secret_file = optarg; break;
        case WEBHOOK: o->webhook = optarg; break;
        case POST_WEBHOOK: o->post_webhook = optarg; break;
        case NOTIFICATIONS: o->notifications = optarg; break;
        case USERNAME: o->username = optarg; break;
        case PASSWORD: o->password = optarg; break;
        case CUSTOMER: o->customer = optarg; break;
        case TOKEN_S: good = number(optarg, 0, 86400, &o->token_s); break;
        case COMMUNES: o->communes = optarg; break;
        case RETRY: good = number(optarg, 1, 3600000, &o->retry_base_ms); break;
        case CLOCK: good = number(optarg, -4000000000, 4000000000, &o->clock_offset_s); break;
        case HELP: fputs(usage, stdout); return 1;
        default: good = false;
        }
    o->port = (int)port;
    if (good && o->data && optind == argc)
        return 0;
    fputs(usage, stderr);
    return 2;
}

static enum err secret_read(const char *path, struct arena *arena, struct text *ret)
{
    if (!path) {
        *ret = TEXT("sandbox");
        return OK;
    }
    enum err err = file_read(path, SECRET_MAX, arena, ret);
    if (!err)
        *ret = text_trim(*ret);
    return err;
}

static enum err sandbox_open(struct sandbox *sandbox, const struct options *o, struct arena *arena)
{
    sandbox->folder = o->data;
    sandbox->notifications = o->notifications;
    if (mkdir(o->data, 0700) && access(o->data, W_OK))
        return ERR_IO;
    sandbox->mischief = mischief_new();
    enum err err = secret_read(o->secret_file, arena, &sandbox->secret);
    if (!err)
        err = bank_open(sandbox, o->accounts, o->account_count);
    if (!err)
        err = post_open(sandbox, o->username, o->password, o->customer, o->token_s, o->communes);
    if (!err)
        err = sink_open(sandbox);
    if (!err)
        err = tax_open(sandbox);
    if (!err)
        err = smtp_open(sandbox);
    if (!err)
        err = drop_open(sandbox);
    if (!err)
        err = courier_start(sandbox, o->webhook, o->post_webhook, o->retry_base_ms);
    return err;
}

int main(int argc, char **argv)
{
    struct options options = {.username = "sandbox",
                              .password = "sandbox",
                              .customer = "C000000001",
                              .communes = "core/province/communes.csv",
                              .token_s = 3600,
                              .retry_base_ms = 1000};
    int wrong = options_read(argc, argv, &options);
    if (wrong)
        return wrong == 1 ? 0 : wrong;

    /* Every thread but this one leaves the end to sigwait. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    clock_shift(options.clock_offset_s);
    curl_global_init(CURL_GLOBAL_ALL);

    static struct sandbox sandbox;
    struct server *server = NULL;
    struct arena arena;
    arena_init(&arena);
    enum err err = sandbox_open(&sandbox, &options, &arena);
    if (!err)
        err = server_start(&sandbox, options.port, &server);
    if (err) {
        fprintf(stderr, "lephi-sandbox: %s\n", err_info(err)->en);
        return err == ERR_CONFIG ? 2 : 1;
    }
    printf("listening on %d\n", server_port(server));
    fflush(stdout);
    int got;
    sigwait(&ends, &got);
    mischief_stop();
    server_stop(server);
    drop_close(sandbox.drop);
    courier_stop(sandbox.courier);
    return 0;
}
