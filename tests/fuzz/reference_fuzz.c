/* Whatever a bank writes into a memo: never a crash, and every candidate is a valid reference. */
#include <assert.h>
#include <stdint.h>
#include "payments/requests/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    size_t count = reference_candidates((struct text){(const char *)data, size}, found);
    assert(count <= REFERENCE_CANDIDATES_MAX);
    for (size_t i = 0; i < count; i++) {
        assert(reference_valid(text_of(found[i].reference.text)));
        assert(found[i].edits >= 0 && found[i].edits <= 3);
        assert(!i || found[i - 1].edits <= found[i].edits);
    }
    return 0;
}
