/* `lephi receipt open`: gives a collector its numbers for this year; `prove` asks the transparency log. Both need the
 * database; the other words are the receipts room's own. */
#include "app/app.h"

#include <stdio.h>
#include <string.h>
#include "app/receipt_acts.h"
#include "receipts/receipts.h"

static int open_range(int argc, char **argv)
{
    int64_t first = 1, last = RECEIPT_NUMBER_MAX;
    const char *letters = argc > 3 ? argv[3] : "AA";
    bool numbers =
        argc <= 4 || (argc == 6 && text_to_int64(text_of(argv[4]), &first) && text_to_int64(text_of(argv[5]), &last));
    if (!numbers || first < 1 || last < first || last > RECEIPT_NUMBER_MAX)
        return app_usage(argv[0], "FIRST and LAST are numbers from 1 to 99999999");
    int status = app_configure();
    struct db *db = status ? NULL : app_db();
    if (!db)
        return status ? status : EXIT_FAILED;
    struct arena arena;
    arena_init(&arena);
    struct text symbol = arena_textf(&arena, "%02dT%s", civil_of(clock_now()).year % 100, letters);
    enum err err =
        receipt_range_open(db, &arena, clock_now(), "operator", text_of(argv[2]), TEXT("EBL01"), symbol, first, last);
    if (err == ERR_CONFLICT)
        fprintf(stderr, "lephi receipt: %s overlaps a range that is there, or is no symbol of TT 91/2026\n", symbol.at);
    else if (err)
        fprintf(stderr, "lephi receipt: %s\n", db_error(db));
    else
        printf("{\"collector\": \"%s\", \"form\": \"EBL01\", \"symbol\": \"%s\", \"first\": %lld, \"last\": %lld}\n",
               argv[2], symbol.at, (long long)first, (long long)last);
    arena_done(&arena);
    db_close(db);
    return err ? EXIT_FAILED : EXIT_DONE;
}

static int prove(int argc, char **argv)
{
    int64_t size = 0;
    bool sized = argc == 5 && !strcmp(argv[3], "--size") && text_to_int64(text_of(argv[4]), &size) && size > 0;
    if (argc != 3 && !sized)
        return app_usage(argv[0], "prove ID|COLLECTOR/FORM/SYMBOL/NUMBER [--size N]");
    int status = app_configure();
    struct db *db = status ? NULL : app_db();
    if (!db)
        return status ? status : EXIT_FAILED;
    struct arena arena;
    struct faults faults;
    struct buf proof = {0};
    struct receipt_office *office = NULL;
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = receipt_office_open(&office, &faults); /* knows the log's name */
    receipt_office_use(office);
    if (!err)
        err = receipt_prove(db, &arena, text_of(argv[2]), size, &proof);
    if (err)
        fprintf(stderr, "lephi receipt: %s: %s\n", argv[2],
                err == ERR_NOT_FOUND     ? "not in the log; it is written a few seconds after signing"
                : err == ERR_FIELD_RANGE ? "the log has no such size"
                                         : err_info(err)->en);
    else
        printf("%s\n", buf_cstr(&proof));
    app_print_faults(&faults);
    buf_done(&proof);
    receipt_office_use(NULL);
    receipt_office_free(office);
    arena_done(&arena);
    db_close(db);
    return err ? EXIT_FAILED : EXIT_DONE;
}

int command_receipt(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "prove") && strcmp(argv[2], "--help"))
        return prove(argc, argv);
    if (argc > 2 && argc < 7 && !strcmp(argv[1], "open"))
        return open_range(argc, argv);
    int status;
    return receipt_act(argc, argv, &status) ? status : receipt_command(argc, argv);
}
