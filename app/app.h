/* The top floor: one binary, a table of commands, a table of routes. */
#ifndef LEPHI_APP_H
#define LEPHI_APP_H

#include "core/core.h"

/* Exit codes of every command: done; the work failed or the answer is no; wrong usage or configuration. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name;
    const char *usage;                 /* behind the name */
    const char *summary;               /* one line */
    const char *help;                  /* what `lephi NAME --help` adds; may be NULL */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};
extern const struct command commands[];
extern const size_t command_count;

/* Loads configuration (file of --config or lephi.conf when it is there, then the environment), sets clock, log level
 * and the server's secret. Prints what is wrong on stderr; EXIT_USAGE then. Called by each command that needs it. */
int app_configure(void);
void app_config_file_set(const char *path);

/* Connects to the configured database, or prints why not. */
struct db *app_db(void);

/* Prints faults on stderr, one a line. */
void app_print_faults(const struct faults *faults);
int app_usage(const char *name, const char *problem);

int command_serve(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_catalogue(int argc, char **argv);
int command_simulate(int argc, char **argv);
int command_province(int argc, char **argv);
int command_reference(int argc, char **argv);
int command_vietqr(int argc, char **argv);
int command_notification(int argc, char **argv);
int command_statement(int argc, char **argv);
int command_reconcile(int argc, char **argv);
int command_report(int argc, char **argv);
int command_day(int argc, char **argv);
int command_staff(int argc, char **argv);
int command_key(int argc, char **argv);
int command_check(int argc, char **argv);
int command_receipt(int argc, char **argv);

/* Every room's routes in one table (routes.c). */
extern const struct route app_routes[];
extern const size_t app_route_count;

#endif
