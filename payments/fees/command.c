/* `lephi quote` and `lephi catalogue check`: the same readers as the service, without a database. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "payments/fees/sheet.h"

enum { QUOTE_FILE_MAX = 64 * 1024, CHECK_FILES_MAX = 16 };

static const char quote_usage[] =
    "Usage: lephi quote FILE|- [--catalogue PATH]\n"
    "Tính báo giá từ yêu cầu JSON (như POST /v1/quotes), in JSON ra stdout.\n"
    "Prices a JSON quote request. PATH is a catalogue folder; without it, the one shipped with the program.\n";

static const char check_usage[] =
    "Usage: lephi catalogue check FILE…|FOLDER\n"
    "Kiểm tra danh mục phí; mỗi lỗi một dòng tệp:dòng:ô.\n"
    "Checks a fee catalogue: a folder, or single files (references into files not given are not checked).\n";

static bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

static void print_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        fprintf(stderr, "%s: %s: %s\n", faults->list[i].where[0] ? faults->list[i].where : "/",
                err_info(faults->list[i].code)->code, faults->list[i].detail);
    if (faults->dropped)
        fprintf(stderr, "… và %zu lỗi nữa (%zu more)\n", faults->dropped, faults->dropped);
}

static enum err input_read(const char *path, struct buf *bytes)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
    if (!file)
        return ERR_IO;
    size_t got;
    do {
        got = fread(buf_room(bytes, 8192), 1, 8192, file);
        bytes->length += got;
    } while (got > 0 && bytes->length <= QUOTE_FILE_MAX);
    enum err err = ferror(file) ? ERR_IO : bytes->length > QUOTE_FILE_MAX ? ERR_BODY_TOO_LARGE : OK;
    if (file != stdin)
        fclose(file);
    return err;
}

/* A folder, or a file in it. */
static const char *folder_of(struct arena *arena, const char *path)
{
    struct stat about;
    if (stat(path, &about) || S_ISDIR(about.st_mode))
        return path;
    char *folder = arena_copy(arena, text_of(path)), *slash = strrchr(folder, '/');
    if (!slash)
        return ".";
    *slash = '\0';
    return folder[0] ? folder : "/";
}

static int quote_print(struct text body, const struct catalogue *catalogue, struct arena *arena, struct faults *faults)
{
    struct json_fields in;
    struct quote_request request;
    struct quote quote;
    enum err err = json_parse(body, &in, faults);
    if (!err)
        err = quote_request_read(&in, &request);
    if (!err)
        err = quote_compute(catalogue, &request, date_of(clock_now()), arena, faults, &quote);
    if (err) {
        print_faults(faults);
        return 1;
    }
    struct buf out = {0};
    struct json json = json_to(&out);
    quote_write(&json, &quote);
    buf_char(&out, '\n');
    bool written = fwrite(out.at, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
    buf_done(&out);
    return written ? 0 : 1;
}

int fees_quote_command(int argc, char **argv)
{
    const char *path = NULL, *given = NULL;
    if (asks_help(argc, argv)) {
        fputs(quote_usage, stdout);
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--catalogue") && i + 1 < argc && !given) {
            given = argv[++i];
        } else if (!path && (argv[i][0] != '-' || !argv[i][1])) {
            path = argv[i];
        } else {
            fputs(quote_usage, stderr);
            return 2;
        }
    }
    char shipped[4096];
    const char *folder = given ? given : catalogue_folder(shipped, sizeof shipped);
    if (!path || !folder) {
        fputs(path ? "Không tìm thấy danh mục phí; dùng --catalogue PATH\n" : quote_usage, stderr);
        return 2;
    }
    struct arena arena;
    struct faults faults;
    struct catalogue *catalogue = NULL;
    struct buf body = {0};
    int status = 2;
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = input_read(path, &body);
    if (err)
        fprintf(stderr, "%s: %s\n", path, err_info(err)->vi);
    else if (catalogue_load(folder_of(&arena, folder), &faults, &catalogue))
        print_faults(&faults);
    else
        status = quote_print(buf_view(&body), catalogue, &arena, &faults);
    catalogue_drop(catalogue);
    buf_done(&body);
    arena_done(&arena);
    return status;
}

