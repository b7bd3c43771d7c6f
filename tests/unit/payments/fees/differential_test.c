/* Thousands of random requests over the whole shipped catalogue, priced here and by an independent slow implementation
 * in another language (slow.mjs: BigInt, sheets read by itself): total, lines, chosen benefit, losers and valid_until
 * must agree to the đồng and the day. TEST_SEED repeats a run, TEST_REQUESTS lengthens it. */
#include <inttypes.h>
#include <unistd.h>
#include "tests/unit/payments/fees/random_request.h"

static void put_answer(struct buf *out, enum err err)
{
    char day[DATE_TEXT_SIZE];
    if (err) {
        buf_string(out, "refused\n");
        return;
    }
    date_format(quote.valid_until, day);
    buf_printf(out, "%" PRId64 "|%s|", quote.total, day);
    for (size_t i = 0; i < quote.line_count; i++) {
        const struct quote_line *line = &quote.lines[i];
        bool applied = line->reduction_count && line->reductions[0].state == REDUCTION_APPLIED;
        assert_true(line->net >= 0 && line->net <= line->gross);
        buf_printf(out, "%s%.*s=%" PRId64 ",%" PRId64 ",", i ? " " : "", TEXT_ARGS(line->code), line->gross, line->net);
        if (applied)
            buf_text(out, line->reductions[0].reason_vi);
        buf_char(out, ',');
        for (size_t r = applied; r < line->reduction_count; r++) {
            buf_string(out, r > (size_t)applied ? "+" : "");
            buf_text(out, line->reductions[r].reason_vi);
        }
    }
    buf_char(out, '\n');
}

static void a_slow_implementation_in_another_language_agrees_on_every_quote(void **state)
{
    int64_t count = of_environment("TEST_REQUESTS", 4000), priced = 0;
    seed = (uint64_t)of_environment("TEST_SEED", 20261123);
    print_message("TEST_SEED=%" PRIu64 " TEST_REQUESTS=%" PRId64 "\n", seed, count);
    struct buf asked = {0}, answers = {0}, one = {0}, theirs = {0};
    for (int64_t i = 0; i < count; i++) {
        char day[DATE_TEXT_SIZE];
        buf_clear(&one);
        put_request(&one);
        date_format(today, day);
        buf_printf(&asked, "{\"today\":\"%s\",", day);
        buf_text(&asked, text_slice(buf_view(&one), 1, one.length));
        buf_char(&asked, '\n');
        enum err err = quote_with(shipped, buf_cstr(&one));
        put_answer(&answers, err);
        priced += !err;
        arena_reset(&arena);
    }
    assert_true(priced > count / 4);
    char path[] = "/tmp/lephi-quotes-XXXXXX", command[200];
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, asked.at, asked.length) == (ssize_t)asked.length && !close(file));
    snprintf(command, sizeof command, "node tests/unit/payments/fees/slow.mjs payments/catalogue %s", path);
    FILE *slow = popen(command, "r");
    assert_non_null(slow);
    for (size_t got = 1; got > 0; theirs.length += got)
        got = fread(buf_room(&theirs, 65536), 1, 65536, slow);
    assert_int_equal(pclose(slow), 0);
    unlink(path);
    struct text ours = buf_view(&answers), other = buf_view(&theirs), body = buf_view(&asked);
    for (int64_t i = 0; i < count; i++) {
        struct text mine = text_until(ours, '\n', &ours), his = text_until(other, '\n', &other);
        struct text question = text_until(body, '\n', &body);
        if (!text_equal(mine, his))
            fail_msg("request %" PRId64 " %.*s\n ours   %.*s\n theirs %.*s", i, TEXT_ARGS(question), TEXT_ARGS(mine),
                     TEXT_ARGS(his));
    }
    print_message("%" PRId64 " of %" PRId64 " requests had a price\n", priced, count);
    buf_done(&asked);
    buf_done(&answers);
    buf_done(&one);
    buf_done(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_implementation_in_another_language_agrees_on_every_quote),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
