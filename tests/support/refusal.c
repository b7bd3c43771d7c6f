#include "tests/support/refusal.h"

#include <stdlib.h>
#include <string.h>
#include "tests/support/database.h"

const char *rows_of_all_tables(struct db *db, struct arena *arena)
{
    return arena_copy(
        arena,
        test_value(db, arena,
                   "SELECT string_agg(table_name || ' ' || (xpath('/row/c/text()', query_to_xml(format('SELECT count(*)"
                   " AS c FROM %I', table_name), false, true, '')))[1]::text, ', ' ORDER BY table_name)"
                   " FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
                   " AND table_name NOT IN ('feed', 'event_fresh', 'audit_chain', 'audit_fresh', 'job')"));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted; a fault without words spoils the whole. */
static const char *faults_of(struct arena *arena, json_t *problem)
{
    const char *list[FAULTS_MAX];
    size_t count = 0, i;
    json_t *fault;
    json_array_foreach(json_object_get(problem, "errors"), i, fault)
    {
        if (!*json_string_at(fault, "detail"))
            return "a fault without detail";
        if (count < FAULTS_MAX)
            list[count++] =
                arena_printf(arena, "%s %s", json_string_at(fault, "pointer"), json_string_at(fault, "code"));
    }
    qsort(list, count, sizeof *list, by_text);
    const char *all = "";
    for (i = 0; i < count; i++)
        all = arena_printf(arena, "%s%s%s", all, i ? ", " : "", list[i]);
    return all;
}

const char *problem_differs(struct arena *arena, const char *what, const struct service_answer *answer, int status,
                            const char *code, const char *faults)
{
    const char *type = strcasestr(arena_copy(arena, answer->headers), "content-type: application/problem+json");
    const char *found = faults_of(arena, answer->json), *got = json_string_at(answer->json, "code");
    bool whole = json_int_at(answer->json, "status") == answer->status && *json_string_at(answer->json, "title") &&
                 *json_string_at(answer->json, "type") && *json_string_at(answer->json, "detail");
    if (answer->status == status && type && whole && !strcmp(got, code) && !strcmp(found, faults))
        return NULL;
    return arena_printf(arena, "%s: expected %d %s (%s), got %d %s (%s): %.*s", what, status, code, faults,
                        answer->status, got, found, TEXT_ARGS(text_head(answer->body, 700)));
}
