/* What a card terminal answers: the first byte chooses what was asked. Nothing may crash, and an answer of "done"
 * always carries what makes it one: a positive amount and the terminal's own name of it, or totals that cannot be
 * negative. */
#include <stdlib.h>
#include "payments/sources/terminal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct arena arena;
    struct faults faults;
    struct terminal_told told;
    const struct terminal_driver *driver = terminal_driver_find(TEXT("nexo"));
    enum terminal_act act = data[0] % TERMINAL_ACT_COUNT;
    const struct terminal_order order = {.sale = TEXT("LEPHI"),
                                         .terminal = TEXT("POS-1"),
                                         .service = TEXT("7"),
                                         .about = TEXT("5"),
                                         .about_act = data[0] & 0x40 ? TERMINAL_REVERSE : TERMINAL_PAY,
                                         .order = TEXT("QN0000000000AA-1"),
                                         .amount = 16000};
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (!driver->read(act, &order, (struct text){(const char *)data + 1, size - 1}, &arena, &faults, &told) &&
        told.state == TERMINAL_DONE) {
        bool paid = act == TERMINAL_PAY || (act == TERMINAL_STATUS && order.about_act == TERMINAL_PAY);
        if (paid && (told.amount < 1 || told.amount > MONEY_MAX || !told.transaction.length))
            abort();
        if (told.totals.count < 0 || told.totals.amount < 0 || told.totals.reversed_amount < 0)
            abort();
    }
    arena_done(&arena);
    return 0;
}
