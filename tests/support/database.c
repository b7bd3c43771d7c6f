#include "tests/support/database.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void end(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

const char *test_database_url(void)
{
    const char *url = getenv("DATABASE_URL");
    if (!url)
        end("DATABASE_URL", "is not set: run this test by make test");
    return url;
}

struct db *test_db(void)
{
    struct db *db;
    const struct db_options options = {.url = test_database_url(), .name = "test", .statement_timeout_ms = 60000};
    if (db_open(&options, &db))
        end("database", "no connection");
    return db;
}

/* Statements are kept by address, so each text gets one of its own, for the life of the program. */
struct kept {
    struct db_statement statement;
    struct kept *next;
};

static const struct db_statement *statement_of(const char *sql)
{
    static _Atomic int number;
    static struct kept *_Atomic all; /* reachable, so that LeakSanitizer sees they are meant to stay */
    struct kept *kept = memory_new(sizeof *kept);
    char name[32];
    snprintf(name, sizeof name, "test_%d", ++number);
    kept->statement = (struct db_statement){memory_copy(name, strlen(name)), memory_copy(sql, strlen(sql))};
    kept->next = all;
    while (!atomic_compare_exchange_weak(&all, &kept->next, kept))
        continue;
    return &kept->statement;
}

struct text test_value(struct db *db, struct arena *arena, const char *sql)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    if (db_query(db, statement_of(sql), &none, &rows))
        end(sql, db_error(db));
    return rows.count && !db_null(&rows, 0, 0) ? db_text(&rows, 0, 0) : TEXT("");
}

int64_t test_int(struct db *db, const char *sql)
{
    struct arena arena;
    arena_init(&arena);
    int64_t value = 0;
    struct text text = test_value(db, &arena, sql);
    if (!text_to_int64(text, &value))
        end(sql, "is no number");
    arena_done(&arena);
    return value;
}

void test_sql(struct db *db, const char *sql)
{
    if (db_script(db, sql))
        end(sql, db_error(db));
}

void test_sql_refused(struct db *db, const char *sql, const char *sqlstate)
{
    if (!db_script(db, sql))
        end(sql, "was not refused");
    if (strcmp(db_sqlstate(db), sqlstate))
        end(sql, db_error(db));
}

static void lines_without(struct text all, struct text others, char mark)
{
    while (all.length) {
        struct text line = text_until(all, '\n', &all), rest = others;
        bool found = false;
        while (rest.length && !found)
            found = text_equal(text_until(rest, '\n', &rest), line);
        if (!found)
            fprintf(stderr, "%c %.*s\n", mark, TEXT_ARGS(line));
    }
}

void test_texts_differ(struct text wanted, struct text got)
{
    lines_without(wanted, got, '-');
    lines_without(got, wanted, '+');
    end("texts", "differ");
}

struct client {
    pthread_t thread;
    pthread_barrier_t *start;
    void (*act)(struct db *db, int number, void *with);
    void *with;
    int number;
};

static void *run_client(void *with)
{
    struct client *client = with;
    struct db *db = test_db();
    pthread_barrier_wait(client->start);
    client->act(db, client->number, client->with);
    db_close(db);
    return NULL;
}

void test_clients(int count, void (*act)(struct db *db, int number, void *with), void *with)
{
    struct client clients[64];
    pthread_barrier_t start;
    if (count > 64)
        end("test_clients", "at most 64");
    pthread_barrier_init(&start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        clients[i] = (struct client){.start = &start, .act = act, .with = with, .number = i};
        if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]))
            end("test_clients", "no thread");
    }
    for (int i = 0; i < count; i++)
        pthread_join(clients[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

void test_province(struct db *db)
{
    test_sql(db, "INSERT INTO agency (code, name_vi, tax_code, level) VALUES ('A1', 'Trung tâm thử nghiệm', "
                 "'5700100001', 'province');"
                 "INSERT INTO receiving_account (agency, bank_bin, account_number, account_name, source)"
                 " VALUES ('A1', '970436', '0021000000001', 'TT PVHCC', 'sandbox-bank')");
}

int64_t test_request(struct db *db, const char *reference, int64_t amount)
{
    static _Atomic int number;
    char sql[2048];
    int n = ++number;
    snprintf(sql, sizeof sql,
             "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, registered_at, "
             "changed_at)"
             " VALUES ('H%05d', '2.000635', 'A1', 'online', 'Nguyễn Thị Ánh', '2026-11-23T01:00Z', "
             "'2026-11-23T01:00Z', '2026-11-23T01:00Z')",
             n);
    test_sql(db, sql);
    snprintf(
        sql, sizeof sql,
        "SELECT request_make('2026-11-23T01:00Z', '%s', 'H%05d', 'filing', %lld, (SELECT id FROM receiving_account "
        "LIMIT 1),"
        " '5700100001', sha256('%s'), '{}', 'test', '2026-11-23', NULL, 'payload', 'system:test', '2026-12-23T01:00Z',"
        " jsonb_build_array(jsonb_build_object('fee', 'HT-TRICHLUC', 'name', 'Phí', 'kind', 'phi', 'gross', %lld, "
        "'reduction', 0,"
        " 'net', %lld, 'document', 'state_receipt', 'legal_basis', 'TT 281/2016')))",
        reference, n, (long long)amount, reference, (long long)amount, (long long)amount);
    return test_int(db, sql);
}
