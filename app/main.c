/* The command table: one binary, one word, one act. */
#include "app/app.h"

#include <stdio.h>
#include <string.h>

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static void print_commands(FILE *to)
{
    fputs("lephi: thu phí, lệ phí và bưu chính của bộ phận một cửa (fees, payments, receipts, post, reconciliation)\n\n"
          "Usage: lephi [--config FILE] COMMAND [ARGUMENT…]\n\n",
          to);
    for (size_t i = 0; i < command_count; i++)
        fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`lephi COMMAND --help` explains one. Exit: 0 done, 1 failed or the answer is no, 2 wrong usage or "
          "configuration.\n",
          to);
}

static void print_help(const struct command *command)
{
    printf("Usage: lephi %s %s\n\n%s\n", command->name, command->usage, command->summary);
    if (command->help)
        printf("\n%s\n", command->help);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

/* Takes --config FILE (or --config=FILE) out of the arguments, wherever it stands. */
static int take_config(int argc, char **argv)
{
    int kept = 0;
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "--config") && i + 1 < argc)
            app_config_file_set(argv[++i]);
        else if (!strncmp(argv[i], "--config=", 9))
            app_config_file_set(argv[i] + 9);
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    return kept;
}

int main(int argc, char **argv)
{
    argc = take_config(argc, argv);
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_commands(stdout);
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("lephi " LEPHI_VERSION);
        return EXIT_DONE;
    }
    const struct command *command = find(argv[1]);
    if (!command) {
        fprintf(stderr, "lephi: no command '%s'; `lephi --help` lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    if (asks_for_help(argc - 1, argv + 1)) {
        print_help(command);
        return EXIT_DONE;
    }
    int status = command->run(argc - 1, argv + 1);
    if (fflush(stdout) && status == EXIT_DONE) {
        fputs("lephi: the result could not be written\n", stderr);
        return EXIT_FAILED;
    }
    return status;
}
