/* Shared by the tests of fees: the shipped catalogue, and a price from a request written as JSON. */
#ifndef LEPHI_TEST_PRICED_H
#define LEPHI_TEST_PRICED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "payments/fees/catalogue.h"

static struct catalogue *shipped;
static struct arena arena;
static struct faults faults;
static struct quote quote;
static struct quote_request request;
static date_days today;

static inline int shipped_load(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    today = date_from(2026, 11, 23);
    enum err err = catalogue_load("payments/catalogue", &faults, &shipped);
    for (size_t i = 0; i < faults.count; i++)
        fprintf(stderr, "%s: %s\n", faults.list[i].where, faults.list[i].detail);
    return err ? -1 : 0;
}

static inline int shipped_drop(void **state)
{
    catalogue_drop(shipped);
    arena_done(&arena);
    return 0;
}

/* Quotes with a catalogue; 'single quotes' stand for double ones. */
static inline enum err quote_with(const struct catalogue *catalogue, const char *json)
{
    struct json_fields in;
    faults_init(&faults, &arena);
    char *body = arena_copy(&arena, text_of(json));
    for (char *c = body; *c; c++)
        if (*c == '\'')
            *c = '"';
    enum err err = json_parse(text_of(body), &in, &faults);
    if (!err)
        err = quote_request_read(&in, &request);
    return err ? err : quote_compute(catalogue, &request, today, &arena, &faults, &quote);
}

/* The total, or -1 with the first fault printed. */
static inline int64_t price_with(const struct catalogue *catalogue, const char *json)
{
    if (quote_with(catalogue, json)) {
        fprintf(stderr, "%s → %s: %s\n", json, faults.list[0].where, faults.list[0].detail);
        return -1;
    }
    return quote.total;
}

static inline int64_t price(const char *json)
{
    return price_with(shipped, json);
}

/* A fee alone, with quantities such as "'value':1". */
static inline int64_t price_of(const char *fee, const char *quantities)
{
    return price(arena_printf(&arena, "{'fees':['%s'],'channel':'counter','quantities':{%s}}", fee, quantities));
}

static inline int64_t price_of_value(const char *fee, int64_t value)
{
    return price_of(fee, arena_printf(&arena, "'value':%lld", (long long)value));
}

static inline const struct fault *fault_at(const char *where)
{
    for (size_t i = 0; i < faults.count; i++)
        if (!strcmp(faults.list[i].where, where))
            return &faults.list[i];
    return NULL;
}

static inline void assert_refused(const char *json, const char *where, enum err code)
{
    assert_int_equal(quote_with(shipped, json), ERR_INVALID);
    const struct fault *fault = fault_at(where);
    if (!fault)
        fail_msg("no fault at %s for %s", where, json);
    assert_string_equal(err_info(fault->code)->code, err_info(code)->code);
    assert_true(strlen(fault->detail) > 0);
}

#endif
