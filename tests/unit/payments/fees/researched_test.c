/* The shipped catalogue against the table of amounts that was read from the circulars, row by row; and what
 * `lephi catalogue check` says when a good catalogue is broken in one place. */
#include <ctype.h>
#include "tests/unit/payments/fees/priced.h"

static const struct fee *version_from(const struct fee_entry *entry, struct text from)
{
    date_days day;
    if (text_ends(from, "?"))
        from = text_slice(from, 0, from.length - 1);
    for (size_t i = 0; i < entry->version_count; i++)
        if (!date_parse(from, &day) || entry->versions[i].valid_from == day)
            return &entry->versions[i];
    return NULL;
}

static bool holds_text(struct text whole, struct text part)
{
    for (size_t i = 0; i + part.length <= whole.length; i++)
        if (!memcmp(whole.at + i, part.at, part.length))
            return true;
    return false;
}

/* Every number of four digits or more in `amounts` stands in the formula. */
static void assert_same_amounts(const struct fee *fee, struct text amounts)
{
    for (size_t i = 0; i < amounts.length;) {
        size_t end = i;
        while (end < amounts.length && isdigit((unsigned char)amounts.at[end]))
            end++;
        if (end - i >= 4 && !holds_text(fee->formula_text, text_slice(amounts, i, end - i)))
            fail_msg("%.*s: %.*s not in %.*s", TEXT_ARGS(fee->code), TEXT_ARGS(text_slice(amounts, i, end - i)),
                     TEXT_ARGS(fee->formula_text));
        i = end > i ? end : i + 1;
    }
}

/* "TT 226/2016/TT-BTC Đ4.1" → "226/2016" */
static void assert_same_law(const struct fee *fee, struct text law)
{
    for (size_t i = 0; i + 6 < law.length; i++)
        if (law.at[i] == ' ' && isdigit((unsigned char)law.at[i + 1])) {
            size_t end = i + 1, slashes = 0;
            while (end < law.length && (isdigit((unsigned char)law.at[end]) || (law.at[end] == '/' && !slashes++)))
                end++;
            if (slashes && !holds_text(fee->legal_basis, text_slice(law, i + 1, end - i - 1)))
                fail_msg("%.*s: %.*s not in %.*s", TEXT_ARGS(fee->code), TEXT_ARGS(text_slice(law, i + 1, end - i - 1)),
                         TEXT_ARGS(fee->legal_basis));
            return;
        }
}

static void every_researched_amount_date_and_legal_basis_is_in_the_shipped_catalogue(void **state)
{
    enum { CODE, AMOUNT = 4, LAW = 7, FROM = 8, TO = 9, CONFIDENCE = 10 };
    struct arena kept;
    struct text bytes;
    struct csv csv;
    struct csv_row row;
    size_t rows = 0, priced = 0, local = 0;
    arena_init(&kept);
    assert_int_equal(catalogue_file_read("tests/data/fees/researched.csv", &kept, &bytes), OK);
    csv_open(&csv, bytes, ',', &kept);
    assert_int_equal(csv_next(&csv, &row), OK);
    for (; !csv_next(&csv, &row); rows++) {
        const struct fee_entry *entry = catalogue_entry(shipped, row.fields[CODE]);
        if (!entry)
            fail_msg("no %.*s", TEXT_ARGS(row.fields[CODE]));
        const struct fee *fee = version_from(entry, row.fields[FROM]);
        if (!fee)
            fail_msg("%.*s: no version from %.*s", TEXT_ARGS(entry->code), TEXT_ARGS(row.fields[FROM]));
        date_days to;
        if (date_parse(row.fields[TO], &to))
            assert_int_equal(fee->valid_to, to);
        if (fee->formula->kind == FORMULA_LOCAL || text_is(row.fields[CONFIDENCE], "U")) {
            assert_int_equal(fee->formula->kind, FORMULA_LOCAL);
            assert_refused(arena_printf(&arena, "{'fees':['%.*s'],'channel':'counter'}", TEXT_ARGS(fee->code)),
                           "/fees/0", ERR_FEE_SET_LOCALLY);
            local++;
            continue;
        }
        assert_same_law(fee, row.fields[LAW]);
        if (fee->formula->kind == FORMULA_UNSET)
            continue;
        assert_same_amounts(fee, row.fields[AMOUNT]);
        priced++;
    }
    arena_done(&kept);
    print_message("%zu rows: %zu with amounts, %zu set by the People's Council\n", rows, priced, local);
    assert_int_equal(rows, 97);
    assert_true(priced >= 82);
}

