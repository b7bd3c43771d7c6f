/* What a treasury remittance list must know of a fee, and the facts of law leave open. Never a default: the officer is
 * told which cell to fill in. */
#include "payments/fees/catalogue.h"

unsigned fee_remittance_unset(const struct fee *fee)
{
    if (fee->document == DOCUMENT_INVOICE_ELSEWHERE || fee->formula->kind == FORMULA_ABOLISHED)
        return 0;
    return (fee->collector.length ? 0 : FACT_COLLECTOR) | (fee->beneficiary.length ? 0 : FACT_BENEFICIARY) |
           (fee->budget_item.length ? 0 : FACT_BUDGET_ITEM) | (fee->budget_level.length ? 0 : FACT_BUDGET_LEVEL) |
           (fee->retention_rate >= 0 ? 0 : FACT_RETENTION) | (fee->document == DOCUMENT_UNSET ? FACT_DOCUMENT : 0);
}

void fee_facts_say(unsigned facts, struct buf *out)
{
    static const struct {
        enum fee_fact fact;
        const char *words;
    } names[] = {{FACT_COLLECTOR, "cơ quan thu"},  {FACT_BENEFICIARY, "cơ quan thụ hưởng"},
                 {FACT_BUDGET_ITEM, "tiểu mục"},   {FACT_BUDGET_LEVEL, "cấp ngân sách"},
                 {FACT_RETENTION, "tỷ lệ để lại"}, {FACT_DOCUMENT, "loại chứng từ"}};
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
        if (!fee || !fee_remittance_unset(fee))
            continue;
        if (count < max)
            ret_fees[count] = fee;
        count++;
    }
    return count;
}
