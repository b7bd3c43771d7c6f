/* Dossiers come in: registered by the one-stop-shop system, quoted, and asked for. */
#include "tests/demo/day.h"

#include <stdio.h>
#include <string.h>

static json_t *quote_body(const struct demo_case *kind)
{
    json_t *body = json_object(), *quantities = json_loads(kind->quantities, 0, NULL);
    json_object_set_new(body, "procedure", json_string(kind->procedure));
    json_object_set_new(body, "fees", json_pack("[s]", kind->fee));
    json_object_set_new(body, "channel", json_string(kind->channel));
    json_object_set_new(body, "quantities", quantities);
    if (kind->beneficiary)
        json_object_set_new(body, "beneficiary_categories", json_pack("[s]", kind->beneficiary));
    return body;
}

/* Every line must say in words what it costs and by which article. */
static bool lines_are_explained(json_t *quote)
{
    size_t i;
    json_t *line;
    bool good = json_array_size(json_object_get(quote, "lines")) > 0;
    json_array_foreach(json_object_get(quote, "lines"), i, line) good =
        good && *string_of(line, "explanation") && *string_of(line, "legal_basis");
    return good;
}

static bool register_dossier(struct world *world, const struct day *day, struct errand *e, int number)
{
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "procedure", e->kind->procedure, "agency", e->kind->agency,
                  "channel", e->kind->channel, "state", "filed", "submitted_at", "", "applicant", "name",
                  number % 2 ? "Nguyễn Thị Ánh Tuyết" : "Hoàng Văn Đức", "phone", "0912000111");
    json_object_set_new(body, "submitted_at",
                        json_string(arena_printf(&world->arena, "%sT07:%02d:00+07:00", day->date, number % 60)));
    snprintf(e->code, sizeof e->code, "H49.%s-%s-%04d", e->kind->agency + 3, day->date, number);
    return api(world, "PUT", arena_printf(&world->arena, "/v1/dossiers/%s", e->code), body, 201) != NULL;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static bool request_payment(struct world *world, struct errand *e, const char *quote_id)
{
    json_t *made = api(world, "POST", "/v1/payment-requests",
                       json_pack("{s:s, s:s, s:s}", "dossier", e->code, "quote", quote_id, "stage", "filing"), 201);
    if (!made)
        return false;
    json_t *qr = json_object_get(made, "vietqr");
    e->request = int_of(made, "id");
    copy(e->reference, sizeof e->reference, string_of(made, "reference"));
    copy(e->pay_url, sizeof e->pay_url, string_of(made, "pay_url"));
    copy(e->payload, sizeof e->payload, string_of(qr, "payload"));
    copy(e->svg_url, sizeof e->svg_url, string_of(qr, "svg_url"));
    copy(e->png_url, sizeof e->png_url, string_of(qr, "png_url"));
    copy(e->account, sizeof e->account, string_of(qr, "account"));
    bool nothing_due = e->total == 0;
    return int_of(made, "amount") == e->total && nothing_due == !strcmp(string_of(made, "status"), "nothing_due") &&
           nothing_due == json_is_null(qr);
}

/* The image a citizen scans, judged by zbarimg, must hold the payload to the byte. */
static bool image_reads_back(struct world *world, const struct errand *e)
{
    struct http_answer png = call(world, "GET", e->png_url, NULL, TEXT_NONE);
    const char *path = png.status == 200 ? keep_file(world, "qr.png", png.body) : NULL;
    struct text read = TEXT_NONE;
    const char *const arguments[] = {"zbarimg", "--quiet", "--raw", "--nodbus", path, NULL};
    return path && run_program(world, arguments, &read) == 0 && text_is(text_trim(read), e->payload);
}

static void note_account(struct day *day, struct text account)
{
    for (int i = 0; i < day->account_count; i++)
        if (text_is(account, day->accounts[i]))
            return;
    if (account.length && account.length < sizeof day->accounts[0] && day->account_count < ACCOUNTS_MAX)
        memcpy(day->accounts[day->account_count++], account.at, account.length);
}

static void one_dossier(struct world *world, struct day *day, const struct demo_case *kind)
{
    int number = day->count + 1;
    struct errand *e = &day->errands[day->count++];
    *e = (struct errand){.kind = kind, .total = kind->total};
    bool registered = register_dossier(world, day, e, number);
    json_t *quote = registered ? api(world, "POST", "/v1/quotes", quote_body(kind), 200) : NULL;
    bool priced = quote && int_of(quote, "total") == kind->total && lines_are_explained(quote);
    bool asked = priced && request_payment(world, e, string_of(quote, "id"));
    bool scanned = asked && (!e->total || image_reads_back(world, e));
    if (asked)
        note_account(day, arena_text(&world->arena, text_of(e->account)));
    char price[MONEY_TEXT_SIZE];
    money_format(kind->total, price);
    step(world, scanned, "%s %s %s%s%s: %s đ, %s", e->code, kind->fee, kind->channel, kind->beneficiary ? " " : "",
         kind->beneficiary ? kind->beneficiary : "", price,
         !registered ? "not registered"
         : !priced   ? "quoted wrongly"
         : !asked    ? "no request made"
         : !scanned  ? "QR does not read back"
         : e->total  ? e->reference
                     : "nothing due");
}

void day_file_dossiers(struct world *world, struct day *day)
{
    date_format(date_of(clock_now()), day->date);
    for (size_t k = 0; k < demo_case_count; k++)
        for (int i = 0; i < demo_cases[k].count && day->count < DOSSIERS_MAX; i++)
            one_dossier(world, day, &demo_cases[k]);
    step(world, day->count >= 200, "%d dossiers over %zu kinds were registered, quoted and asked for", day->count,
         demo_case_count);
}