/* ---- a good catalogue broken in one place -------------------------------------------------------------------------
 */

struct break_ {
    int file; /* 0 fees, 1 reductions, 3 procedures */
    const char *row, *from, *to;
    int column;
    const char *says;
};

static const struct break_ breaks[] = {
    {0, "CT-CHUKY,", ",2017-01-01,", ",,", 8, "thiếu ngày bắt đầu"},
    {0, "XE-OTO-2023,", ",2025-12-31,", ",2021-12-31,", 9, "trước valid_from"},
    {0, "CT-CHUKY,", ",TT 226/2016/TT-BTC,", ",,", 10, "căn cứ"},
    {0, "CC-DAUGIA,", "; gap=lower", "", 5, "khoảng trống"},
    {0, "CC-DAUGIA,", "<20e9: 270000", "<20e9: 70000", 5, "giảm khi giá trị tăng"},
    {0, "DD-TRUOCBA-NHA,", "0.5%", "100.5%", 5, "100%"},
    {0, "XD-CCNL-LAI,", "XD-CCNL;", "XD-KHONG;", 5, "không có khoản gốc"},
    {0, "CT-CHUKY,", ",2716,", ",9999,", 15, "tiểu mục"},
    {0, "GDBD-XOA,", "85% public_unit", "185% public_unit", 17, "100%"},
    {1, "TT64-2025,", "HC-TEMAB ", "HC-KHONG ", 5, "HC-KHONG"},
    {1, "TT64-2025,", ",50%,", ",150%,", 10, "100%"},
    {1, "TT64-2025,", ",TT 64/2025/TT-BTC,", ",,", 17, "căn cứ"},
    {1, "TT64-2025,", ",2025-07-01,", ",,", 14, "thiếu ngày bắt đầu"},
    {1, "TT64-2025,", "HC-TEMAB ", "XE-KHONG ", 5, "XE-KHONG"},
    {1, "QT-MIEN,", "state_merit", "khong_co", 7, "khong_co"},
    {1, "NCN-MIEN,", "2017-01-01,,", "2001-01-01,2002-01-01,", 5, "không có hiệu lực"},
    {3, "2.000884,", "CT-CHUKY", "XE-OTO-2023", 5, "hết hiệu lực"},
    {3, "2.000884,", "CT-CHUKY", "CT-KHONG", 5, "CT-KHONG"},
};

static void a_good_catalogue_broken_in_one_place_shows_exactly_that_fault(void **state)
{
    struct arena kept;
    struct catalogue_files good;
    arena_init(&kept);
    faults_init(&faults, &arena);
    assert_int_equal(catalogue_files_read("payments/catalogue", &kept, &faults, &good), OK);
    for (size_t b = 0; b < sizeof breaks / sizeof *breaks; b++) {
        const struct break_ *one = &breaks[b];
        struct catalogue_files files = good, *all = &files;
        struct text *const parts[] = {&all->fees, &all->reductions, &all->categories, &all->procedures, &all->values};
        char *bytes = arena_copy(&kept, *parts[one->file]);
        char *row = strstr(bytes, arena_printf(&kept, "\n%s", one->row));
        assert_non_null(row);
        char *at = strstr(row + 1, one->from);
        assert_non_null(at);
        int line = 2;
        for (char *c = bytes; c < row; c++)
            line += *c == '\n';
        *parts[one->file] = arena_textf(&kept, "%.*s%s%s", (int)(at - bytes), bytes, one->to, at + strlen(one->from));
        struct catalogue *broken = NULL;
        faults_init(&faults, &arena);
        enum err err = catalogue_read(&files, &faults, &broken);
        if (!err)
            err = catalogue_check(broken, &files, today, &faults);
        catalogue_drop(broken);
        assert_int_equal(err, ERR_CATALOGUE);
        const char *where = arena_printf(&arena, "%s:%d:%d", files.names[one->file], line, one->column);
        if (faults.count != 1 || strcmp(faults.list[0].where, where) || !strstr(faults.list[0].detail, one->says))
            fail_msg("break %zu: %zu faults, first %s: %s; expected %s: %s", b, faults.count, faults.list[0].where,
                     faults.list[0].detail, where, one->says);
    }
    arena_done(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_researched_amount_date_and_legal_basis_is_in_the_shipped_catalogue),
        cmocka_unit_test(a_good_catalogue_broken_in_one_place_shows_exactly_that_fault),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
