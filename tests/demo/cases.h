/* The dossiers of the day: what was filed and what the law says it costs.
 *
 * The sums are worked out by hand from the circulars named beside them for 23 November 2026, a Monday: TT 64/2025
 * halves some fees for everybody until 31 December 2026, NQ 66.22/2026 frees or halves others for digital citizens who
 * file online. */
#ifndef LEPHI_DEMO_CASES_H
#define LEPHI_DEMO_CASES_H

#include <stddef.h>
#include <stdint.h>

struct demo_case {
    const char *fee, *procedure, *agency, *channel;
    const char *quantities;  /* JSON object */
    const char *beneficiary; /* one category or NULL */
    int64_t total;           /* đồng */
    int count;               /* dossiers of this kind today */
};

extern const struct demo_case demo_cases[];
extern const size_t demo_case_count;

#endif
