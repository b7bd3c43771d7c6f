/* Files of the interbank switch from anywhere: no crash, no leak, and the same story whole or in pieces. */
#include "tests/fuzz/statement_story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = {(const char *)data, size};
    statement_detect(bytes);
    if (story_of(STATEMENT_DAT, bytes, size + 1) != story_of(STATEMENT_DAT, bytes, 5))
        abort();
    return 0;
}
