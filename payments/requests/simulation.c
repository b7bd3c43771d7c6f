/* What would a draft catalogue have cost or brought? The real quotes of a period, priced again under it. */
#include "payments/requests/simulation.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 20000, VERSIONS_MAX = 64, PEOPLE_MIN = 1024, SLOTS_MIN = 64 };

static const struct db_statement quotes_sql = {
    "simulation_quotes", "SELECT priced_on, request_id, version, quote_id, amount, agency, commune, person FROM "
                         "request_quote WHERE (priced_on, request_id) > ($1, $2) AND priced_on <= $3"
                         " ORDER BY priced_on, request_id LIMIT $4"};
static const struct db_statement names_sql = {
    "simulation_names", "SELECT 'a', code, name_vi FROM agency UNION ALL SELECT 'c', code, name FROM commune"};

/* ---- telling people apart --------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash)
{
    hash = (hash ^ hash >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94D049BB133111EB);
    return hash ^ hash >> 31;
}

/* A set of numbers, 0 for a free place. */
struct people {
    uint64_t *slots;
    size_t size, count;
};

static bool people_put(uint64_t *slots, size_t size, uint64_t number)
{
    size_t at = number & (size - 1);
    while (slots[at] && slots[at] != number)
        at = (at + 1) & (size - 1);
    bool fresh = !slots[at];
    slots[at] = number;
    return fresh;
}

/* Whether it was not there yet. */
static bool people_add(struct people *people, uint64_t number)
{
    if (people->count * 2 >= people->size) {
        size_t size = people->size ? people->size * 2 : PEOPLE_MIN;
        uint64_t *slots = memory_new(size * sizeof *slots);
        for (size_t i = 0; i < people->size; i++)
            if (people->slots[i])
                people_put(slots, size, people->slots[i]);
        free(people->slots);
        people->slots = slots;
        people->size = size;
    }
    bool fresh = people_put(people->slots, people->size, number ? number : 1);
    people->count += fresh;
    return fresh;
}

/* ---- sums by key ------------------------------------------------------------------------------------------------- */

struct groups {
    struct simulation_group *out;
    uint32_t *slots; /* position + 1 */
    size_t size, room;
    uint64_t salt;
};

static uint64_t text_hash(struct text text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(1099511628211);
    return mix(hash);
}

static void groups_grow(struct groups *groups)
{
    struct simulation_group *out = groups->out;
    groups->room = groups->room ? groups->room * 2 : SLOTS_MIN;
    out->list = memory_grow(out->list, groups->room * sizeof *out->list);
    groups->size = groups->room * 2;
    free(groups->slots);
    groups->slots = memory_new(groups->size * sizeof *groups->slots);
    for (size_t i = 0; i < out->count; i++) {
        size_t at = text_hash(out->list[i].key) & (groups->size - 1);
        while (groups->slots[at])
            at = (at + 1) & (groups->size - 1);
        groups->slots[at] = (uint32_t)i + 1;
    }
}

static struct simulation_sum *group_of(struct groups *groups, struct arena *arena, struct text key)
{
    struct simulation_group *out = groups->out;
    if (out->count == groups->room)
        groups_grow(groups);
    size_t at = text_hash(key) & (groups->size - 1);
    while (groups->slots[at] && !text_equal(out->list[groups->slots[at] - 1].key, key))
        at = (at + 1) & (groups->size - 1);
    if (!groups->slots[at]) {
        out->list[out->count] = (struct simulation_sum){.key = arena_text(arena, key)};
        groups->slots[at] = (uint32_t)++out->count;
    }
    return &out->list[groups->slots[at] - 1];
}

/* ---- one quote --------------------------------------------------------------------------------------------------- */

struct run {
    const struct simulation_order *order;
    struct db *db;
    struct arena *arena;  /* of the result */
    struct arena rows;    /* of a chunk */
    struct arena pricing; /* of a quote */
    struct simulation *out;
    struct people people;
    struct groups fees, agencies, communes, categories;
    size_t version_count;
    struct catalogue *versions[VERSIONS_MAX];
};

