/* The tax authority: takes signed messages, once each by their code, and tells what became of them. On disk before it
 * answers, so that an answer that got lost can be asked for. */
#include "tests/sandbox/sandbox.h"

#include <pthread.h>
#include <string.h>
#include "core/base/crypto.h"
#include "core/base/memory.h"

enum { MESSAGES_MAX = 20000 };

struct filed {
    char code[64], form[32], collector[20], digest[HEX_SHA256_SIZE];
    int64_t bytes, times; /* how often it came */
};

struct tax {
    pthread_mutex_t lock;
    struct journal *journal;
    struct filed *filed;
    size_t count;
    struct arena arena; /* of the last documents, for whoever looks */
    struct text last;
};

static void put(char *ret, size_t size, struct text text)
{
    text = text_head(text, size - 1);
    memcpy(ret, text.at ? text.at : "", text.length);
    ret[text.length] = '\0';
}

static struct filed *find(struct tax *tax, struct text code)
{
    for (size_t i = 0; i < tax->count; i++)
        if (text_is(code, tax->filed[i].code))
            return &tax->filed[i];
    return NULL;
}

static void restore(void *with, json_t *record)
{
    struct tax *tax = with;
    if (tax->count == MESSAGES_MAX)
        return;
    struct filed *f = &tax->filed[tax->count++];
    put(f->code, sizeof f->code, text_of(json_string_value(json_object_get(record, "code"))));
    put(f->form, sizeof f->form, text_of(json_string_value(json_object_get(record, "form"))));
    put(f->collector, sizeof f->collector, text_of(json_string_value(json_object_get(record, "collector"))));
    put(f->digest, sizeof f->digest, text_of(json_string_value(json_object_get(record, "sha256"))));
    f->bytes = json_integer_value(json_object_get(record, "bytes"));
    f->times = 1;
}

enum err tax_open(struct sandbox *sandbox)
{
    struct tax *tax = sandbox->tax = memory_new(sizeof *tax);
    pthread_mutex_init(&tax->lock, NULL);
    tax->filed = memory_new(MESSAGES_MAX * sizeof *tax->filed);
    return journal_open(sandbox->folder, "tax.jsonl", restore, tax, &tax->journal);
}

/* What stands between the first <name> and its end; empty when it is not there. */
static struct text between(struct text xml, const char *open, const char *close)
{
    size_t from = text_find(xml, text_of(open));
    if (from == xml.length)
        return TEXT_NONE;
    struct text rest = text_slice(xml, from + strlen(open), xml.length);
    size_t to = text_find(rest, text_of(close));
    return to == rest.length ? TEXT_NONE : text_slice(rest, 0, to);
}

static void answer(struct visit *visit, const char *code, const char *status, const char *reason)
{
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_string(&json, "code", code);
    json_put_string(&json, "status", status);
    json_put_string(&json, "reason", reason);
    json_put_end(&json);
}

/* Keeps a new message; returns why not. Under the lock. */
static const char *keep(struct tax *tax, const struct filed *fresh)
{
    struct buf line = {0};
    if (tax->count == MESSAGES_MAX)
        return "Đầy";
    struct json json = json_to(&line);
    json_put_object(&json, NULL);
    json_put_string(&json, "code", fresh->code);
    json_put_string(&json, "form", fresh->form);
    json_put_string(&json, "collector", fresh->collector);
    json_put_string(&json, "sha256", fresh->digest);
    json_put_int(&json, "bytes", fresh->bytes);
    json_put_end(&json);
    enum err err = journal_append(tax->journal, buf_view(&line), JOURNAL_DURABLE);
    buf_done(&line);
    if (err)
        return "Không ghi được";
    tax->filed[tax->count++] = *fresh;
    return NULL;
}

/* POST /tax/messages: TDiep with a signed document. The same code with the same bytes is known; with others refused. */
static void receive(struct visit *visit)
{
    struct tax *tax = visit->sandbox->tax;
    struct text body = buf_view(&visit->body), xml = between(body, "<DLieu>", "</DLieu>");
    struct filed fresh = {.bytes = (int64_t)xml.length, .times = 1};
    uint8_t digest[SHA256_SIZE];
    put(fresh.code, sizeof fresh.code, between(body, "<MTDiep>", "</MTDiep>"));
    put(fresh.form, sizeof fresh.form, between(body, "<MLTDiep>", "</MLTDiep>"));
    put(fresh.collector, sizeof fresh.collector, between(body, "<MST>", "</MST>"));
    crypto_sha256(xml, digest);
    hex_encode(digest, sizeof digest, fresh.digest);
    if (!fresh.code[0] || !xml.length || text_find(xml, TEXT("<SignatureValue>")) == xml.length) {
        visit->status = 422;
        answer(visit, fresh.code, "refused", "Thông điệp thiếu mã hoặc chữ ký số");
        return;
    }
    pthread_mutex_lock(&tax->lock);
    struct filed *known = find(tax, text_of(fresh.code));
    const char *why = known ? NULL : keep(tax, &fresh);
    bool other = known && strcmp(known->digest, fresh.digest) != 0;
    if (known)
        known->times++;
    arena_reset(&tax->arena);
    tax->last = arena_text(&tax->arena, xml);
    pthread_mutex_unlock(&tax->lock);
    if (why || other) {
        visit->status = 422;
        answer(visit, fresh.code, "refused", why ? why : "Mã thông điệp đã dùng cho nội dung khác");
        return;
    }
    answer(visit, fresh.code, "accepted", "");
}

static void tell(struct visit *visit)
{
    struct tax *tax = visit->sandbox->tax;
    struct text code = visit_query(visit, "code");
    pthread_mutex_lock(&tax->lock);
    struct filed *known = find(tax, code);
    pthread_mutex_unlock(&tax->lock);
    if (!known)
        visit_refuse(visit, 404, "not_found", "Chưa nhận thông điệp này");
    else
        answer(visit, known->code, "accepted", "");
}

/* GET /tax/received: for tests that count; the last document in full at /tax/last. */
static void list(struct visit *visit)
{
    struct tax *tax = visit->sandbox->tax;
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    pthread_mutex_lock(&tax->lock);
    for (size_t i = 0; i < tax->count; i++) {
        const struct filed *f = &tax->filed[i];
        json_put_object(&json, NULL);
        json_put_string(&json, "code", f->code);
        json_put_string(&json, "form", f->form);
        json_put_string(&json, "collector", f->collector);
        json_put_string(&json, "sha256", f->digest);
        json_put_int(&json, "bytes", f->bytes);
        json_put_int(&json, "times", f->times);
        json_put_end(&json);
    }
    pthread_mutex_unlock(&tax->lock);
    json_put_end(&json);
    json_put_end(&json);
}

static void last(struct visit *visit)
{
    struct tax *tax = visit->sandbox->tax;
    visit->content_type = "application/xml";
    pthread_mutex_lock(&tax->lock);
    buf_text(&visit->reply, tax->last);
    pthread_mutex_unlock(&tax->lock);
}

const struct road tax_roads[] = {{"POST", "/tax/messages", receive},
                                 {"GET", "/tax/messages", tell},
                                 {"GET", "/tax/received", list},
                                 {"GET", "/tax/last", last},
                                 {0}};
