/* What a time-stamping authority answers (DER from outside): nothing but a stamp of this very file holds. The file is
 * that of the seeds, "stamped\n"; no byte of them can change without the signature noticing, so a stamp that holds for
 * another file is a break. */
#include "receipts/tsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    struct tsa_verdict verdict;
    struct text reply = {(const char *)data, size};
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (tsa_check(reply, TEXT("stamped\n"), TEXT_NONE, NULL, &verdict, &faults) == OK &&
        (verdict.at == INSTANT_NONE || verdict.chain != RECEIPT_CHAIN_UNCHECKED))
        __builtin_trap();
    faults_init(&faults, &arena);
    if (tsa_check(reply, TEXT("never stamped\n"), TEXT_NONE, NULL, &verdict, &faults) == OK)
        __builtin_trap();
    arena_done(&arena);
    return 0;
}
