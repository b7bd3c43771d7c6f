/* A delegate's list (CSV from other people's software): whatever is taken keeps the limits that the database relies on.
 */
#include "receipts/delegate_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    struct delegate_list list;
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (delegate_list_read((struct text){(const char *)data, size}, &list, &faults) == OK) {
        if (!list.count || list.count > LIST_LINES_MAX || faults.count)
            __builtin_trap();
        for (size_t i = 0; i < list.count; i++) {
            const struct list_line *line = &list.lines[i];
            if (line->number < 1 || line->number > RECEIPT_NUMBER_MAX || line->amount < 1 || line->amount > MONEY_MAX ||
                line->issued_on == DATE_NONE || line->collected_on == DATE_NONE || !line->collector.length ||
                !receipt_symbol_valid(line->symbol) || !text_is_utf8(line->payer) || !text_is_utf8(line->fees))
                __builtin_trap();
        }
    } else if (!faults.count) {
        __builtin_trap(); /* a refusal always says why */
    }
    arena_done(&arena);
    return 0;
}
