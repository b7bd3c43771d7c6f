/* `lephi report`: the day's books and the ledger, on standard output. */
#include "app/app.h"

#include <stdio.h>
#include <string.h>
#include "payments/ledger/ledger.h"
#include "payments/requests/requests.h"
#include "reconciliation/reconciliation.h"

static bool read_date_option(int argc, char **argv, date_days *ret_date)
{
    for (int i = 2; i < argc; i += 2)
        if (i + 1 == argc || strcmp(argv[i], "--date") || !date_parse(text_of(argv[i + 1]), ret_date))
            return false;
    return true;
}

static int report_ledger(int argc, char **argv)
{
    date_days day = date_of(clock_now());
    if (!read_date_option(argc, argv, &day))
        return app_usage(argv[0], "--date is YYYY-MM-DD");
    struct db *db = app_db();
    if (!db)
        return EXIT_FAILED;
    struct arena arena;
    struct buf out = {0};
    struct json json = json_to(&out);
    arena_init(&arena);
    enum err err = ledger_balances_write(db, &arena, day, &json);
    if (err)
        fprintf(stderr, "lephi report: %s\n", db_error(db));
    else
        puts(buf_cstr(&out));
    buf_done(&out);
    arena_done(&arena);
    db_close(db);
    return err ? EXIT_FAILED : EXIT_DONE;
}

/* Configuration and database around a command of the reconciliation room. */
static int with_database(int (*run)(struct db *db, int argc, char **argv), int argc, char **argv)
{
    int status = app_configure();
    if (status)
        return status;
    struct db *db = app_db();
    if (!db)
        return EXIT_FAILED;
    status = run(db, argc, argv);
    db_close(db);
    return status;
}

int command_statement(int argc, char **argv)
{
    bool import = argc > 1 && !strcmp(argv[1], "import");
    if (argc > 1 && !strcmp(argv[1], "mapping"))
        return with_database(statement_mapping_command, argc, argv);
    if (argc > 1 && !strcmp(argv[1], "fetch"))
        return with_database(statement_fetch_command, argc, argv);
    return import ? with_database(statement_import_command, argc, argv) : statement_command(argc, argv);
}

int command_reconcile(int argc, char **argv)
{
    return with_database(reconcile_command, argc, argv);
}

int command_report(int argc, char **argv)
{
    if (argc < 2)
        return app_usage(argv[0], NULL);
    int status = app_configure();
    if (status)
        return status;
    if (!strcmp(argv[1], "ledger"))
        return report_ledger(argc, argv);
    return with_database(report_command, argc, argv);
}

int command_day(int argc, char **argv)
{
    return with_database(day_command, argc, argv);
}

int command_reference(int argc, char **argv)
{
    int status = app_configure(); /* the province's prefix */
    return status ? status : reference_command(argc, argv);
}

int command_vietqr(int argc, char **argv)
{
    int status = app_configure(); /* the table of banks */
    return status ? status : vietqr_command(argc, argv);
}

int command_notification(int argc, char **argv)
{
    int status = app_configure();
    return status ? status : notification_command(argc, argv);
}
