/* MT940 and MT942 bytes from anywhere: no crash, no leak, whole and in pieces. */
#include "tests/fuzz/statement_story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = {(const char *)data, size};
    statement_detect(bytes);
    story_of(STATEMENT_MT940, bytes, size + 1);
    story_of(STATEMENT_MT942, bytes, 7);
    return 0;
}
