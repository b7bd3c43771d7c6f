/* What a hostile stranger may show at the three doors where receipts are judged: POST /v1/receipts/verify, the page
 * /verify and `lephi receipt verify`. The genuine file holds at each; nothing made from it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "core/base/file.h"
#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"
#include "tests/support/service.h"

#define DSIG "http://www.w3.org/2000/09/xmldsig#"

static struct db *db;
static struct arena arena;
static struct faults faults;
static struct service_under_test service;
static struct text genuine, unsigned_xml;
static const char *collector;
static instant_us signing_time;

static const char *in_folder(const char *name)
{
    return arena_printf(&arena, "%s/%s", service.folder, name);
}

/* The service checks chains against the authority of its collectors from now on. */
static void trust_the_authority(void)
{
    struct text config;
    service_stop(&service);
    assert_int_equal(file_read(in_folder("lephi.conf"), 1 << 20, &arena, &config), OK);
    config = arena_textf(&arena, "%.*s[receipts]\ntrust_file = %s/ca.pem\n", TEXT_ARGS(config), service.folder);
    assert_int_equal(file_write(in_folder("lephi.conf"), config, 0600), OK);
    service_start(&service);
}

static int set_up(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    trust_the_authority();
    struct payment_asked asked = service_request(&service, &arena, "AT-1", 2);
    const struct bank_notice notice = {.id = 1, .amount = asked.amount, .memo = asked.reference};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    for (int i = 0; i < 100 && !test_int(db, "SELECT count(*) FROM receipt WHERE signed_xml IS NOT NULL"); i++)
        test_sleep_ms(100);
    genuine = test_value(db, &arena, "SELECT convert_from(signed_xml, 'UTF8') FROM receipt");
    unsigned_xml = test_value(db, &arena, "SELECT convert_from(unsigned_xml, 'UTF8') FROM receipt");
    collector = arena_copy(&arena, test_value(db, &arena, "SELECT collector FROM receipt"));
    signing_time = clock_now();
    return !genuine.length;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

/* The three doors ----------------------------------------------------------------------------------------------------
 */

static int by_api(struct text file, bool *ret_valid)
{
    const struct service_call call = {
        .method = "POST", .path = "/v1/receipts/verify", .body = file, .content_type = "application/xml", .key = ""};
    struct service_answer answer = service_call(&service, &arena, &call);
    *ret_valid = answer.status == 200;
    return answer.status;
}

static struct text by_page(struct text file)
{
    static const char head[] = "--b0undary-of-the-form\r\nContent-Disposition: form-data; name=\"file\"; "
                               "filename=\"a.xml\"\r\nContent-Type: text/xml\r\n\r\n",
                      tail[] = "\r\n--b0undary-of-the-form--\r\n";
    struct buf body = {0};
    buf_string(&body, head);
    buf_text(&body, file);
    buf_string(&body, tail);
    const struct service_call call = {.method = "POST",
                                      .path = "/verify",
                                      .body = buf_view(&body),
                                      .content_type = "multipart/form-data; boundary=b0undary-of-the-form",
                                      .key = ""};
    struct service_answer answer = service_call(&service, &arena, &call);
    buf_done(&body);
    assert_int_equal(answer.status, 200);
    return answer.body;
}

static bool says(struct text page, const char *words)
{
    return text_find(page, text_of(words)) < page.length;
}

static int by_command(struct text file)
{
    const char *path = in_folder("shown.xml");
    assert_int_equal(file_write(path, file, 0600), OK);
    int status = system(arena_printf(&arena, "%s receipt verify %s --trust %s >/dev/null 2>&1", service.binary, path,
                                     in_folder("ca.pem")));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int shown;

static void refused_everywhere(const char *what, struct text file)
{
    bool valid;
    shown++;
    int status = by_api(file, &valid);
    if (valid || status < 400 || status > 499)
        fail_msg("%s: the API answered %d", what, status);
    struct text page = by_page(file);
    if (says(page, "Biên lai hợp lệ") || says(page, "Chữ ký số khớp") || !says(page, "Không hợp lệ"))
        fail_msg("%s: the page did not refuse", what);
    int code = by_command(file);
    if (code != 1)
        fail_msg("%s: the command ended with %d", what, code);
}

static void the_genuine_file_holds_at_every_door(void **state)
{
    bool valid;
    assert_int_equal(by_api(genuine, &valid), 200);
    struct text page = by_page(genuine);
    assert_true(says(page, "Biên lai hợp lệ") && says(page, "Chứng thư số của đơn vị ký được tin cậy"));
    assert_int_equal(by_command(genuine), 0);
}

/* Changes of the text ------------------------------------------------------------------------------------------------
 */

static struct text changed(struct text all, const char *from, const char *to)
{
    size_t at = text_find(all, text_of(from));
    if (at == all.length)
        fail_msg("the file has no %s", from);
    struct text after = text_slice(all, at + strlen(from), all.length);
    return arena_textf(&arena, "%.*s%s%.*s", TEXT_ARGS(text_slice(all, 0, at)), to, TEXT_ARGS(after));
}

static struct text part(const char *from, const char *to)
{
    size_t at = text_find(genuine, text_of(from));
    struct text rest = text_slice(genuine, at, genuine.length);
    return text_slice(rest, 0, text_find(rest, text_of(to)) + strlen(to));
}

static void no_change_of_the_text_is_taken(void **state)
{
    static const struct {
        const char *what, *from, *to;
    } attacks[] = {
        {"another amount", "<TongTien>16000", "<TongTien>61000"},
        {"another amount, with a leading zero", "<TongTien>16000", "<TongTien>016000"},
        {"a comment in the amount", "<TongTien>16000", "<TongTien>160<!-- -->00"},
        {"a comment that cuts the amount", "<TongTien>16000", "<TongTien>16000<!-- -->000"},
        {"an instruction in the amount", "<TongTien>16000", "<TongTien>160<?x?>00"},
        {"CDATA in the amount", "<TongTien>16000", "<TongTien><![CDATA[16000]]>"},
        {"blanks between elements", "<TongTien>", " <TongTien>"},
        {"an empty document type", "<BienLai>", "<!DOCTYPE BienLai><BienLai>"},
        {"an Id by xml:id", "<ChuKySo>", "<ChuKySo xml:id=\"data\">"},
        {"the Id twice", "<BienLai>", "<BienLai Id=\"data\">"},
        {"the Id declared by a document type", "<BienLai>",
         "<!DOCTYPE BienLai [<!ATTLIST BienLai Id ID #FIXED \"data\">]><BienLai>"},
        {"a second empty data element", "<ChuKySo>", "<DuLieuBienLai Id=\"data\"></DuLieuBienLai><ChuKySo>"},
        {"a prefix for the signature", "<BienLai>", "<BienLai xmlns:ds=\"" DSIG "\">"},
        {"a default namespace", "<BienLai>", "<BienLai xmlns=\"urn:x\">"},
        {"a manifest", "</SignatureProperties>", "</SignatureProperties><Manifest></Manifest>"},
        {"another object", "</Signature>", "<Object></Object></Signature>"},
        {"a key name", "<KeyInfo>", "<KeyInfo><KeyName>other</KeyName>"},
        {"a key from elsewhere", "<KeyInfo>", "<KeyInfo><RetrievalMethod URI=\"http://127.0.0.1:1/\"/>"},
        {"the whole document referred to", "URI=\"#data\"", "URI=\"\""},
        {"an outside reference", "URI=\"#data\"", "URI=\"http://127.0.0.1:1/x\""},
        {"a file referred to", "URI=\"#data\"", "URI=\"file:///etc/hostname\""},
        {"a pointer expression", "URI=\"#data\"", "URI=\"#xpointer(id('data'))\""},
        {"the time referred to twice", "URI=\"#data\"", "URI=\"#signing-time\""},
        {"XSLT", DSIG "enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"},
        {"XPath", DSIG "enveloped-signature", "http://www.w3.org/TR/1999/REC-xpath-19991116"},
        {"XPath filter 2", DSIG "enveloped-signature", "http://www.w3.org/2002/06/xmldsig-filter2"},
        {"base64", DSIG "enveloped-signature", DSIG "base64"},
        {"exclusive canonical form", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
         "http://www.w3.org/2001/10/xml-exc-c14n#"},
        {"comments kept", "REC-xml-c14n-20010315", "REC-xml-c14n-20010315#WithComments"},
        {"SHA-1", "http://www.w3.org/2001/04/xmlenc#sha256", DSIG "sha1"},
        {"HMAC with what everybody knows", "xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256"},
        {"another kind of key", "xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256"},
        {"no digest", "<DigestValue>", "<DigestValue></DigestValue><DigestValue>"},
        {"another signing time", "<SigningTime>2", "<SigningTime>1"},
        {"words behind the end", "</BienLai>", "</BienLai>x"},
        {"a second document behind the end", "</BienLai>", "</BienLai><BienLai></BienLai>"},
        {"another encoding told", "<BienLai>", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><BienLai>"},
        {"UTF-7 told", "<BienLai>", "<?xml version=\"1.0\" encoding=\"UTF-7\"?><BienLai>"},
        {"a broken character", "<TongTien>", "\xC0\xBCTongTien>"},
        {"a code of an old form inside", "<ChuKySo>", "<b>01BLP0-001</b><KyHieu>A</KyHieu><So>1</So><ChuKySo>"},
    };
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        refused_everywhere(attacks[i].what, changed(genuine, attacks[i].from, attacks[i].to));
}

/* The signed data stays in the file where its Id still finds it; readers that go by place see forged data. */
static void no_wrapping_is_taken(void **state)
{
    static const char *const places[] = {"<ChuKySo>",    "<DonViKy>",  "<Signature ",           "<KeyInfo>",
                                         "</Signature>", "</BienLai>", "</SignatureProperties>"};
    static const char *const ids[] = {"Id=\"data\"", "Id=\"other\""};
    struct text data = part("<DuLieuBienLai", "</DuLieuBienLai>"), rest = part("<ChuKySo>", "</BienLai>");
    struct text forged = changed(data, "<TongTien>16000", "<TongTien>61000");
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            struct text other = changed(forged, "Id=\"data\"", ids[i]);
            size_t at = text_find(rest, text_of(places[k]));
            struct text before = text_slice(rest, 0, at), after = text_slice(rest, at, rest.length);
            refused_everywhere(arena_printf(&arena, "the true data moved to %s", places[k]),
                               arena_textf(&arena, "<BienLai>%.*s%.*s%.*s%.*s", TEXT_ARGS(other), TEXT_ARGS(before),
                                           TEXT_ARGS(data), TEXT_ARGS(after)));
            refused_everywhere(arena_printf(&arena, "forged data hidden at %s", places[k]),
                               arena_textf(&arena, "<BienLai>%.*s%.*s%.*s%.*s", TEXT_ARGS(data), TEXT_ARGS(before),
                                           TEXT_ARGS(other), TEXT_ARGS(after)));
        }
    refused_everywhere("the genuine receipt inside another",
                       arena_textf(&arena, "<BienLai>%.*s%.*s</BienLai>", TEXT_ARGS(forged), TEXT_ARGS(genuine)));
    struct text signature = part("<Signature ", "</Signature>");
    refused_everywhere("the signature twice", arena_textf(&arena,
                                                          "<BienLai>%.*s<ChuKySo><DonViKy>%.*s%.*s</DonViKy>"
                                                          "</ChuKySo></BienLai>",
                                                          TEXT_ARGS(data), TEXT_ARGS(signature), TEXT_ARGS(signature)));
    refused_everywhere("the signature in front", arena_textf(&arena,
                                                             "<BienLai><ChuKySo><DonViKy>%.*s</DonViKy></ChuKySo>"
                                                             "%.*s</BienLai>",
                                                             TEXT_ARGS(signature), TEXT_ARGS(data)));
    refused_everywhere("the data inside the signature",
                       changed(arena_textf(&arena, "<BienLai>%.*s", TEXT_ARGS(rest)), "</Signature>",
                               arena_printf(&arena, "<Object>%.*s</Object></Signature>", TEXT_ARGS(data))));
    refused_everywhere("the bare signature", signature);
    refused_everywhere("no signature", unsigned_xml);
}

static void no_entity_is_read_and_no_bomb_goes_off(void **state)
{
    static const char *const types[] = {
        "<!DOCTYPE BienLai [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>",
        "<!DOCTYPE BienLai [<!ENTITY e SYSTEM \"http://127.0.0.1:1/\">]>",
        "<!DOCTYPE BienLai SYSTEM \"http://127.0.0.1:1/x.dtd\">",
        "<!DOCTYPE BienLai [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\"> %p;]>",
        "<!DOCTYPE BienLai [<!ENTITY e \"16000\">]>",
        "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c "
        "\"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e "
        "\"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\">]>",
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        refused_everywhere(types[i], arena_textf(&arena, "%s%.*s", types[i],
                                                 TEXT_ARGS(changed(genuine, "<TongTien>16000", "<TongTien>&e;"))));
    struct buf deep = {0};
    for (int i = 0; i < 20000; i++)
        buf_string(&deep, "<BienLai>");
    refused_everywhere("twenty thousand levels", buf_view(&deep));
    buf_done(&deep);
}

static struct text as_utf16(struct text ascii_only, bool big_endian)
{
    struct buf out = {0};
    buf_put(&out, big_endian ? "\xFE\xFF" : "\xFF\xFE", 2);
    for (size_t i = 0; i < ascii_only.length; i++) {
        const char pair[] = {big_endian ? 0 : ascii_only.at[i], big_endian ? ascii_only.at[i] : 0};
        buf_put(&out, pair, 2);
    }
    struct text kept = arena_text(&arena, buf_view(&out));
    buf_done(&out);
    return kept;
}

static void neither_other_encodings_nor_pieces_are_taken(void **state)
{
    refused_everywhere("UTF-16, low byte first", as_utf16(genuine, false));
    refused_everywhere("UTF-16, high byte first", as_utf16(genuine, true));
    for (size_t part = 0; part < 10; part++)
        refused_everywhere("a file that ends too early", text_slice(genuine, 0, genuine.length * part / 10));
    refused_everywhere("all but the last byte", text_slice(genuine, 0, genuine.length - 1));
    refused_everywhere("the file twice", arena_textf(&arena, "%.*s%.*s", TEXT_ARGS(genuine), TEXT_ARGS(genuine)));
}

/* Keys of others -----------------------------------------------------------------------------------------------------
 */

static struct text signed_by(const char *key, const char *certificate, struct text document)
{
    struct signer *signer = NULL;
    struct buf out = {0};
    assert_int_equal(signer_open_files(key, certificate, &signer, &faults), OK);
    assert_int_equal(receipt_sign(signer, document, signing_time, &out), OK);
    struct text xml = arena_text(&arena, buf_view(&out));
    signer_close(signer);
    buf_done(&out);
    return xml;
}

static void no_other_key_signs_for_the_collector(void **state)
{
    const char *key = in_folder("stranger.key"), *certificate = in_folder("stranger.pem");
    struct test_authority *stranger = test_authority_new("CA thử nghiệm"); /* the same name, another key */
    const struct test_certificate same = {TEST_KEY_P256, "Cơ quan thu thử nghiệm", collector, 1577836800, 7300};
    test_certificate_write(stranger, &same, key, certificate);
    test_authority_free(stranger);
    refused_everywhere("an authority of the same name", signed_by(key, certificate, unsigned_xml));
    struct text theirs = signed_by(key, certificate, unsigned_xml);
    size_t from = text_find(theirs, TEXT("<KeyInfo>")), to = text_find(theirs, TEXT("</KeyInfo>"));
    struct text info = text_slice(theirs, from, to - from), mine = part("<KeyInfo>", "</X509Data>");
    refused_everywhere("the stranger's certificate in the genuine file",
                       changed(genuine, arena_copy(&arena, mine), arena_copy(&arena, info)));
    const char *another = arena_copy(
        &arena, test_value(db, &arena,
                           arena_printf(&arena, "SELECT min(tax_code) FROM agency WHERE tax_code <> '%s'", collector)));
    refused_everywhere("another collector's own key",
                       signed_by(in_folder(arena_printf(&arena, "%s.key", another)),
                                 in_folder(arena_printf(&arena, "%s.pem", another)), unsigned_xml));
}

/* Even the collector's own key makes no receipt of what the law does not know. */
static void a_receipt_of_another_year_is_none(void **state)
{
    const char *key = in_folder(arena_printf(&arena, "%s.key", collector)),
               *certificate = in_folder(arena_printf(&arena, "%s.pem", collector));
    int year = civil_of(signing_time).year;
    const char *symbol = arena_printf(&arena, "<KyHieu>%02dTAA", year % 100),
               *day = arena_printf(&arena, "<NgayLap>%04d", year);
    struct text earlier = changed(unsigned_xml, symbol, arena_printf(&arena, "<KyHieu>%02dTAA", year % 100 - 1));
    refused_everywhere("last year's symbol", signed_by(key, certificate, earlier));
    refused_everywhere(
        "last year's day",
        signed_by(key, certificate, changed(unsigned_xml, day, arena_printf(&arena, "<NgayLap>%04d", year - 1))));
    refused_everywhere("a letter that symbols do not have",
                       signed_by(key, certificate,
                                 changed(unsigned_xml, symbol, arena_printf(&arena, "<KyHieu>%02dTAO", year % 100))));
    refused_everywhere("a sum that its lines do not make",
                       signed_by(key, certificate, changed(unsigned_xml, "<TongTien>16000", "<TongTien>17000")));
    print_message("%d files were shown at three doors each\n", shown);
}

static void told_apart(const char *what, struct text file)
{
    const struct service_call call = {
        .method = "POST", .path = "/v1/receipts/verify", .body = file, .content_type = "application/xml", .key = ""};
    struct service_answer answer = service_call(&service, &arena, &call);
    if (answer.status != 200 || strcmp(json_string_at(answer.json, "status"), "other_file") != 0)
        fail_msg("%s: %d %s", what, answer.status, json_string_at(answer.json, "status"));
    struct text page = by_page(file);
    assert_true(says(page, "Tệp này không phải tệp đã phát hành"));
    assert_false(says(page, "Biên lai hợp lệ"));
}

/* The signature holds, and still it is not the file that was issued under this code: another spelling of the same
 * content, or signed with the true key another time. */
static void a_second_file_under_the_same_code_is_told_apart(void **state)
{
    const char *key = in_folder(arena_printf(&arena, "%s.key", collector)),
               *certificate = in_folder(arena_printf(&arena, "%s.pem", collector));
    int year = civil_of(signing_time).year;
    told_apart("a character reference", changed(genuine, "<TongTien>16000", "<TongTien>&#49;6000"));
    told_apart("its encoding told",
               arena_textf(&arena, "<?xml version='1.0' encoding='utf-8'?>\n%.*s", TEXT_ARGS(genuine)));
    told_apart("a byte order mark in front", arena_textf(&arena, "\xEF\xBB\xBF%.*s", TEXT_ARGS(genuine)));
    signing_time += SECOND_US;
    told_apart("signed again", signed_by(key, certificate, unsigned_xml));
    struct text earlier = changed(unsigned_xml, arena_printf(&arena, "<KyHieu>%02dTAA", year % 100),
                                  arena_printf(&arena, "<KyHieu>%02dTAA", year % 100 - 1));
    earlier =
        changed(earlier, arena_printf(&arena, "<NgayLap>%04d", year), arena_printf(&arena, "<NgayLap>%04d", year - 1));
    earlier = signed_by(key, certificate, earlier);
    told_apart("backdated by a year with the true key", earlier);
    assert_true(says(by_page(earlier), "Ngày ký khác ngày lập"));
    assert_false(says(by_page(genuine), "Ngày ký khác ngày lập"));
}

/* A page drawn anew around a genuine attachment: the reader is told what counts. */
static void a_pdf_is_judged_by_its_attachment_alone(void **state)
{
    struct text forged =
        arena_textf(&arena, "%%PDF-1.7\n1 0 obj (So tien: 61.000.000)\nstream\n%.*s\nendstream\n", TEXT_ARGS(genuine));
    struct text page = by_page(forged);
    assert_true(says(page, "Hãy so với bản in") && says(page, "16.000"));
    refused_everywhere(
        "a PDF around a changed attachment",
        arena_textf(&arena, "%%PDF-1.7\n%.*s", TEXT_ARGS(changed(genuine, "<TongTien>16000", "<TongTien>61000"))));
    refused_everywhere("a PDF without a receipt", TEXT("%PDF-1.7\n%%EOF\n"));
}

static void an_old_receipt_is_read_out_and_not_judged(void **state)
{
    struct text page = by_page(TEXT("<BLai><KHMSBLai>01BLP0-001</KHMSBLai><KHBLai>BI-23T</KHBLai><SBLai>0000123</SBLai>"
                                    "<Ten>UBND phường &lt;b&gt;</Ten><TgTTTBSo>8000</TgTTTBSo></BLai>"));
    assert_true(says(page, "mẫu cũ") && says(page, "0000123") && says(page, "UBND phường &lt;b&gt;"));
    assert_false(says(page, "Biên lai hợp lệ") || says(page, "Không hợp lệ"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_genuine_file_holds_at_every_door),
        cmocka_unit_test(no_change_of_the_text_is_taken),
        cmocka_unit_test(no_wrapping_is_taken),
        cmocka_unit_test(no_entity_is_read_and_no_bomb_goes_off),
        cmocka_unit_test(neither_other_encodings_nor_pieces_are_taken),
        cmocka_unit_test(no_other_key_signs_for_the_collector),
        cmocka_unit_test(a_receipt_of_another_year_is_none),
        cmocka_unit_test(a_second_file_under_the_same_code_is_told_apart),
        cmocka_unit_test(a_pdf_is_judged_by_its_attachment_alone),
        cmocka_unit_test(an_old_receipt_is_read_out_and_not_judged),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