struct quoted {
    struct text version, id, agency, commune;
    int64_t amount;
    uint64_t person;
};

static void count_up(struct run *run, struct simulation_sum *sum, const struct groups *groups,
                     const struct quoted *quoted, int64_t before, int64_t after)
{
    sum->quotes++;
    sum->before += before;
    sum->after += after;
    if (before == after)
        return;
    sum->affected++;
    uint64_t salt = groups ? mix(groups->salt + (uint64_t)(sum - groups->out->list)) : 0;
    if (people_add(&run->people, mix(quoted->person ^ salt)))
        sum->people++;
}

static const struct catalogue *version_of(struct run *run, struct text version)
{
    for (size_t i = 0; i < run->version_count; i++)
        if (text_is(version, catalogue_version(run->versions[i])))
            return run->versions[i];
    struct catalogue *catalogue;
    if (run->version_count == VERSIONS_MAX || catalogue_version_hold(run->db, run->arena, version, &catalogue))
        return NULL;
    run->versions[run->version_count++] = catalogue;
    return catalogue;
}

static int64_t line_net(const struct quote *quote, struct text code)
{
    for (size_t i = 0; i < quote->line_count; i++)
        if (text_equal(quote->lines[i].code, code))
            return quote->lines[i].net;
    return 0;
}

static void fees_count(struct run *run, const struct quoted *quoted, const struct quote *before,
                       const struct quote *after)
{
    for (size_t i = 0; i < before->line_count; i++) {
        const struct quote_line *line = &before->lines[i];
        struct simulation_sum *sum = group_of(&run->fees, run->arena, line->code);
        if (!sum->name.at)
            sum->name = arena_text(run->arena, line->name_vi);
        count_up(run, sum, &run->fees, quoted, line->net, line_net(after, line->code));
    }
    for (size_t i = 0; i < after->line_count; i++) {
        const struct quote_line *line = &after->lines[i];
        bool known = false;
        for (size_t b = 0; b < before->line_count && !known; b++)
            known = text_equal(before->lines[b].code, line->code);
        if (known)
            continue;
        struct simulation_sum *sum = group_of(&run->fees, run->arena, line->code);
        if (!sum->name.at)
            sum->name = arena_text(run->arena, line->name_vi);
        count_up(run, sum, &run->fees, quoted, 0, line->net);
    }
}

static void quote_count(struct run *run, const struct quoted *quoted, const struct quote *before,
                        const struct quote *after)
{
    const struct quote_request *wanted = before->request;
    count_up(run, &run->out->all, NULL, quoted, before->total, after->total);
    fees_count(run, quoted, before, after);
    count_up(run, group_of(&run->agencies, run->arena, quoted->agency), &run->agencies, quoted, before->total,
             after->total);
    count_up(run, group_of(&run->communes, run->arena, quoted->commune), &run->communes, quoted, before->total,
             after->total);
    if (!wanted->category_count)
        count_up(run, group_of(&run->categories, run->arena, TEXT("")), &run->categories, quoted, before->total,
                 after->total);
    for (size_t i = 0; i < wanted->category_count; i++)
        count_up(run, group_of(&run->categories, run->arena, wanted->categories[i]), &run->categories, quoted,
                 before->total, after->total);
}

