/* Inside the receipts room: the words of `lephi receipt`. */
#ifndef LEPHI_RECEIPTS_COMMAND_H
#define LEPHI_RECEIPTS_COMMAND_H

#include "receipts/receipts.h"

enum { COMMAND_DONE, COMMAND_NO, COMMAND_USAGE };
enum { COMMAND_FILES_MAX = 3 };

struct command_options {
    const char *files[COMMAND_FILES_MAX];
    int file_count;
    const char *trust, *key, *certificate, *receipt, *head, *stamp;
    struct receipt_trust *anchors; /* of `trust`; NULL: not asked */
};

/* Prints why not on stderr; returns COMMAND_NO. */
int command_complain(const char *what, enum err err, const struct faults *faults);
int command_check_proof(const struct command_options *options, struct faults *faults);
int command_check_log(const struct command_options *options, struct faults *faults);

#endif
