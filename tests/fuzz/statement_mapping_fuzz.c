/* Layouts nobody knew: the first line says the columns, the rest is the file. Its headers are shown, and the first of
 * them is read by these columns as a person would preview it: no crash, no leak, and what is shown is clean UTF-8. */
#include <stdlib.h>
#include "reconciliation/mapping.h"

static bool first_fingerprint(struct text json, uint8_t ret_fingerprint[STATEMENT_FINGERPRINT_SIZE])
{
    static const char key[] = "\"fingerprint\":\"";
    size_t at = text_find(json, TEXT("\"fingerprint\":\""));
    if (at == json.length)
        return false;
    struct text hex = text_slice(json, at + sizeof key - 1, 2 * STATEMENT_FINGERPRINT_SIZE);
    return mapping_fingerprint_read(hex, ret_fingerprint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"statement", "gateway", "terminal", "collection"};
    struct text file, columns = text_until((struct text){(const char *)data, size}, '\n', &file);
    struct buf out = {0};
    struct json json = json_to(&out);
    json_put_object(&json, NULL);
    struct mapping_order order = {.file = file};
    int64_t lines;
    enum err err = file.length ? statement_headers_put(STATEMENT_CSV, file, &json) : ERR_INVALID;
    json_put_end(&json);
    if (!err && !text_is_utf8(buf_view(&out)))
        abort();
    if (!err && text_is_utf8(columns) && first_fingerprint(buf_view(&out), order.mapping.fingerprint)) {
        order.mapping.name = TEXT("fuzz");
        order.mapping.kind = text_of(kinds[columns.length % 4]);
        order.mapping.columns = columns;
        struct buf shown = {0};
        struct json told = json_to(&shown);
        json_put_object(&told, NULL);
        err = mapping_show(&order, &told, &lines);
        json_put_end(&told);
        if (!err && !text_is_utf8(buf_view(&shown)))
            abort();
        buf_done(&shown);
    }
    buf_done(&out);
    return 0;
}
