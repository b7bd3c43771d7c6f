/* Asking for more: what was asked once is never edited, so what is missing is a request of its own. */
#include "payments/fees/fees.h"
#include "payments/requests/request_parts.h"

static const char *const kinds[] = {[FEE_PHI] = "phi", [FEE_LE_PHI] = "le_phi", [FEE_POSTAL] = "postal"};
static const char *const documents[] = {"state_receipt", "invoice_elsewhere", "none", "state_receipt"};

static void write_shown_line(struct json *json, const struct request_addition *a, const struct addition_line *one)
{
    char right[MONEY_TEXT_SIZE], asked[MONEY_TEXT_SIZE], missing[MONEY_TEXT_SIZE];
    const struct quote_line *line = one->line;
    int64_t difference = line->net - one->asked;
    money_format(line->net, right);
    money_format(one->asked, asked);
    money_format(difference, missing);
    json_put_object(json, NULL);
    json_put_text(json, "fee", line->code);
    json_put_text(json, "name", line->name_vi);
    json_put_string(json, "kind", kinds[line->kind]);
    json_put_text(json, "formula", line->formula);
    json_put_int(json, "quantity", line->quantity);
    json_put_int(json, "gross", difference);
    json_put_array(json, "reductions");
    json_put_end(json);
    json_put_int(json, "net", difference);
    json_put_text(json, "legal_basis", line->legal_basis);
    json_put_textf(json, "explanation", "Mức thu đúng %s đ − đã yêu cầu %s đ (mã %.*s) = %s đ, vì %.*s", right, asked,
                   TEXT_ARGS(a->reference), missing, TEXT_ARGS(a->why));
    json_put_textf(json, "explanation_en", "Right price %s VND − asked before %s VND (%.*s) = %s VND: %s", right, asked,
                   TEXT_ARGS(a->reference), missing, a->why_en);
    json_put_text_or_null(json, "collector", line->collector);
    json_put_string(json, "document", documents[line->document]);
    json_put_end(json);
}

static void write_row(struct json *json, const struct addition_line *one)
{
    const struct quote_line *line = one->line;
    json_put_object(json, NULL);
    json_put_text(json, "fee", line->code);
    json_put_text(json, "name", line->name_vi);
    json_put_string(json, "kind", kinds[line->kind]);
    json_put_int(json, "gross", line->net - one->asked);
    json_put_int(json, "reduction", 0);
    json_put_int(json, "net", line->net - one->asked);
    json_put_string(json, "document", documents[line->document]);
    json_put_text(json, "legal_basis", line->legal_basis);
    json_put_null(json, "reduction_basis");
    json_put_end(json);
}

static int64_t write_addition(const struct request_addition *a, struct buf *shown, struct buf *lines)
{
    int64_t total = 0;
    struct json json = json_to(shown), rows = json_to(lines);
    json_put_object(&json, NULL);
    json_put_text(&json, "id", a->id);
    json_put_array(&json, "lines");
    json_put_array(&rows, NULL);
    for (size_t i = 0; i < a->count; i++) {
        write_shown_line(&json, a, &a->lines[i]);
        write_row(&rows, &a->lines[i]);
        total += a->lines[i].line->net - a->lines[i].asked;
    }
    json_put_end(&json);
    json_put_end(&rows);
    json_put_int(&json, "total", total);
    json_put_string(&json, "catalogue_version", catalogue_version(a->quote->catalogue));
    json_put_null(&json, "valid_until");
    json_put_end(&json);
    return total;
}

enum err payment_request_ask_more(struct db *db, struct arena *arena, const struct request_addition *addition,
                                  instant_us at, int64_t *ret_id)
{
    struct buf shown = {0}, lines = {0};
    int64_t total = write_addition(addition, &shown, &lines);
    const struct request_writing writing = {.dossier = addition->dossier,
                                            .agency = addition->agency,
                                            .stage = TEXT("additional"),
                                            .total = total,
                                            .shown = buf_view(&shown),
                                            .lines = buf_view(&lines),
                                            .payer = addition->payer,
                                            .reason = addition->reason,
                                            .version = catalogue_version(addition->quote->catalogue),
                                            .priced_on = date_of(at),
                                            .holds_until = INT64_MAX,
                                            .actor = addition->actor};
    enum err err = payment_request_store(db, arena, &writing, at, ret_id);
    buf_done(&shown);
    buf_done(&lines);
    return err;
}
