/* The readers of what stands on the wire, and the router. */
#include "tests/unit/core/http/peer.h"
#include "core/http/router.h"
#include "core/http/wire.h"

static enum err path(const char *raw, struct wire_path *ret)
{
    static char room[512];
    return wire_path_read(text_of(raw), room, ret);
}

static void a_path_is_decoded_segment_by_segment(void **state)
{
    struct wire_path read;
    assert_int_equal(path("/a%2Fb/%E1%BB%87/+c", &read), OK);
    assert_int_equal(read.count, 3);
    assert_true(text_is(read.segments[0], "a/b"));
    assert_true(text_is(read.segments[1], "ệ"));
    assert_true(text_is(read.segments[2], "+c"));
    assert_true(text_is(read.decoded, "/a/b/ệ/+c"));
    assert_int_equal(path("/", &read), OK);
    assert_int_equal(read.count, 1);
}

static void a_path_with_dots_or_broken_bytes_is_refused(void **state)
{
    struct wire_path read;
    assert_int_equal(path("", &read), ERR_BAD_REQUEST);
    assert_int_equal(path("a", &read), ERR_BAD_REQUEST);
    assert_int_equal(path("/a/%2e%2E/b", &read), ERR_NOT_FOUND);
    assert_int_equal(path("/.", &read), ERR_NOT_FOUND);
    assert_int_equal(path("/%", &read), ERR_BAD_REQUEST);
    assert_int_equal(path("/%4", &read), ERR_BAD_REQUEST);
    assert_int_equal(path("/%0a", &read), ERR_BAD_REQUEST);
    assert_int_equal(path("/%ED%A0%80", &read), ERR_UTF8); /* a surrogate */
    assert_int_equal(path("/\xC3(", &read), ERR_UTF8);
    assert_int_equal(path("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", &read), OK);
    assert_int_equal(path("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", &read), ERR_NOT_FOUND);
}

static void a_target_may_name_its_host(void **state)
{
    struct text p, q;
    assert_int_equal(wire_target_split(TEXT("/a?b?c"), &p, &q), OK);
    assert_true(text_is(p, "/a") && text_is(q, "b?c"));
    assert_int_equal(wire_target_split(TEXT("http://host:8080/a"), &p, &q), OK);
    assert_true(text_is(p, "/a") && !q.at);
    assert_int_equal(wire_target_split(TEXT("http://host"), &p, &q), ERR_BAD_REQUEST);
    assert_int_equal(wire_target_split(TEXT("*"), &p, &q), ERR_BAD_REQUEST);
    assert_int_equal(wire_target_split(TEXT("host:443"), &p, &q), ERR_BAD_REQUEST);
}

static void a_query_field_is_found_by_its_decoded_name(void **state)
{
    struct text query = TEXT("a=1&b&c=&d%5B%5D=x%26y&a=2&=z&e=1=2");
    assert_true(text_is(wire_query_find(query, "a"), "1"));
    assert_true(wire_query_find(query, "b").at && !wire_query_find(query, "b").length);
    assert_true(wire_query_find(query, "c").at && !wire_query_find(query, "c").length);
    assert_true(text_is(wire_query_find(query, "d[]"), "x%26y"));
    assert_true(text_is(wire_query_find(query, "e"), "1=2"));
    assert_null(wire_query_find(query, "f").at);
    assert_null(wire_query_find(TEXT_NONE, "a").at);
    assert_null(wire_query_find(TEXT("%=1&%4=2"), "a").at);
}

static void a_cookie_is_found_by_its_whole_name(void **state)
{
    struct text header = TEXT("xsession=1; session=\"two\";session=3; empty=; flag");
    assert_true(text_is(wire_cookie_find(header, "session"), "two"));
    assert_true(wire_cookie_find(header, "empty").at);
    assert_null(wire_cookie_find(header, "flag").at);
    assert_null(wire_cookie_find(header, "sess").at);
}

static void a_media_type_ignores_case_and_knows_only_utf8(void **state)
{
    assert_true(wire_media_is(TEXT("Application/JSON"), "application/json"));
    assert_true(wire_media_is(TEXT("text/csv; charset=\"UTF-8\""), "application/xml text/csv"));
    assert_true(wire_media_is(TEXT("multipart/form-data; boundary=x"), "multipart/form-data"));
    assert_false(wire_media_is(TEXT("text/csv; charset=windows-1258"), "text/csv"));
    assert_false(wire_media_is(TEXT_NONE, "application/json"));
    assert_true(wire_media_is(TEXT_NONE, "*"));
    assert_false(wire_media_is(TEXT("application/json, text/plain"), "application/json"));
}

static void forwarded_addresses_are_read_from_the_nearest(void **state)
{
    struct text list = TEXT(" 1.1.1.1 ,, ::1,10.0.0.1 ");
    assert_true(text_is(wire_forwarded_last(&list), "10.0.0.1"));
    assert_true(text_is(wire_forwarded_last(&list), "::1"));
    assert_true(text_is(wire_forwarded_last(&list), "1.1.1.1"));
    assert_null(wire_forwarded_last(&list).at);
    assert_true(wire_is_address(TEXT("2001:db8::1")));
    assert_false(wire_is_address(TEXT("1.2.3")));
    assert_false(wire_is_address(TEXT("unknown")));
    assert_false(wire_is_address(TEXT("1.2.3.4:80")));
}

static void a_header_name_is_a_token(void **state)
{
    assert_true(wire_is_token(TEXT("X-Request_Id.1~")));
    assert_false(wire_is_token(TEXT("")));
    assert_false(wire_is_token(TEXT("Content-Length ")));
    assert_false(wire_is_token(TEXT("a\0b")));
    assert_false(wire_is_token(TEXT("\xC3\xA1")));
}