/* Postage has its own tariff and is left out of both sides. */
static void replay(struct run *run, const struct quoted *quoted)
{
    char version[CATALOGUE_VERSION_SIZE];
    struct quote_request wanted;
    struct quote before, after;
    struct faults faults;
    faults_init(&faults, &run->pricing);
    const struct catalogue *then = version_of(run, quoted->version);
    bool good = then && !quote_id_read(quoted->id, &run->pricing, &wanted, version);
    bool had_postage = good && wanted.postal.length;
    date_days day = good ? wanted.quoted_on : DATE_NONE;
    if (good) {
        wanted.postal = TEXT_NONE;
        if (run->order->as_of != DATE_NONE)
            wanted.filed_on = wanted.paid_on = day = run->order->as_of;
        good = !quote_compute(run->order->as_of != DATE_NONE ? run->order->base : then, &wanted, day, &run->pricing,
                              &faults, &before);
        if (good && run->order->as_of == DATE_NONE && !had_postage && before.total != quoted->amount)
            run->out->mismatched++;
        good = good && !quote_compute(run->order->draft, &wanted, day, &run->pricing, &faults, &after);
    }
    if (good)
        quote_count(run, quoted, &before, &after);
    else
        run->out->unpriced++;
    arena_reset(&run->pricing);
}

/* ---- the period -------------------------------------------------------------------------------------------------- */

static enum err chunk_replay(struct run *run, date_days *day, int64_t *request, int *ret_count)
{
    struct db_args args = db_args(&run->rows);
    struct db_rows rows;
    db_arg_date(&args, *day);
    db_arg_int(&args, *request);
    db_arg_date(&args, run->order->to);
    db_arg_int(&args, CHUNK);
    enum err err = db_query(run->db, &quotes_sql, &args, &rows);
    if (err)
        return err;
    for (int i = 0; i < rows.count; i++) {
        const struct quoted quoted = {.version = db_text(&rows, i, 2),
                                      .id = db_text(&rows, i, 3),
                                      .amount = db_int(&rows, i, 4),
                                      .agency = db_text(&rows, i, 5),
                                      .commune = db_text(&rows, i, 6),
                                      .person = (uint64_t)db_int(&rows, i, 7)};
        replay(run, &quoted);
    }
    if (rows.count) {
        *day = db_date(&rows, rows.count - 1, 0);
        *request = db_int(&rows, rows.count - 1, 1);
    }
    *ret_count = rows.count;
    arena_reset(&run->rows);
    return OK;
}

static enum err names_find(struct run *run)
{
    struct db_args args = db_args(run->arena);
    struct db_rows rows;
    enum err err = db_query(run->db, &names_sql, &args, &rows);
    for (int i = 0; !err && i < rows.count; i++) {
        struct simulation_group *group = text_is(db_text(&rows, i, 0), "a") ? &run->out->agencies : &run->out->communes;
        for (size_t k = 0; k < group->count; k++)
            if (text_equal(group->list[k].key, db_text(&rows, i, 1)))
                group->list[k].name = db_text(&rows, i, 2);
    }
    for (size_t k = 0; k < run->out->categories.count; k++) {
        struct simulation_sum *sum = &run->out->categories.list[k];
        struct text evidence;
        catalogue_category_say(run->order->draft, sum->key, &sum->name, &evidence);
        sum->name = sum->key.length ? arena_text(run->arena, sum->name) : TEXT("Không thuộc diện ưu tiên");
    }
    return err;
}

static int by_key(const void *left, const void *right)
{
    return text_compare(((const struct simulation_sum *)left)->key, ((const struct simulation_sum *)right)->key);
}

static void free_list(void *list)
{
    free(list);
}

static void groups_close(struct groups *groups, struct arena *arena)
{
    struct simulation_group *out = groups->out;
    free(groups->slots);
    if (!out->list)
        return;
    qsort(out->list, out->count, sizeof *out->list, by_key);
    arena_on_done(arena, free_list, out->list);
}

