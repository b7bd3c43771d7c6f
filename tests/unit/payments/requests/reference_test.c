/* The code a citizen's bank carries: what is read back, what is repaired, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "payments/requests/reference.h"

enum { TRIES = 2000 };
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The first reference a memo holds, or NULL. */
static const struct reference_candidate *first(const char *memo)
{
    static struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    return reference_candidates(text_of(memo), found) ? &found[0] : NULL;
}

static void assert_read(const char *memo, const struct reference *wanted, int edits)
{
    const struct reference_candidate *found = first(memo);
    if (!found || strcmp(found->reference.text, wanted->text) || found->edits != edits)
        print_error("memo '%s', wanted %s, got %s\n", memo, wanted->text, found ? found->reference.text : "nothing");
    assert_non_null(found);
    assert_string_equal(found->reference.text, wanted->text);
    assert_int_equal(found->edits, edits);
}

static char other_symbol(char c)
{
    char made;
    do
        made = alphabet[rand() % 32];
    while (made == c);
    return made;
}

static void a_new_reference_is_valid_and_uses_the_alphabet_alone(void **state)
{
    for (int i = 0; i < TRIES; i++) {
        struct reference made;
        reference_new("QN", &made);
        assert_true(reference_valid(text_of(made.text)));
        assert_int_equal(strspn(made.text, alphabet), REFERENCE_LENGTH);
        assert_memory_equal(made.text, "QN", 2);
    }
}

static void banks_bury_it_and_it_is_still_found(void **state)
{
    static const char *const shapes[] = {
        "%.14s",
        "123456.221126.091400.%.14s",
        "MBVCB.1234567890.%.14s.CT tu 0071000123456 NGUYEN VAN A toi 0021000 SO TU PHAP",
        "CT nhanh 247 den: %.14s; thoi gian GD:22/11/2026 09:14:00",
        "%.14s FT26327000012345 Ma giao dich Trace866229 Trace 866229",
        "NOPLEPHI%.14sHOSO",
        "IBFT nop phi ho so H49.21 - %.14s/",
        "REM Tfr Ac:12345 O@L_080005_211601_0_0_202419501_%.14s_nop phi",
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct reference made;
        char memo[300];
        reference_new("QN", &made);
        snprintf(memo, sizeof memo, "%s", shapes[i]);
        char *place = strstr(memo, "%.14s");
        memmove(place + REFERENCE_LENGTH, place + 5, strlen(place + 5) + 1);
        memcpy(place, made.text, REFERENCE_LENGTH);
        assert_read(memo, &made, 0);
    }
}

