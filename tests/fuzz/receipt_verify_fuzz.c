/* Bytes from anybody into the verifier: it may refuse, it may not break. Without the key nothing but the seeds holds.
 */
#include "receipts/receipts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    struct receipt_verdict verdict;
    arena_init(&arena);
    faults_init(&faults, &arena);
    struct text xml = {(const char *)data, size};
    if (receipt_verify(xml, NULL, &verdict, &faults) == OK) {
        struct buf json = {0}, html = {0};
        struct json out = json_to(&json);
        receipt_verdict_write(&out, &verdict);
        receipt_html(&verdict, "https://lephi.example/r/x", &html);
        buf_done(&json);
        buf_done(&html);
    }
    struct receipt_document document;
    faults_init(&faults, &arena);
    if (receipt_document_read(xml, &document, &faults) == OK) {
        /* What was read can be written, and reads back as itself. */
        struct buf again = {0}, twice = {0};
        if (receipt_document_write(&document, &again, &faults) != OK ||
            receipt_document_normalize(buf_view(&again), &twice, &faults) != OK ||
            !text_equal(buf_view(&again), buf_view(&twice)))
            __builtin_trap();
        buf_done(&again);
        buf_done(&twice);
    }
    arena_done(&arena);
    return 0;
}
