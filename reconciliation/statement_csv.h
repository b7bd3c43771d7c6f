/* Bank exports as CSV: which column plays which part, found by the words of the header row. Private. */
#ifndef LEPHI_RECONCILIATION_STATEMENT_CSV_H
#define LEPHI_RECONCILIATION_STATEMENT_CSV_H

#include "reconciliation/statement.h"

enum csv_role {
    CSV_NONE,
    CSV_BOOKED,
    CSV_VALUE,
    CSV_REFERENCE,
    CSV_DEBIT,
    CSV_CREDIT,
    CSV_AMOUNT,
    CSV_SIGN,
    CSV_FEE,
    CSV_TAX,
    CSV_BALANCE,
    CSV_MEMO,
    CSV_PARTY,
    CSV_PARTY_ACCOUNT,
    CSV_CUSTOMER_REFERENCE,
    CSV_VIRTUAL_ACCOUNT,
    CSV_ROLES,
};

/* Column of each role, -1 when the file has none. */
struct csv_roles {
    int column[CSV_ROLES];
};

/* True when the row is a header: a date and either debit with credit or an amount. */
bool csv_header_read(const struct csv_row *row, struct csv_roles *ret_roles);

/* What the rows around the table say. */
struct csv_about {
    struct short_text account, currency;
    bool has_opening, has_closing;
    int64_t opening, closing;
};
/* Reads a row that is not a line of the table. */
void csv_about_read(const struct csv_row *row, struct csv_about *about);

/* "1,234,567 VND", "(1.234)", "-150000", "" and "-" (0): false when it is none of these. */
bool csv_money(struct text cell, int decimals, int64_t *ret_amount);
/* dd/mm/yyyy, dd-mm-yyyy, dd.mm.yyyy, yyyy-mm-dd, yyyymmdd at the beginning of a cell, time behind it ignored. */
enum date_quality csv_date(struct text cell, date_days *ret_date, struct text *ret_rest);
/* Totals, closing balances, printers' notes: the table is over. */
bool csv_is_footer(const struct csv_row *row);

#endif
