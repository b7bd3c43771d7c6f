/* Proofs and heads of the transparency log as JSON from anybody: read or refused, for every reader of them. */
#include "receipts/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    struct text json = {(const char *)data, size};
    struct log_head head, grown;
    struct buf told = {0};
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (log_check_proof(json, TEXT_NONE, NULL, NULL, &told, &faults) != OK && !faults.count)
        __builtin_trap(); /* a refusal always says why */
    faults_init(&faults, &arena);
    if (log_head_read(json, &head, &faults) == OK) {
        struct buf text = {0};
        (void)!log_head_check(&head, NULL, &faults);
        log_head_text(&head, &text);
        buf_done(&text);
    }
    /* the growth from one leaf to three, for whatever is told to be its proof */
    head = (struct log_head){.size = 1, .log = TEXT("https://lephi.example")};
    grown = (struct log_head){.size = 3, .log = TEXT("https://lephi.example")};
    faults_init(&faults, &arena);
    if (log_check_growth(&head, &grown, json, &told, &faults) == OK)
        __builtin_trap(); /* their roots are zeros: no proof leads there */
    buf_done(&told);
    arena_done(&arena);
    return 0;
}
