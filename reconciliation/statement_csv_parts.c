/* Header words, dates and amounts of bank exports. Words are compared without accents and case, whole words only, and
 * the first rule that fits a cell wins: "Số tiền ghi có" is credit before it is an amount. Layouts seen in public
 * material: Vietcombank, Techcombank, BIDV, VietinBank, Agribank, MB, ACB, VIB, TPBank, and plain English. */
#include "reconciliation/statement_csv.h"

#include <string.h>

enum { KEY_SIZE = 200 };

static const struct rule {
    enum csv_role role;
    bool exact;
    const char *words;
} rules[] = {
    {CSV_VIRTUAL_ACCOUNT, false, "virtual account"},
    {CSV_VIRTUAL_ACCOUNT, false, "ma dinh danh"},
    {CSV_PARTY_ACCOUNT, false, "tai khoan dich"},
    {CSV_PARTY_ACCOUNT, false, "so tai khoan doi ung"},
    {CSV_PARTY, false, "ten tai khoan"},
    {CSV_PARTY_ACCOUNT, false, "tai khoan doi ung"},
    {CSV_PARTY_ACCOUNT, false, "counterparty account"},
    {CSV_PARTY_ACCOUNT, true, "tai khoan account"},
    {CSV_PARTY_ACCOUNT, true, "tai khoan"},
    {CSV_NONE, false, "remitter bank"},
    {CSV_NONE, false, "remitter s bank"},
    {CSV_NONE, false, "ngan hang"},
    {CSV_NONE, false, "requesting date"},
    {CSV_PARTY, false, "don vi thu huong"},
    {CSV_PARTY, false, "nguoi huong"},
    {CSV_PARTY, false, "corresponsive name"},
    {CSV_PARTY, false, "doi tac"},
    {CSV_PARTY, false, "counterparty"},
    {CSV_PARTY, false, "counterparty name"},
    {CSV_BOOKED, false, "ngay hach toan"},
    {CSV_BOOKED, false, "accounting date"},
    {CSV_VALUE, false, "ngay hieu luc"},
    {CSV_VALUE, false, "ngay hieu luc2"},
    {CSV_VALUE, false, "ngay chung tu"},
    {CSV_VALUE, false, "ngay gia tri"},
    {CSV_VALUE, false, "value date"},
    {CSV_VALUE, false, "value on"},
    {CSV_VALUE, true, "ngay hl"},
    {CSV_BOOKED, false, "ngay giao dich"},
    {CSV_BOOKED, false, "ngay gio giao dich"},
    {CSV_BOOKED, false, "ngay thuc hien"},
    {CSV_BOOKED, false, "ngay gd"},
    {CSV_BOOKED, false, "tnx date"},
    {CSV_BOOKED, false, "transaction date"},
    {CSV_BOOKED, false, "booking date"},
    {CSV_BOOKED, false, "booked on"},
    {CSV_BOOKED, false, "posting date"},
    {CSV_BOOKED, true, "ngay ht"},
    {CSV_BOOKED, true, "ngay date"},
    {CSV_BOOKED, true, "ngay"},
    {CSV_BOOKED, true, "date"},
    {CSV_CUSTOMER_REFERENCE, false, "customer reference"},
    {CSV_REFERENCE, false, "so tham chieu"},
    {CSV_REFERENCE, false, "bank reference"},
    {CSV_REFERENCE, false, "so but toan"},
    {CSV_REFERENCE, false, "reference number"},
    {CSV_REFERENCE, false, "transaction number"},
    {CSV_REFERENCE, false, "transaction no"},
    {CSV_REFERENCE, false, "ma giao dich"},
    {CSV_REFERENCE, false, "ref no"},
    {CSV_REFERENCE, false, "doc no"},
    {CSV_REFERENCE, true, "reference"},
    {CSV_REFERENCE, false, "so gd"},
    {CSV_REFERENCE, false, "so giao dich"},
    {CSV_REFERENCE, false, "so chung tu"},
    {CSV_REFERENCE, true, "so ct"},
    {CSV_FEE, false, "fee interest"},
    {CSV_FEE, false, "phi lai"},
    {CSV_TAX, false, "vat"},
    {CSV_BALANCE, false, "so du"},
    {CSV_BALANCE, false, "balance"},
    {CSV_DEBIT, false, "ghi no"},
    {CSV_DEBIT, false, "phat sinh no"},
    {CSV_DEBIT, false, "ps no"},
    {CSV_DEBIT, false, "rut ra"},
    {CSV_DEBIT, false, "debit"},
    {CSV_DEBIT, false, "debit amount"},
    {CSV_DEBIT, true, "no"},
    {CSV_CREDIT, false, "ghi co"},
    {CSV_CREDIT, false, "phat sinh co"},
    {CSV_CREDIT, false, "ps co"},
    {CSV_CREDIT, false, "gui vao"},
    {CSV_CREDIT, false, "credit"},
    {CSV_CREDIT, true, "co"},
    {CSV_SIGN, true, "thay doi"},
    {CSV_AMOUNT, true, "so tien"},
    {CSV_AMOUNT, true, "amount"},
    {CSV_AMOUNT, true, "so tien amount"},
    {CSV_MEMO, false, "noi dung"},
    {CSV_MEMO, false, "dien giai"},
    {CSV_MEMO, false, "mo ta"},
    {CSV_MEMO, false, "description"},
    {CSV_MEMO, false, "details"},
    {CSV_MEMO, false, "remark"},
    {CSV_MEMO, false, "memo"},
};

