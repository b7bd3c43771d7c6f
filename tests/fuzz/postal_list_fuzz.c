/* A carrier's remittance list: whatever is taken keeps the limits that the database relies on. */
#include "postal/postal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    struct postal_list list;
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (postal_list_read((struct text){(const char *)data, size}, &list, &faults) == OK) {
        int64_t sum = 0;
        if (!list.count || list.count > POSTAL_LIST_MAX || faults.count)
            __builtin_trap();
        for (size_t i = 0; i < list.count; i++) {
            if (list.amounts[i] < 0 || list.postages[i] < 0 || !list.items[i].length || list.items[i].length > 40 ||
                !list.outlets[i].length || list.outlets[i].length > 40 || !text_is_utf8(list.items[i]))
                __builtin_trap();
            if (__builtin_add_overflow(sum, list.amounts[i], &sum) || sum > MONEY_MAX)
                __builtin_trap();
        }
    } else if (!faults.count) {
        __builtin_trap(); /* a refusal always says why */
    }
    arena_done(&arena);
    return 0;
}
