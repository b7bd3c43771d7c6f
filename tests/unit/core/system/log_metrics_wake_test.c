/* Log lines, numbers and the wake-up call. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "core/core.h"

/* What the log wrote to standard error while `speak` ran. */
static size_t heard(void (*speak)(void), char *ret_text, size_t size)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    speak();
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    size_t length = fread(ret_text, 1, size - 1, file);
    ret_text[length] = 0;
    fclose(file);
    return length;
}

static void speak_of_a_request(void)
{
    LOG_INFO("req-1", "request served", log_int("status", 200), log_string("path", "/a\"b\\c\n\xff đồng"));
    LOG_DEBUGGING(NULL, "not at this level");
}

static void a_line_is_one_json_object_with_its_fields(void **state)
{
    char text[8192];
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    heard(speak_of_a_request, text, sizeof text);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(line, "message")), "request served");
    assert_string_equal(json_string_value(json_object_get(line, "request")), "req-1");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
    assert_string_equal(json_string_value(json_object_get(line, "path")), "/a\"b\\c\n\xef\xbf\xbd đồng");
    json_decref(line);
}

static void speak_of_a_secret(void)
{
    char long_text[LOG_VALUE_MAX + 64];
    memset(long_text, 'x', sizeof long_text);
    strcpy(long_text + LOG_VALUE_MAX - 4, "hush-hush-key");
    LOG_WARNING(NULL, "refused", log_string("detail", "Apikey hush-hush-key!"), log_string("long", long_text),
                log_string("short", "abc"));
}

static void a_hidden_text_is_masked_wherever_it_stands(void **state)
{
    char text[8192];
    log_hide(TEXT("hush-hush-key"));
    log_hide(TEXT("abc"));
    heard(speak_of_a_secret, text, sizeof text);
    assert_non_null(strstr(text, "Apikey •••!"));
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "\"short\":\"abc\""));
}

static void speak_at_length(void)
{
    char big[LOG_VALUE_MAX * 2];
    memset(big, '\x01', sizeof big - 1);
    big[sizeof big - 1] = 0;
    LOG_ERROR("r", "too much", log_string("one", big), log_int("two", 2), log_string("three", big));
}

static void a_line_too_long_loses_fields_but_stays_well_formed(void **state)
{
    char text[3 * LOG_LINE_MAX];
    size_t length = heard(speak_at_length, text, sizeof text);
    assert_true(length <= LOG_LINE_MAX);
    json_t *line = json_loads(text, 0, NULL);
    assert_non_null(line);
    assert_int_equal(json_integer_value(json_object_get(line, "two")), 2);
    json_decref(line);
}

static void numbers_are_counted_by_label_and_written_for_prometheus(void **state)
{
    metrics_count(METRIC_NOTICES, "momo", 2);
    metrics_count_at(METRIC_NOTICES, metrics_label(METRIC_NOTICES, "momo"), 1);
    metrics_count(METRIC_NOTICES, "nobody", 1);
    metrics_set(METRIC_JOBS_DEAD, 7);
    metrics_observe(METRIC_CONFIRM_SECONDS, NULL, 3000);
    metrics_observe(METRIC_CONFIRM_SECONDS, NULL, 60000000);
    metrics_observe(METRIC_CONFIRM_BATCH, NULL, 256);
    assert_int_equal(metrics_value(METRIC_NOTICES, "momo"), 3);
    assert_int_equal(metrics_value(METRIC_CONFIRM_SECONDS, NULL), 2);

    struct buf out = {0};
    metrics_write(&out);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "# TYPE lephi_notices_total counter\n"));
    assert_non_null(strstr(text, "lephi_notices_total{source=\"momo\"} 3\n"));
    assert_non_null(strstr(text, "lephi_notices_total{source=\"vnpay\"} 0\n"));
    assert_non_null(strstr(text, "lephi_notices_total{source=\"other\"} 1\n"));
    assert_non_null(strstr(text, "lephi_jobs_dead 7\n"));
    assert_non_null(strstr(text, "lephi_confirm_seconds_bucket{le=\"0.0025\"} 0\n"));
    assert_non_null(strstr(text, "lephi_confirm_seconds_bucket{le=\"0.005\"} 1\n"));
    assert_non_null(strstr(text, "lephi_confirm_seconds_bucket{le=\"+Inf\"} 2\n"));
    assert_non_null(strstr(text, "lephi_confirm_seconds_sum 60.003000\n"));
    assert_non_null(strstr(text, "lephi_confirm_seconds_count 2\n"));
    assert_non_null(strstr(text, "lephi_confirm_batch_rows_bucket{le=\"256\"} 1\n"));
    assert_non_null(strstr(text, "lephi_confirm_batch_rows_bucket{le=\"192\"} 0\n"));
    assert_non_null(strstr(text, "lephi_http_request_seconds_sum{place=\"inline\"} 0.000000\n"));
    buf_done(&out);
}

static void *count_often(void *with)
{
    for (int i = 0; i < 100000; i++)
        metrics_count_at(METRIC_QUOTES, 0, 1);
    return NULL;
}

static void threads_that_count_together_lose_nothing(void **state)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_often, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metrics_value(METRIC_QUOTES, "given"), 400000);
}

static void a_signal_before_the_wait_is_not_lost_and_many_are_one(void **state)
{
    struct wake wake;
    assert_int_equal(wake_open(&wake), OK);
    assert_int_equal(wake_wait(&wake, 0), WAKE_TIMEOUT);
    wake_signal(&wake);
    wake_signal(&wake);
    assert_int_equal(wake_wait(&wake, 1000), WAKE_SIGNAL);
    int64_t before_us = clock_monotonic_us();
    assert_int_equal(wake_wait(&wake, 20), WAKE_TIMEOUT);
    assert_true(clock_monotonic_us() - before_us >= 20000);
    wake_done(&wake);
}

static void *signal_soon(void *with)
{
    usleep(5000);
    wake_signal(with);
    return NULL;
}

static void a_waiting_thread_is_woken_by_another(void **state)
{
    struct wake wake;
    pthread_t thread;
    assert_int_equal(wake_open(&wake), OK);
    assert_int_equal(pthread_create(&thread, NULL, signal_soon, &wake), 0);
    assert_int_equal(wake_wait(&wake, -1), WAKE_SIGNAL);
    pthread_join(thread, NULL);
    wake_done(&wake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_json_object_with_its_fields),
        cmocka_unit_test(a_hidden_text_is_masked_wherever_it_stands),
        cmocka_unit_test(a_line_too_long_loses_fields_but_stays_well_formed),
        cmocka_unit_test(numbers_are_counted_by_label_and_written_for_prometheus),
        cmocka_unit_test(threads_that_count_together_lose_nothing),
        cmocka_unit_test(a_signal_before_the_wait_is_not_lost_and_many_are_one),
        cmocka_unit_test(a_waiting_thread_is_woken_by_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
