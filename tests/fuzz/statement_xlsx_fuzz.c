/* Workbooks from anywhere: no crash, no leak. */
#include "tests/fuzz/statement_story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = {(const char *)data, size};
    statement_detect(bytes);
    story_of(STATEMENT_XLSX, bytes, size + 1);
    return 0;
}
