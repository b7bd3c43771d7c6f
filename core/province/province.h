/* The province: agencies and their receiving accounts, communes, the working-day calendar. Knows no fee and no receipt.
 *
 * All of it is dated data loaded from CSV files by `lephi province import` and read from the database. */
#ifndef LEPHI_CORE_PROVINCE_H
#define LEPHI_CORE_PROVINCE_H

#include "core/base/fault.h"
#include "core/db/db.h"

struct agency {
    struct text code, name_vi, name_en;
    struct text tax_code; /* the collector on receipts */
    struct text address, phone;
    struct text level; /* province, commune, central */
};

struct receiving_account {
    int64_t id;
    struct text bank_bin, number, name;
    struct text source; /* which bank service announces its money */
};

/* Texts live in the arena. ERR_NOT_FOUND. */
MUST_CHECK enum err agency_find(struct db *db, struct arena *arena, struct text code, struct agency *ret_agency);
MUST_CHECK enum err agency_by_tax_code(struct db *db, struct arena *arena, struct text tax_code,
                                       struct agency *ret_agency);
/* Ten digits, with -NNN for a dependent unit, or the twelve digits of a citizen's number. */
bool tax_code_valid(struct text code);
/* The active account an agency's fees go to. ERR_ACCOUNT_MISSING. */
MUST_CHECK enum err receiving_account_of(struct db *db, struct arena *arena, struct text agency,
                                         struct receiving_account *ret_account);

/* Working days: Monday to Friday, without holidays, with swapped-in days. A snapshot, read once, safe from any thread.
 */
struct calendar;
MUST_CHECK enum err calendar_load(struct db *db, struct calendar **ret_calendar);
void calendar_free(struct calendar *calendar);
/* 1 when people work on that day, 0 when not. */
int calendar_works(const struct calendar *calendar, date_days day);
/* The n-th working day after `from` (n ≥ 0; 0 gives `from` or, if nobody works then, the next working day). */
date_days calendar_add(const struct calendar *calendar, date_days from, int working_days);

/* Reads agencies.csv, accounts.csv, calendar.csv and communes.csv of a folder (those that are there) in one
 * transaction: rows are added or changed by their natural key, none is deleted. Faults name file, line and column. */
MUST_CHECK enum err province_import(struct db *db, const char *folder, struct faults *faults, int64_t *ret_rows);

#endif
