/* What a treasury remittance list must know of a fee, and the facts of law leave open. Never a default: the officer is
 * told which cell to fill in. */
#include <stdio.h>
#include "payments/fees/catalogue.h"

enum collector_kind { KIND_UNSET, KIND_MAY_KEEP, KIND_MAY_NOT };

/* values.csv says what a collector is: `collector_kind.<tax code>`, else `collector_kind.<kind of agency>`. */
static enum collector_kind collector_kind_of(const struct catalogue *catalogue, const struct fee *fee,
                                             struct fee_collector collector)
{
    const struct text keys[] = {collector.tax_code, fee->collector};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char name[COLLECTOR_KIND_SIZE + QUOTE_WORD_MAX];
        struct text value;
        date_days ends;
        snprintf(name, sizeof name, COLLECTOR_KIND "%.*s", TEXT_ARGS(text_head(keys[i], QUOTE_WORD_MAX)));
        if (keys[i].length && catalogue_value_text(catalogue, text_of(name), collector.day, &value, &ends))
            return text_equal(value, fee->retention_only) ? KIND_MAY_KEEP : KIND_MAY_NOT;
    }
    return KIND_UNSET;
}

bool fee_remitted(const struct fee *fee)
{
    return fee->document != DOCUMENT_INVOICE_ELSEWHERE;
}

int64_t fee_retention_of(const struct catalogue *catalogue, const struct fee *fee, struct fee_collector collector)
{
    if (fee->retention_rate < 0 || !fee->retention_only.length)
        return fee->retention_rate;
    switch (collector_kind_of(catalogue, fee, collector)) {
    case KIND_MAY_KEEP: return fee->retention_rate;
    case KIND_MAY_NOT: return 0;
    default: return -1;
    }
}

unsigned fee_remittance_unset(const struct catalogue *catalogue, const struct fee *fee, struct fee_collector collector)
{
    if (!fee_remitted(fee) || fee->formula->kind == FORMULA_ABOLISHED)
        return 0;
    unsigned keeps = fee->retention_rate < 0                           ? FACT_RETENTION
                     : fee_retention_of(catalogue, fee, collector) < 0 ? FACT_COLLECTOR_KIND
                                                                       : 0;
    return (fee->collector.length ? 0 : FACT_COLLECTOR) | (fee->beneficiary.length ? 0 : FACT_BENEFICIARY) |
           (fee->budget_item.length ? 0 : FACT_BUDGET_ITEM) | (fee->budget_level.length ? 0 : FACT_BUDGET_LEVEL) |
           keeps | (fee->document == DOCUMENT_UNSET ? FACT_DOCUMENT : 0);
}

void fee_facts_say(unsigned facts, struct buf *out)
{
    static const struct {
        enum fee_fact fact;
        const char *words;
    } names[] = {{FACT_COLLECTOR, "cơ quan thu"},
                 {FACT_BENEFICIARY, "cơ quan thụ hưởng"},
                 {FACT_BUDGET_ITEM, "tiểu mục"},
                 {FACT_BUDGET_LEVEL, "cấp ngân sách"},
                 {FACT_RETENTION, "tỷ lệ để lại"},
                 {FACT_DOCUMENT, "loại chứng từ"},
                 {FACT_COLLECTOR_KIND, "loại hình của cơ quan thu (đơn vị sự nghiệp hay cơ quan nhà nước)"}};
    const char *comma = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (facts & names[i].fact) {
            buf_printf(out, "%s%s", comma, names[i].words);
            comma = ", ";
        }
}

size_t catalogue_remittance_blocked(const struct catalogue *catalogue, date_days day, const struct fee **ret_fees,
                                    size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < catalogue->entry_count; i++) {
        const struct fee *fee = fee_entry_on(&catalogue->entries[i], day);
        if (!fee || !fee_remittance_unset(catalogue, fee, (struct fee_collector){.day = day}))
            continue;
        if (count < max)
            ret_fees[count] = fee;
        count++;
    }
    return count;
}