/* `words` stand in the key as whole words. */
static bool has_words(const char *key, const char *words)
{
    size_t length = strlen(words);
    for (const char *at = key; (at = strstr(at, words)); at++)
        if ((at == key || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

bool csv_header_read(const struct csv_row *row, struct csv_roles *ret_roles)
{
    struct csv_roles roles;
    size_t strength[CSV_ROLES]; /* an earlier rule names its column better than a later one */
    for (int i = 0; i < CSV_ROLES; i++)
        roles.column[i] = -1;
    for (size_t i = 0; i < row->count; i++) {
        char key[KEY_SIZE];
        text_to_key(row->fields[i], key, sizeof key);
        for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
            if (rules[r].exact ? strcmp(key, rules[r].words) != 0 : !has_words(key, rules[r].words))
                continue;
            enum csv_role role = rules[r].role;
            if (roles.column[role] < 0 || r < strength[role]) {
                roles.column[role] = (int)i;
                strength[role] = r;
            }
            break;
        }
    }
    const int *column = roles.column;
    if (column[CSV_BOOKED] < 0) { /* one date only: the day the bank counts it */
        roles.column[CSV_BOOKED] = column[CSV_VALUE];
        roles.column[CSV_VALUE] = -1;
    }
    if (column[CSV_BOOKED] < 0 || !((column[CSV_DEBIT] >= 0 && column[CSV_CREDIT] >= 0) || column[CSV_AMOUNT] >= 0))
        return false;
    *ret_roles = roles;
    return true;
}

bool csv_money(struct text cell, int decimals, int64_t *ret_amount)
{
    cell = text_trim(cell);
    for (size_t cut = 3; cell.length >= 3 && cut; cut = 0) { /* a currency before or behind */
        const char *end = cell.at + cell.length - 3;
        if (end[0] >= 'A' && end[0] <= 'Z' && end[2] >= 'A' && end[2] <= 'Z')
            cell.length -= 3;
        else if (cell.at[0] >= 'A' && cell.at[0] <= 'Z' && cell.at[2] >= 'A' && cell.at[2] <= 'Z')
            cell = text_slice(cell, 3, cell.length);
        cell = text_trim(cell);
    }
    if (!cell.length || text_is(cell, "-")) {
        *ret_amount = 0;
        return true;
    }
    bool negative = false;
    if (cell.at[0] == '(' && cell.at[cell.length - 1] == ')') {
        negative = true;
        cell = text_trim(text_slice(cell, 1, cell.length - 2));
    }
    if (text_starts(cell, "-") || text_starts(cell, "+")) {
        negative = negative || cell.at[0] == '-';
        cell = text_trim(text_slice(cell, 1, cell.length));
    }
    int64_t amount;
    if (!amount_parse(cell, decimals, &amount))
        return false;
    *ret_amount = negative ? -amount : amount;
    return true;
}

static int number_at(struct text cell, size_t *at, size_t most)
{
    int value = 0;
    size_t from = *at;
    while (*at < cell.length && *at - from < most && cell.at[*at] >= '0' && cell.at[*at] <= '9')
        value = value * 10 + cell.at[(*at)++] - '0';
    return *at == from ? -1 : value;
}

enum date_quality csv_date(struct text cell, date_days *ret_date, struct text *ret_rest)
{
    cell = text_trim(cell);
    *ret_date = DATE_NONE;
    *ret_rest = cell;
    size_t at = 0;
    while (at < cell.length && cell.at[at] >= '0' && cell.at[at] <= '9')
        at++;
    size_t digits = at;
    at = 0;
    int a, b, c;
    if (digits == 8) {
        a = number_at(cell, &at, 4), b = number_at(cell, &at, 2), c = number_at(cell, &at, 2);
    } else {
        a = number_at(cell, &at, 4);
        char mark = at < cell.length ? cell.at[at] : 0;
        if (a < 0 || (mark != '/' && mark != '-' && mark != '.'))
            return DATE_BAD;
        at++;
        b = number_at(cell, &at, 2);
        if (b < 0 || at >= cell.length || cell.at[at] != mark)
            return DATE_BAD;
        at++;
        c = number_at(cell, &at, 4);
    }
    if (b < 0 || c < 0)
        return DATE_BAD;
    bool year_first = digits == 4 || digits == 8;
    enum date_quality quality = year_first ? date_of_parts(a, b, c, ret_date) : date_of_parts(c, b, a, ret_date);
    if (quality != DATE_BAD)
        *ret_rest = text_slice(cell, at, cell.length);
    return quality;
}

static struct text first_cell(const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (text_trim(row->fields[i]).length)
            return text_trim(row->fields[i]);
    return TEXT_NONE;
}

bool csv_is_footer(const struct csv_row *row)
{
    static const char *const starts[] = {"tong",    "total",        "cong phat sinh", "so du cuoi",
                                         "du cuoi", "closing",      "phieu nay",      "ngay gio in",
                                         "tu ngay", "chung tu nay", "tong phat sinh", "printed on"};
    char key[KEY_SIZE];
    text_to_key(first_cell(row), key, sizeof key);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (!strncmp(key, starts[i], strlen(starts[i])))
            return true;
    return false;
}

/* The value of a label: behind its colon, or the next cell that holds something. */
static struct text label_value(const struct csv_row *row, size_t index)
{
    struct text cell = row->fields[index], rest;
    text_until(cell, ':', &rest);
    if (text_trim(rest).length)
        return text_trim(rest);
    for (size_t i = index + 1; i < row->count; i++)
        if (text_trim(row->fields[i]).length)
            return text_trim(row->fields[i]);
    return TEXT_NONE;
}

static struct text first_word(struct text text)
{
    size_t length = 0;
    while (length < text.length && (unsigned char)text.at[length] > ' ' && text.at[length] != '(')
        length++;
    return text_slice(text, 0, length);
}

/* "20,500,000 VND (Bằng chữ: …)": the number stands first. */
static bool balance_value(const struct csv_row *row, size_t index, int decimals, int64_t *ret)
{
    struct text value = label_value(row, index);
    return first_word(value).length && csv_money(first_word(value), decimals, ret);
}

void csv_about_read(const struct csv_row *row, struct csv_about *about)
{
    int decimals = currency_decimals(about->currency.length ? short_text_view(&about->currency) : TEXT("VND"));
    for (size_t i = 0; i < row->count; i++) {
        char key[KEY_SIZE];
        text_to_key(row->fields[i], key, sizeof key);
        int64_t amount;
        bool account = has_words(key, "so tai khoan") || has_words(key, "account number") ||
                       has_words(key, "account no") || has_words(key, "tai khoan so") || !strcmp(key, "account");
        if (account && !about->account.length && !has_words(key, "cu") && !has_words(key, "old")) {
            struct text value = first_word(label_value(row, i));
            if (value.length >= 4)
                short_text_set(&about->account, value, STATEMENT_ACCOUNT_MAX);
        } else if ((has_words(key, "loai tien") || has_words(key, "currency")) && !about->currency.length) {
            struct text value = first_word(label_value(row, i));
            if (value.length == 3)
                short_text_set(&about->currency, value, STATEMENT_CURRENCY_MAX);
        } else if ((has_words(key, "so du dau") || has_words(key, "opening balance") || has_words(key, "du dau")) &&
                   !about->has_opening && balance_value(row, i, decimals, &amount)) {
            about->opening = amount;
            about->has_opening = true;
        } else if ((has_words(key, "so du cuoi") || has_words(key, "closing balance") || has_words(key, "du cuoi")) &&
                   balance_value(row, i, decimals, &amount)) {
            about->closing = amount;
            about->has_closing = true;
        }
    }
}