static enum err nothing(struct request *rq)
{
    return OK;
}

#define ROUTE(m, p)                                                                                                    \
    {                                                                                                                  \
        m, p, nothing, HTTP_INLINE, .access = ACCESS_PUBLIC                                                            \
    }

static const struct route table[] = {
    ROUTE("GET", "/"),
    ROUTE("GET", "/v1/receipts/{id}"),
    ROUTE("GET", "/v1/receipts/{id}.xml"),
    ROUTE("GET", "/v1/receipts/{id}.pdf"),
    ROUTE("POST", "/v1/receipts/verify"),
    ROUTE("POST", "/v1/receipts/{receipt}/replace"),
    ROUTE("GET", "/v1/receipts/v{id}"),
    ROUTE("GET", "/assets/{path*}"),
    ROUTE("GET", "/assets/site.css"),
};

static struct router *router;
static struct route_match match;

static enum err find(const char *method, const char *target)
{
    struct wire_path read;
    enum err err = path(target, &read);
    return err ? err : router_find(router, method, &read, &match);
}

static void fixed_text_wins_over_captures_and_longer_text_beside_them_over_shorter(void **state)
{
    assert_int_equal(find("GET", "/v1/receipts/7.xml"), OK);
    assert_ptr_equal(match.route, &table[2]);
    assert_string_equal(match.names[0], "id");
    assert_true(text_is(match.values[0], "7"));
    assert_int_equal(find("GET", "/v1/receipts/v.pdf"), OK);
    assert_ptr_equal(match.route, &table[3]);
    assert_int_equal(find("GET", "/v1/receipts/v7"), OK);
    assert_ptr_equal(match.route, &table[6]);
    assert_int_equal(find("GET", "/v1/receipts/.xml"), OK); /* nothing to capture beside .xml: a bare id */
    assert_ptr_equal(match.route, &table[1]);
    assert_int_equal(find("POST", "/v1/receipts/9/replace"), OK);
    assert_string_equal(match.names[0], "receipt");
    assert_int_equal(match.count, 1);
    assert_int_equal(find("GET", "/assets/site.css"), OK);
    assert_ptr_equal(match.route, &table[8]);
    assert_int_equal(find("GET", "/assets/a/b"), OK);
    assert_true(text_is(match.values[0], "a/b"));
    assert_int_equal(find("HEAD", "/"), OK);
}

static void a_method_is_looked_for_on_every_path_that_fits(void **state)
{
    assert_int_equal(find("GET", "/v1/receipts/verify"), OK); /* POST is fixed text, GET falls to v{id} */
    assert_ptr_equal(match.route, &table[6]);
    assert_int_equal(find("PUT", "/v1/receipts/verify"), ERR_METHOD);
    char allow[ROUTER_ALLOW_SIZE];
    router_allow(match.allowed, allow);
    assert_string_equal(allow, "GET, HEAD, POST");
}

static void paths_that_almost_fit_are_not_found(void **state)
{
    assert_int_equal(find("GET", "/v1/receipts"), ERR_NOT_FOUND);
    assert_int_equal(find("GET", "/v1/receipts/"), ERR_NOT_FOUND);
    assert_int_equal(find("GET", "/V1/receipts/7"), ERR_NOT_FOUND);
    assert_int_equal(find("GET", "/v1//receipts/7"), ERR_NOT_FOUND);
    assert_int_equal(find("GET", "/assets"), ERR_NOT_FOUND);
    assert_int_equal(find("GET", "/assets/a%2Fb"), ERR_NOT_FOUND);
}

static void a_table_that_contradicts_itself_is_refused(void **state)
{
    static const struct route wrong[][2] = {
        {ROUTE("GET", "/a/{x}"), ROUTE("GET", "/a/{y}")}, {ROUTE("GET", "/a"), ROUTE("BREW", "/b")},
        {ROUTE("GET", "/a"), ROUTE("GET", "b")},          {ROUTE("GET", "/a"), ROUTE("GET", "/{x*}/b")},
        {ROUTE("GET", "/a"), ROUTE("GET", "/{}")},        {ROUTE("GET", "/a"), ROUTE("GET", "/{x")},
        {ROUTE("GET", "/a"), ROUTE("HEAD", "/b")},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct router *none = NULL;
        assert_int_equal(router_new(wrong[i], 2, &none), ERR_CONFIG);
        assert_null(none);
    }
}

static int build(void **state)
{
    return router_new(table, sizeof table / sizeof *table, &router);
}

static int tear_down(void **state)
{
    router_free(router);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_decoded_segment_by_segment),
        cmocka_unit_test(a_path_with_dots_or_broken_bytes_is_refused),
        cmocka_unit_test(a_target_may_name_its_host),
        cmocka_unit_test(a_query_field_is_found_by_its_decoded_name),
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name),
        cmocka_unit_test(a_media_type_ignores_case_and_knows_only_utf8),
        cmocka_unit_test(forwarded_addresses_are_read_from_the_nearest),
        cmocka_unit_test(a_header_name_is_a_token),
        cmocka_unit_test(fixed_text_wins_over_captures_and_longer_text_beside_them_over_shorter),
        cmocka_unit_test(a_method_is_looked_for_on_every_path_that_fits),
        cmocka_unit_test(paths_that_almost_fit_are_not_found),
        cmocka_unit_test(a_table_that_contradicts_itself_is_refused),
    };
    return cmocka_run_group_tests(tests, build, tear_down);
}