/* Which of the five a file is: by its header, so that names are the officer's own. */
static struct text *part_of(struct catalogue_files *files, struct text bytes, struct arena *arena, size_t *ret_index)
{
    static const char *const marks[] = {"formula", "rate", NULL, "optional_fees", "value"};
    struct text *const parts[] = {&files->fees, &files->reductions, &files->categories, &files->procedures,
                                  &files->values};
    size_t index = 2;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i] && sheet_field_of(bytes, marks[i], arena))
            index = i;
    *ret_index = index;
    return parts[index];
}

enum err catalogue_files_replace(char *const *paths, size_t count, struct faults *faults,
                                 struct catalogue_files *ret_files)
{
    struct catalogue_files files = *ret_files;
    unsigned given = 0;
    for (size_t i = 0; i < count; i++) {
        struct text bytes;
        size_t index;
        if (catalogue_file_read(paths[i], faults->arena, &bytes))
            return faults_add(faults, paths[i], ERR_IO, NULL);
        struct text *part = part_of(&files, bytes, faults->arena, &index);
        if (given & 1u << index)
            return faults_add(faults, paths[i], ERR_CATALOGUE, "hai tệp cùng loại với %s", files.names[index]);
        *part = bytes;
        given |= 1u << index;
        files.names[index] = paths[i];
    }
    *ret_files = files;
    return OK;
}

/* What may be published and is not whole: no fault, but those fees wait with their remittance. */
static void print_blocked(const struct catalogue *catalogue, struct json *json)
{
    enum { SHOWN = 500 };
    const struct fee *fees[SHOWN];
    size_t count = catalogue_remittance_blocked(catalogue, date_of(clock_now()), fees, SHOWN);
    struct buf words = {0};
    json_put_array(json, "remittance_blocked");
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        buf_clear(&words);
        fee_facts_say(fee_remittance_unset(catalogue, fees[i], (struct fee_collector){.day = date_of(clock_now())}),
                      &words);
        fprintf(stderr, "fees.csv:%d: lưu ý: khoản %.*s chưa lập được bảng kê nộp ngân sách vì chưa có: %s\n",
                fees[i]->line, TEXT_ARGS(fees[i]->code), buf_cstr(&words));
        json_put_text(json, NULL, fees[i]->code);
    }
    json_put_end(json);
    buf_done(&words);
}

static void check_summary(const struct catalogue *catalogue, const struct faults *faults)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    json_put_object(&json, NULL);
    json_put_bool(&json, "valid", faults->count == 0);
    json_put_int(&json, "faults", (int64_t)(faults->count + faults->dropped));
    if (catalogue) {
        json_put_string(&json, "version", catalogue->version);
        json_put_int(&json, "fees", (int64_t)catalogue->fee_count);
        json_put_int(&json, "reductions", (int64_t)catalogue->reduction_count);
        json_put_int(&json, "procedures", (int64_t)catalogue->procedure_count);
        json_put_int(&json, "categories", (int64_t)catalogue->category_count);
        print_blocked(catalogue, &json);
    }
    json_put_end(&json);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
}

int fees_catalogue_check_command(int argc, char **argv)
{
    if (asks_help(argc, argv)) {
        fputs(check_usage, stdout);
        return 0;
    }
    if (argc < 2 || argc > CHECK_FILES_MAX || argv[1][0] == '-') {
        fputs(check_usage, stderr);
        return 2;
    }
    struct arena arena;
    struct faults faults;
    struct catalogue_files files = {
        .names = {"fees.csv", "reductions.csv", "categories.csv", "procedures.csv", "values.csv"}};
    struct catalogue *catalogue = NULL;
    struct stat about;
    arena_init(&arena);
    faults_init(&faults, &arena);
    bool folder = argc == 2 && !stat(argv[1], &about) && S_ISDIR(about.st_mode);
    enum err err = folder ? catalogue_files_read(argv[1], &arena, &faults, &files)
                          : catalogue_files_replace(argv + 1, (size_t)argc - 1, &faults, &files);
    if (!err) {
        err = catalogue_read(&files, &faults, &catalogue);
        if (!err)
            err = catalogue_check(catalogue, &files, date_of(clock_now()), &faults);
        check_summary(catalogue, &faults);
    }
    print_faults(&faults);
    catalogue_drop(catalogue);
    arena_done(&arena);
    return err == ERR_IO ? 2 : err ? 1 : 0;
}
