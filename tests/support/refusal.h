/* How a refusal must look: an RFC 9457 problem that names every fault, and not a row more in the database. */
#ifndef LEPHI_TESTS_REFUSAL_H
#define LEPHI_TESTS_REFUSAL_H

#include "tests/support/service.h"

/* "table count, …" of every table there is, but for those that the sequencer and the jobs move on their own time. */
const char *rows_of_all_tables(struct db *db, struct arena *arena);

/* NULL when the answer is a whole problem document with this status and code and exactly these faults ("pointer code,
 * pointer code", sorted; "" for none); else what was expected and what came. */
const char *problem_differs(struct arena *arena, const char *what, const struct service_answer *answer, int status,
                            const char *code, const char *faults);

/* In cmocka tests. */
#define EXPECT_PROBLEM(arena, what, answer, status, code, faults)                                                      \
    do {                                                                                                               \
        const char *differs_ = problem_differs(arena, what, answer, status, code, faults);                             \
        if (differs_)                                                                                                  \
            fail_msg("%s", differs_);                                                                                  \
    } while (0)

#endif
