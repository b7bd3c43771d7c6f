/* Receipts of before July 2026, whoever wrote them: read or refused, and what was read is told as good JSON. */
#include <jansson.h>
#include "receipts/receipts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    struct receipt_old old;
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (receipt_old_read((struct text){(const char *)data, size}, &old, &faults) == OK) {
        struct buf told = {0};
        struct json json = json_to(&told);
        if (!receipt_old_form(old.form) || !old.number.length || !old.symbol.length)
            __builtin_trap();
        receipt_old_write(&json, &old);
        json_t *again = json_loadb(told.at, told.length, 0, NULL);
        if (!again)
            __builtin_trap();
        json_decref(again);
        buf_done(&told);
    }
    arena_done(&arena);
    return 0;
}
