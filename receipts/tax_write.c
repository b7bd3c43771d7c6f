/* Forms 01/TH-BLĐT and 04/SS-CTĐT as XML in canonical form. */
#include "receipts/tax.h"

#include "receipts/tax_profile.h"

enum { SUMMARY_BYTES_MAX = 32 * 1024 * 1024, SUMMARY_NODES_MAX = 40 * TAX_ROWS_MAX, NOTICE_BYTES_MAX = 64 * 1024 };

const struct envelope tax_summary_envelope = {TAX_SUMMARY, TAX_SUMMARY_DATA, SUMMARY_BYTES_MAX, SUMMARY_NODES_MAX};
const struct envelope tax_notice_envelope = {TAX_NOTICE, TAX_NOTICE_DATA, NOTICE_BYTES_MAX, 512};

static const char *code_of(struct arena *arena, struct text collector, const char *word, date_days day, int64_t ordinal)
{
    struct civil d = civil_of_date(day);
    return arena_printf(arena, "%.*s-%s-%04d%02d%02d-%lld", TEXT_ARGS(collector), word, d.year, d.month, d.day,
                        (long long)ordinal);
}

const char *tax_summary_code(struct arena *arena, const struct tax_summary *summary)
{
    return code_of(arena, summary->collector, "TH", summary->day, summary->ordinal);
}

const char *tax_notice_code(struct arena *arena, const struct tax_notice *notice)
{
    return code_of(arena, notice->collector, "SS", notice->made_on, notice->ordinal);
}

static void put_row(struct buf *out, const struct tax_row *row, size_t ordinal)
{
    element_open(out, TAX_ROW);
    element_int(out, TAX_ORDINAL, (int64_t)ordinal);
    element_text(out, TAX_RECEIPT_FORM, row->form);
    element_text(out, TAX_SYMBOL, row->symbol);
    element_int(out, TAX_NUMBER, row->number);
    element_date(out, TAX_ISSUED_ON, row->issued_on);
    element_text(out, TAX_FEE_NAME, row->fee_name);
    element_int(out, TAX_AMOUNT, row->amount);
    element_text(out, TAX_STATUS, row->replaces_form.length ? TEXT("Thay thế") : TEXT("Mới"));
    if (row->replaces_form.length) {
        element_open(out, TAX_RELATED);
        element_text(out, TAX_RECEIPT_FORM, row->replaces_form);
        element_text(out, TAX_SYMBOL, row->replaces_symbol);
        element_int(out, TAX_NUMBER, row->replaces_number);
        element_close(out, TAX_RELATED);
    }
    element_text(out, TAX_EXPLANATION, row->explanation);
    element_text(out, TAX_REMARK, row->remark);
    element_close(out, TAX_ROW);
}

static int64_t put_rows(struct buf *out, const struct tax_summary *summary)
{
    int64_t total = 0;
    element_open(out, TAX_ROWS);
    for (size_t i = 0; i < summary->count; i++) {
        put_row(out, &summary->rows[i], i + 1);
        total += summary->rows[i].amount;
    }
    element_close(out, TAX_ROWS);
    return total;
}

void tax_summary_write(const struct tax_summary *summary, struct arena *arena, struct buf *out)
{
    element_open(out, TAX_SUMMARY);
    buf_printf(out, "<%s Id=\"data\">", TAX_SUMMARY_DATA);
    element_text(out, TAX_FORM, TEXT(TAX_FORM_SUMMARY));
    element_text(out, TAX_CODE, text_of(tax_summary_code(arena, summary)));
    element_date(out, TAX_PERIOD, summary->day);
    if (summary->ordinal)
        element_int(out, TAX_AMENDED, summary->ordinal);
    else
        element_int(out, TAX_FIRST, 1);
    element_text(out, TAX_NAME, summary->collector_name);
    element_text(out, TAX_TAX_CODE, summary->collector);
    element_text(out, TAX_CURRENCY, TEXT("VND"));
    element_date(out, TAX_MADE_ON, summary->made_on);
    element_int(out, TAX_TOTAL, put_rows(out, summary));
    element_close(out, TAX_SUMMARY_DATA);
    element_close(out, TAX_SUMMARY);
}

void tax_summary_digest(const struct tax_summary *summary, uint8_t ret_digest[SHA256_SIZE])
{
    struct buf rows = {0};
    put_rows(&rows, summary);
    crypto_sha256(buf_view(&rows), ret_digest);
    buf_done(&rows);
}

void tax_notice_write(const struct tax_notice *notice, struct arena *arena, struct buf *out)
{
    element_open(out, TAX_NOTICE);
    buf_printf(out, "<%s Id=\"data\">", TAX_NOTICE_DATA);
    element_text(out, TAX_FORM, TEXT(TAX_FORM_NOTICE));
    element_text(out, TAX_CODE, text_of(tax_notice_code(arena, notice)));
    element_text(out, TAX_NAME, notice->collector_name);
    element_text(out, TAX_TAX_CODE, notice->collector);
    element_date(out, TAX_MADE_ON, notice->made_on);
    element_text(out, TAX_RECEIPT_FORM, notice->form);
    element_text(out, TAX_SYMBOL, notice->symbol);
    element_int(out, TAX_NUMBER, notice->number);
    element_date(out, TAX_ISSUED_ON, notice->issued_on);
    element_text(out, TAX_WRONG, notice->wrong);
    element_text(out, TAX_RIGHT, notice->right);
    element_close(out, TAX_NOTICE_DATA);
    element_close(out, TAX_NOTICE);
}
