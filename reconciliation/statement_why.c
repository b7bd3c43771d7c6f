/* Why a file cannot be read: each fault by line, told after the refusal, so that the import itself stays as it is. */
#include "reconciliation/statement_import.h"

enum { WHY_MAX = 10, PIECE = 256 * 1024 };

static void on_warning(void *with, const struct statement_warning *warning)
{
    struct faults *faults = with;
    if (faults->count < WHY_MAX)
        faults_add(faults, arena_printf(faults->arena, "line %d", warning->line), ERR_STATEMENT_SYNTAX, "%s: %s",
                   warning->code, warning->detail);
}

void statement_why(struct text file, struct faults *faults)
{
    enum statement_format format = statement_detect(file);
    if (format == STATEMENT_UNKNOWN) {
        faults_add(faults, "line 1", ERR_STATEMENT_FORMAT, "%s",
                   !file.length                ? "empty: Tệp rỗng (the file is empty)"
                   : text_starts(file, "%PDF") ? "pdf: Sao kê in (PDF): hãy lấy bảng tính của ngân hàng (ask for the "
                                                 "spreadsheet)"
                                               : "unknown: Không phải MT940, MT942, camt, CSV, XLSX, XLS, bảng HTML "
                                                 "hay JSON (none of the known formats)");
        return;
    }
    const struct statement_sink sink = {.with = faults, .warning = on_warning};
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = OK;
    for (size_t at = 0; at < file.length && !err; at += PIECE)
        err = statement_reader_feed(reader, text_slice(file, at, PIECE));
    enum err ended = statement_reader_end(reader);
    statement_reader_free(reader);
    if (!faults->count)
        faults_add(faults, "line 1",
                   err     ? err
                   : ended ? ended
                           : ERR_STATEMENT_SYNTAX,
                   "no_statement: Không có sao kê nào trong tệp (there is no statement in it)");
}
