/* Shared by the tests of catalogues: small sheets written by hand, read, checked and quoted from. */
#ifndef LEPHI_TEST_MADE_H
#define LEPHI_TEST_MADE_H

#include "tests/unit/payments/fees/priced.h"

#define FEE_HEADER                                                                                                     \
    "code,name_vi,name_en,kind,formula,unit_vi,unit_en,valid_from,valid_to,legal_basis,legal_article,issued_by,"       \
    "collector,beneficiary,budget_item,budget_level,retention,document,refund_rule,decided_by,rounding,confidence,"    \
    "note\n"
#define REDUCTION_HEADER                                                                                               \
    "code,name_vi,name_en,kind,fees,procedures,categories,channels,condition,rate,scope,yearly_cap,times_per_year,"    \
    "valid_from,valid_to,decided_by,legal_basis,legal_article,evidence_vi,evidence_en,confidence,note\n"
#define CATEGORIES       "code,name_vi,name_en,legal_basis,evidence_vi,evidence_en\ndigital_citizen,Công dân số,Digital,,,\n"
#define PROCEDURE_HEADER "code,name_vi,name_en,agency_level,fees,optional_fees,postal,confidence,note\n"
#define VALUES           "name,value,valid_from,valid_to,legal_basis,note\nedition,2026-11-22,,,,\n"
/* code, formula, from, to, basis */
#define FEE(code, formula, from, to, basis)                                                                            \
    code ",Tên,Name,phi," formula ",bản,copy," from "," to "," basis ",Điều 1,,,,,,,,,,,,\n"
/* fees, categories, rate, from, to, cap, times */
#define REDUCTION(code, fees, rate, from, to, cap, times)                                                              \
    code ",Giảm,Less,relief," fees ",,digital_citizen,online,," rate ",all," cap "," times "," from "," to             \
         ",payment,NQ 1,,,,,\n"

static struct catalogue *made;

static inline enum err make(const char *fees, const char *reductions, const char *procedures, const char *values)
{
    struct catalogue_files files = {
        .fees = text_of(fees),
        .reductions = text_of(reductions),
        .categories = TEXT(CATEGORIES),
        .procedures = text_of(procedures),
        .values = text_of(values),
        .names = {"fees.csv", "reductions.csv", "categories.csv", "procedures.csv", "values.csv"}};
    catalogue_drop(made);
    made = NULL;
    faults_init(&faults, &arena);
    enum err err = catalogue_read(&files, &faults, &made);
    return err ? err : catalogue_check(made, &files, date_from(2026, 11, 23), &faults);
}

static inline enum err make_fees(const char *fees)
{
    return make(fees, REDUCTION_HEADER, PROCEDURE_HEADER, VALUES);
}

static inline int drop_made(void **state)
{
    catalogue_drop(made);
    made = NULL;
    return 0;
}

static inline void assert_fault(enum err err, const char *where, const char *says)
{
    assert_int_equal(err, ERR_CATALOGUE);
    const struct fault *fault = fault_at(where);
    if (!fault)
        fail_msg("no fault at %s, but %zu, first %s: %s", where, faults.count, faults.list[0].where,
                 faults.list[0].detail);
    if (!strstr(fault->detail, says))
        fail_msg("%s says %s, not %s", where, fault->detail, says);
}

#endif
