/* lephi receipt check-proof, check-log: for whoever holds a proof and doubts us. Needs no database and no network. */
#include <stdio.h>
#include <string.h>
#include "core/base/file.h"
#include "receipts/command.h"
#include "receipts/log.h"

enum { PROOF_MAX = 4 * 1024 * 1024 };

static enum err read_file(const char *path, size_t max, struct faults *faults, struct text *ret)
{
    enum err err = file_read(path, max, faults->arena, ret);
    return err ? faults_add(faults, path, err, NULL) : OK;
}

static enum err read_head(const char *path, struct faults *faults, struct log_head *ret)
{
    struct text json;
    enum err err = read_file(path, PROOF_MAX, faults, &json);
    return err ? err : log_head_read(json, ret, faults);
}

static int tell(const char *what, enum err err, struct buf *told, const struct faults *faults)
{
    if (!err)
        printf("%sholds\n", buf_cstr(told));
    buf_done(told);
    return err ? command_complain(what, err, faults) : COMMAND_DONE;
}

int command_check_proof(const struct command_options *options, struct faults *faults)
{
    struct text proof, file = TEXT_NONE;
    struct log_head head;
    struct buf told = {0};
    enum err err = read_file(options->files[0], PROOF_MAX, faults, &proof);
    if (!err && options->receipt)
        err = read_file(options->receipt, RECEIPT_XML_MAX, faults, &file);
    if (!err && options->head)
        err = read_head(options->head, faults, &head);
    if (!err)
        err = log_check_proof(proof, file, options->head ? &head : NULL, options->anchors, &told, faults);
    return tell(options->files[0], err, &told, faults);
}

int command_check_log(const struct command_options *options, struct faults *faults)
{
    struct text proof;
    struct log_head heads[2];
    struct buf told = {0};
    enum err err = read_file(options->files[2], PROOF_MAX, faults, &proof);
    for (int i = 0; i < 2 && !err; i++) {
        err = read_head(options->files[i], faults, &heads[i]);
        if (!err)
            err = log_head_check(&heads[i], options->anchors, faults);
    }
    if (!err)
        err = log_check_growth(&heads[0], &heads[1], proof, &told, faults);
    return tell(options->files[2], err, &told, faults);
}