static void lower_case_spaces_punctuation_and_line_ends_do_not_matter(void **state)
{
    struct reference made;
    char memo[100];
    for (int i = 0; i < TRIES; i++) {
        reference_new("QN", &made);
        snprintf(memo, sizeof memo, "%.3s %.2s-%.5s\r\n%s", made.text, made.text + 3, made.text + 5, made.text + 10);
        for (char *c = memo; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        assert_read(memo, &made, 0);
    }
}

static void o_and_i_and_l_are_read_as_the_digits_people_meant(void **state)
{
    struct reference made;
    do
        reference_new("QN", &made);
    while (!strchr(made.text, '0') || !strchr(made.text, '1'));
    char memo[REFERENCE_LENGTH + 1];
    memcpy(memo, made.text, sizeof memo);
    for (char *c = memo; *c; c++)
        *c = *c == '0' ? 'O' : *c == '1' ? 'l' : *c;
    assert_read(memo, &made, 0);
}

static void one_wrong_symbol_anywhere_is_repaired(void **state)
{
    for (int i = 0; i < TRIES; i++) {
        struct reference made;
        reference_new("QN", &made);
        char memo[REFERENCE_LENGTH + 1];
        memcpy(memo, made.text, sizeof memo);
        int at = i % REFERENCE_LENGTH;
        memo[at] = other_symbol(memo[at]);
        assert_read(memo, &made, 1);
    }
}

static void a_letter_outside_the_alphabet_counts_as_one_wrong_symbol(void **state)
{
    struct reference made;
    reference_new("QN", &made);
    char memo[REFERENCE_LENGTH + 1];
    memcpy(memo, made.text, sizeof memo);
    memo[6] = 'U';
    assert_read(memo, &made, 1);
}

static void up_to_two_symbols_cut_off_at_the_end_are_restored_even_beside_one_wrong(void **state)
{
    for (int i = 0; i < TRIES / 10; i++) {
        struct reference made;
        char memo[64];
        reference_new("QN", &made);
        snprintf(memo, sizeof memo, "nop phi %.13s", made.text);
        assert_read(memo, &made, 1);
        snprintf(memo, sizeof memo, "nop phi %.12s", made.text);
        assert_read(memo, &made, 2);
        memo[12] = other_symbol(memo[12]);
        assert_read(memo, &made, 3);
    }
}

static void two_wrong_symbols_are_refused(void **state)
{
    int accepted = 0;
    for (int i = 0; i < TRIES; i++) {
        struct reference made;
        struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
        reference_new("QN", &made);
        char memo[REFERENCE_LENGTH + 1];
        memcpy(memo, made.text, sizeof memo);
        int a = 2 + rand() % REFERENCE_SYMBOLS,
            b = 2 + (a - 2 + 1 + rand() % (REFERENCE_SYMBOLS - 1)) % REFERENCE_SYMBOLS;
        memo[a] = other_symbol(memo[a]);
        memo[b] = other_symbol(memo[b]);
        accepted += reference_candidates(text_of(memo), found) > 0;
    }
    assert_int_equal(accepted, 0);
}

static void three_symbols_cut_off_are_too_many(void **state)
{
    struct reference made;
    char memo[64];
    reference_new("QN", &made);
    snprintf(memo, sizeof memo, "nop phi %.11s", made.text);
    assert_null(first(memo));
}

static void ordinary_memos_hold_no_reference(void **state)
{
    static const char *const memos[] = {"",
                                        "nop le phi",
                                        "QN",
                                        "QUANG NINH nop le phi ho so 000.00.01.H49-221126-0001",
                                        "NGUYEN VAN A chuyen tien",
                                        "QNQNQNQNQNQNQNQN QN QN",
                                        "UUUUUUUUUUUUUUUUUUUU"};
    for (size_t i = 0; i < sizeof memos / sizeof *memos; i++)
        assert_null(first(memos[i]));
}

static void two_references_in_one_memo_are_both_found_the_first_first(void **state)
{
    struct reference one, two;
    struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    char memo[100];
    reference_new("QN", &one);
    reference_new("QN", &two);
    snprintf(memo, sizeof memo, "%s %s", one.text, two.text);
    assert_true(reference_candidates(text_of(memo), found) >= 2);
    assert_string_equal(found[0].reference.text, one.text);
    assert_string_equal(found[1].reference.text, two.text);
}

static void a_long_memo_is_bounded(void **state)
{
    static char memo[10000];
    struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    for (size_t i = 0; i + 1 < sizeof memo; i++)
        memo[i] = "QN"[i % 2];
    assert_true(reference_candidates(text_of(memo), found) <= REFERENCE_CANDIDATES_MAX);
}

int main(void)
{
    srand(20261122);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_reference_is_valid_and_uses_the_alphabet_alone),
        cmocka_unit_test(banks_bury_it_and_it_is_still_found),
        cmocka_unit_test(lower_case_spaces_punctuation_and_line_ends_do_not_matter),
        cmocka_unit_test(o_and_i_and_l_are_read_as_the_digits_people_meant),
        cmocka_unit_test(one_wrong_symbol_anywhere_is_repaired),
        cmocka_unit_test(a_letter_outside_the_alphabet_counts_as_one_wrong_symbol),
        cmocka_unit_test(up_to_two_symbols_cut_off_at_the_end_are_restored_even_beside_one_wrong),
        cmocka_unit_test(two_wrong_symbols_are_refused),
        cmocka_unit_test(three_symbols_cut_off_are_too_many),
        cmocka_unit_test(ordinary_memos_hold_no_reference),
        cmocka_unit_test(two_references_in_one_memo_are_both_found_the_first_first),
        cmocka_unit_test(a_long_memo_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
