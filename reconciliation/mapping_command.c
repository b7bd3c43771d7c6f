/* lephi statement mapping FILE: the headers of a layout nobody knows, what a mapping would read, and keeping it. */
#include "reconciliation/mapping.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "Usage: lephi statement mapping FILE [--header FINGERPRINT --columns \"booked=1 debit=4 credit=5 memo=6\"]\n"
    "                               [--kind statement|gateway|wallet|terminal|collection|orders] [--confirm NAME]\n"
    "Shows the rows that may be headers, each with its fingerprint; with columns also what would be read. With\n"
    "--confirm the mapping is kept: from then on every file with that header is read by it.\n";

static bool order_read(int argc, char **argv, const char **ret_path, struct mapping_order *ret)
{
    *ret_path = NULL;
    ret->mapping.kind = TEXT("statement");
    ret->mapping.name = TEXT("preview");
    bool has_header = false;
    for (int at = 2; at < argc; at++) {
        if (argv[at][0] != '-' && !*ret_path) {
            *ret_path = argv[at];
            continue;
        }
        if (at + 1 == argc)
            return false;
        const char *name = argv[at++];
        struct text value = text_of(argv[at]);
        if (!strcmp(name, "--header"))
            has_header = mapping_fingerprint_read(value, ret->mapping.fingerprint);
        else if (!strcmp(name, "--columns"))
            ret->mapping.columns = value;
        else if (!strcmp(name, "--kind") && mapping_kind_known(value))
            ret->mapping.kind = value;
        else if (!strcmp(name, "--confirm") && value.length && value.length <= 60) {
            ret->mapping.name = value;
            ret->confirmed = true;
        } else
            return false;
    }
    return *ret_path && has_header == (ret->mapping.columns.length > 0) &&
           (!ret->confirmed || ret->mapping.columns.length);
}

int statement_mapping_command(struct db *db, int argc, char **argv)
{
    struct mapping_order order = {0};
    const char *path;
    if (!order_read(argc, argv, &path, &order)) {
        fputs(usage, stderr);
        return 2;
    }
    struct arena arena;
    struct buf out = {0};
    struct json json = json_to(&out);
    int64_t lines = 0, version = 0;
    arena_init(&arena);
    json_put_object(&json, NULL);
    enum err err = file_read(path, MAPPING_FILE_MAX, &arena, &order.file);
    if (!err)
        err = mapping_show(&order, &json, &lines);
    if (err == ERR_STATEMENT_SYNTAX && lines)
        err = OK; /* the preview says what is wrong */
    if (!err && order.mapping.columns.length && !lines)
        err = ERR_STATEMENT_SYNTAX;
    if (!err && order.confirmed)
        err = mapping_keep(db, &arena, &order, "system:command", clock_now(), &version);
    if (!err) {
        json_put_int(&json, "lines", lines);
        json_put_bool(&json, "confirmed", order.confirmed);
        json_put_end(&json);
        printf("%.*s\n", TEXT_ARGS(buf_view(&out)));
    } else {
        fprintf(stderr, "lephi statement mapping: %s: %s\n", path,
                err == ERR_INVALID ? "the columns need a date and amounts" : err_info(err)->en);
    }
    buf_done(&out);
    arena_done(&arena);
    return err ? 1 : 0;
}
