/* Forms as anybody may send them: a field is valid UTF-8 or absent, and survives being written into a page. */
#include <stdlib.h>
#include <string.h>
#include "app/pages/html.c" /* the top floor is not part of the library */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf out = {0};
    arena_init(&arena);
    struct text field = form_field(&arena, (struct text){(const char *)data, size}, "code");
    if (field.at && !text_is_utf8(field))
        abort();
    html(&out, "%.*s", TEXT_ARGS(field));
    if (out.length && memchr(out.at, '<', out.length))
        abort();
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
