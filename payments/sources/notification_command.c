/* `lephi notification check`: for operators who must find out why a call-back is refused. */
#include "payments/sources/sources.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "payments/requests/requests.h"

enum { HEADERS_MAX = 32, BODY_MAX = 1 << 20 };

struct stored {
    const struct source *source;
    size_t header_count;
    const char *headers[HEADERS_MAX];
    struct call_back call;
};

static struct text stored_header(void *from, const char *name)
{
    const struct stored *stored = from;
    size_t length = strlen(name);
    for (size_t i = 0; i < stored->header_count; i++)
        if (!strncasecmp(stored->headers[i], name, length) && stored->headers[i][length] == ':')
            return text_trim(text_of(stored->headers[i] + length + 1));
    return TEXT_NONE;
}

static int usage(const char *problem)
{
    fprintf(stderr,
            "lephi notification: %s\nUsage: lephi notification check SOURCE [--header 'Name: value']… [--query STRING] "
            "[--body FILE]"
            " [--at RFC3339]\n",
            problem);
    return 2;
}

/* NULL when all is well, else what is wrong. */
static const char *read_options(int argc, char **argv, struct arena *arena, struct stored *stored)
{
    for (int i = 3; i < argc; i += 2) {
        if (i + 1 == argc)
            return "an option has no value";
        const char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--header")) {
            if (stored->header_count == HEADERS_MAX || !strchr(value, ':'))
                return "a header is 'Name: value', at most 32 of them";
            stored->headers[stored->header_count++] = value;
        } else if (!strcmp(name, "--query")) {
            stored->call.query = text_of(value);
        } else if (!strcmp(name, "--body")) {
            if (file_read(value, BODY_MAX, arena, &stored->call.body))
                return "the body cannot be read";
        } else if (!strcmp(name, "--at")) {
            if (!instant_parse(text_of(value), &stored->call.at))
                return "--at is an RFC 3339 time with offset";
        } else {
            return "unknown option";
        }
    }
    return NULL;
}

static void write_notice(const struct notice *n, struct buf *out)
{
    struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    size_t count = reference_candidates(n->memo, found);
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_bool(&json, "valid", true);
    json_put_text_or_null(&json, "external_id", n->external_id);
    json_put_string(&json, "reference", count ? found[0].reference.text : NULL);
    json_put_text_or_null(&json, "memo", n->memo);
    json_put_int(&json, "amount", n->amount);
    json_put_text_or_null(&json, "account", n->account);
    json_put_text_or_null(&json, "bank_reference", n->bank_reference);
    json_put_instant(&json, "paid_at", n->paid_at);
    json_put_string(&json, "status", notice_status_name(n->status));
    json_put_end(&json);
}

/* The answer is on standard output, the words for people on standard error. */
static void write_refusal(enum err err, const struct faults *faults, struct buf *out)
{
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_bool(&json, "valid", false);
    json_put_string(&json, "code", err_info(err)->code);
    json_put_string(&json, "reason", err_info(err)->en);
    json_put_end(&json);
    fprintf(stderr, "lephi: %s (%s)\n", err_info(err)->vi, err_info(err)->en);
    for (size_t i = 0; i < faults->count; i++)
        fprintf(stderr, "lephi: %s: %s\n", faults->list[i].where, faults->list[i].detail);
}

static int check(struct stored *stored, const struct source_account *account, struct arena *arena,
                 struct faults *faults)
{
    struct notice notice;
    struct buf out = {0};
    enum err err = account ? stored->source->verify(account, &stored->call, arena, faults, &notice) : ERR_SOURCE_OFF;
    bool genuine = !err || err == ERR_NOT_FOUND;
    if (genuine)
        write_notice(&notice, &out);
    else
        write_refusal(err, faults, &out);
    if (err == ERR_NOT_FOUND)
        fputs("lephi: thông báo thật, nhưng không có tiền vào (genuine, but there is no money for us in it)\n", stderr);
    puts(buf_cstr(&out));
    buf_done(&out);
    return genuine ? 0 : 1;
}

int notification_command(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], "check"))
        return usage("only `check` is there");
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    struct text account_name = TEXT_NONE, source_name = text_until(text_of(argv[2]), '.', &account_name);
    struct stored stored = {.source = source_by_name(source_name),
                            .call = {.header = stored_header, .at = clock_now()}};
    stored.call.from = &stored;
    const char *problem = stored.source ? read_options(argc, argv, &arena, &stored) : "no such source";
    stored.call.method = stored.call.body.at ? TEXT("POST") : TEXT("GET");
    int status =
        problem ? usage(problem) : check(&stored, source_account_find(stored.source, account_name), &arena, &faults);
    arena_done(&arena);
    return status;
}