enum err simulation_run(struct db *db, const struct simulation_order *order, struct arena *arena,
                        struct simulation *ret)
{
    struct run *run = memory_new(sizeof *run);
    *ret = (struct simulation){.draft = arena_copy(arena, text_of(catalogue_version(order->draft))),
                               .from = order->from,
                               .to = order->to,
                               .as_of = order->as_of};
    *run = (struct run){.order = order,
                        .db = db,
                        .arena = arena,
                        .out = ret,
                        .fees = {.out = &ret->fees, .salt = 1},
                        .agencies = {.out = &ret->agencies, .salt = UINT64_C(1) << 32},
                        .communes = {.out = &ret->communes, .salt = UINT64_C(2) << 32},
                        .categories = {.out = &ret->categories, .salt = UINT64_C(3) << 32}};
    arena_init(&run->rows);
    arena_init(&run->pricing);
    date_days day = order->from - 1;
    int64_t request = INT64_MAX;
    int count = CHUNK;
    enum err err = OK;
    while (!err && count == CHUNK)
        err = chunk_replay(run, &day, &request, &count);
    groups_close(&run->fees, arena);
    groups_close(&run->agencies, arena);
    groups_close(&run->communes, arena);
    groups_close(&run->categories, arena);
    if (!err)
        err = names_find(run);
    for (size_t i = 0; i < run->version_count; i++)
        catalogue_drop(run->versions[i]);
    free(run->people.slots);
    arena_done(&run->pricing);
    arena_done(&run->rows);
    free(run);
    return err;
}

/* ---- in words for machines --------------------------------------------------------------------------------------- */

static void sum_write(struct json *json, const struct simulation_sum *sum)
{
    json_put_int(json, "quotes", sum->quotes);
    json_put_int(json, "before", sum->before);
    json_put_int(json, "after", sum->after);
    json_put_int(json, "difference", sum->after - sum->before);
    json_put_int(json, "affected_quotes", sum->affected);
    json_put_int(json, "affected_people", sum->people);
}

static void group_write(struct json *json, const char *name, const struct simulation_group *group)
{
    json_put_array(json, name);
    for (size_t i = 0; i < group->count; i++) {
        json_put_object(json, NULL);
        json_put_text(json, "key", group->list[i].key);
        json_put_text_or_null(json, "name", group->list[i].name);
        sum_write(json, &group->list[i]);
        json_put_end(json);
    }
    json_put_end(json);
}

void simulation_write(struct json *json, const void *what)
{
    const struct simulation *simulation = what;
    json_put_object(json, NULL);
    json_put_string(json, "catalogue", simulation->draft);
    json_put_date(json, "from", simulation->from);
    json_put_date(json, "to", simulation->to);
    json_put_date(json, "as_of", simulation->as_of);
    sum_write(json, &simulation->all);
    json_put_int(json, "unpriced", simulation->unpriced);
    json_put_int(json, "mismatched", simulation->mismatched);
    group_write(json, "by_fee", &simulation->fees);
    group_write(json, "by_agency", &simulation->agencies);
    group_write(json, "by_commune", &simulation->communes);
    group_write(json, "by_category", &simulation->categories);
    json_put_end(json);
}

enum err simulation_handle(struct request *rq)
{
    struct simulation_order order = {.as_of = DATE_NONE};
    struct text as_of = request_query(rq, "as_of");
    struct catalogue *draft = NULL, *base = NULL;
    struct simulation simulation;
    if (!date_parse(request_query(rq, "from"), &order.from))
        faults_add(&rq->faults, "from", ERR_FIELD_FORMAT, "Cần ngày đầu dạng YYYY-MM-DD");
    if (!date_parse(request_query(rq, "to"), &order.to) || order.to < order.from)
        faults_add(&rq->faults, "to", ERR_FIELD_FORMAT, "Cần ngày cuối dạng YYYY-MM-DD, không trước ngày đầu");
    if (as_of.length && !date_parse(as_of, &order.as_of))
        faults_add(&rq->faults, "as_of", ERR_FIELD_FORMAT, "Phải là ngày dạng YYYY-MM-DD");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    base = catalogue_in_force_hold();
    enum err err =
        base ? catalogue_version_hold(rq->db, &rq->arena, request_capture(rq, "version"), &draft) : ERR_UNAVAILABLE;
    order.draft = draft;
    order.base = base;
    if (!err)
        err = simulation_run(rq->db, &order, &rq->arena, &simulation);
    catalogue_drop(draft);
    catalogue_drop(base);
    return err ? reply_error(rq, err) : reply_json(rq, 200, simulation_write, &simulation);
}
