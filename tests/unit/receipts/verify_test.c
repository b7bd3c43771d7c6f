/* Signing and verification: what holds, and everything that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/receipt_keys.h"
#include "tests/support/receipt_sample.h"

enum { YEAR_2026_S = 1767225600 };

static struct arena arena;
static struct faults faults;
static char *folder;
static struct test_authority *authority, *stranger;
static struct receipt_trust *trust;
static struct signer *rsa, *p256;
static instant_us signing_time;

static const char *in_folder(const char *name)
{
    static char paths[8][300];
    static int next;
    next = (next + 1) % 8;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

static struct signer *make_signer(const struct test_authority *issuer, const char *name, struct test_certificate wanted)
{
    char key[64], certificate[64];
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(certificate, sizeof certificate, "%s.pem", name);
    wanted.name = wanted.name ? wanted.name : "Trung tâm Phục vụ hành chính công <Quảng Ninh>";
    wanted.valid_from_s = wanted.valid_from_s ? wanted.valid_from_s : YEAR_2026_S;
    wanted.days = wanted.days ? wanted.days : 365;
    test_certificate_write(issuer, &wanted, in_folder(key), in_folder(certificate));
    struct signer *signer = NULL;
    enum err err = signer_open_files(in_folder(key), in_folder(certificate), &signer, &faults);
    return err ? NULL : signer;
}

static int set_up_all(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    folder = test_folder_new();
    authority = test_authority_new("CA thử nghiệm");
    stranger = test_authority_new("CA thử nghiệm"); /* same name, another key */
    test_authority_write(authority, in_folder("trust.pem"));
    rsa =
        make_signer(authority, "rsa", (struct test_certificate){.key = TEST_KEY_RSA_2048, .tax_code = SAMPLE_TAX_CODE});
    p256 = make_signer(authority, "p256", (struct test_certificate){.key = TEST_KEY_P256, .tax_code = SAMPLE_TAX_CODE});
    instant_parse(TEXT("2026-11-23T08:15:30+07:00"), &signing_time);
    return !rsa || !p256 || receipt_trust_open(in_folder("trust.pem"), &trust);
}

static int tear_down_all(void **state)
{
    signer_close(rsa);
    signer_close(p256);
    receipt_trust_free(trust);
    test_authority_free(authority);
    test_authority_free(stranger);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}

static int set_up(void **state)
{
    arena_reset(&arena);
    faults_init(&faults, &arena);
    return 0;
}

static void sign_document(const struct signer *signer, const struct receipt_document *document, struct buf *out)
{
    struct buf xml = {0};
    assert_int_equal(receipt_document_write(document, &xml, &faults), OK);
    assert_int_equal(receipt_sign(signer, buf_view(&xml), signing_time, out), OK);
    buf_done(&xml);
}

static void sign_sample(const struct signer *signer, struct buf *out)
{
    struct receipt_document document = receipt_sample();
    sign_document(signer, &document, out);
}

static enum err verify(struct text xml)
{
    struct receipt_verdict verdict;
    faults_init(&faults, &arena);
    return receipt_verify(xml, trust, &verdict, &faults);
}

/* The text with the first (or nth) `from` changed into `to`; asserts that it is there. */
static void change_nth(struct text all, const char *from, const char *to, int nth, struct buf *out)
{
    size_t at = 0;
    for (int i = 0; i <= nth; i++) {
        size_t found = text_find(text_slice(all, at + (i > 0), all.length), text_of(from));
        at += (i > 0) + found;
        assert_true(at < all.length);
    }
    buf_clear(out);
    buf_text(out, text_slice(all, 0, at));
    buf_string(out, to);
    buf_text(out, text_slice(all, at + strlen(from), all.length));
}

static void both_kinds_of_key_sign_and_verify(void **state)
{
    const struct signer *signers[] = {rsa, p256};
    static const char *const algorithms[] = {"rsa-sha256", "ecdsa-sha256"};
    for (int i = 0; i < 2; i++) {
        struct buf xml = {0};
        struct receipt_verdict verdict;
        sign_sample(signers[i], &xml);
        assert_int_equal(receipt_verify(buf_view(&xml), trust, &verdict, &faults), OK);
        assert_string_equal(verdict.algorithm, algorithms[i]);
        assert_int_equal(verdict.signed_at, signing_time);
        assert_int_equal(verdict.chain, RECEIPT_CHAIN_TRUSTED);
        assert_true(text_is(verdict.signer_tax_code, SAMPLE_TAX_CODE));
        assert_true(text_is(verdict.signer_name, "Trung tâm Phục vụ hành chính công <Quảng Ninh>"));
        assert_int_equal(verdict.document.number, 1234);
        assert_int_equal(verdict.document.signed_at, signing_time);
        buf_done(&xml);
    }
}

static void without_trust_the_verdict_says_the_chain_was_not_checked(void **state)
{
    struct buf xml = {0};
    struct receipt_verdict verdict;
    sign_sample(p256, &xml);
    assert_int_equal(receipt_verify(buf_view(&xml), NULL, &verdict, &faults), OK);
    assert_int_equal(verdict.chain, RECEIPT_CHAIN_UNCHECKED);
    buf_done(&xml);
}

static void the_xmlsec1_command_verifies_what_we_sign(void **state)
{
    const struct signer *signers[] = {rsa, p256};
    for (int i = 0; i < 2; i++) {
        struct buf xml = {0}, broken = {0};
        char command[1400];
        sign_sample(signers[i], &xml);
        change_nth(buf_view(&xml), "<So>1234</So>", "<So>1235</So>", 0, &broken);
        struct buf *files[] = {&xml, &broken};
        for (int k = 0; k < 2; k++) {
            FILE *file = fopen(in_folder("signed.xml"), "w");
            assert_non_null(file);
            fwrite(files[k]->at, 1, files[k]->length, file);
            fclose(file);
            snprintf(command, sizeof command,
                     "xmlsec1 --verify --trusted-pem %s --verification-time '2026-11-23 01:15:30' --id-attr:Id "
                     "DuLieuBienLai --id-attr:Id http://www.w3.org/2000/09/xmldsig#:Object %s >/dev/null 2>&1",
                     in_folder("trust.pem"), in_folder("signed.xml"));
            assert_int_equal(system(command) != 0, k);
        }
        buf_done(&xml);
        buf_done(&broken);
    }
}

static void no_single_changed_byte_verifies(void **state)
{
    const struct signer *signers[] = {rsa, p256};
    uint32_t seed = 20;
    for (int i = 0; i < 2; i++) {
        struct buf xml = {0};
        sign_sample(signers[i], &xml);
        for (size_t at = 0; at < xml.length; at++) {
            char before = xml.at[at];
            seed = seed * 1664525u + 1013904223u;
            xml.at[at] = (char)(before ^ (1 << (seed >> 29)));
            if (verify(buf_view(&xml)) == OK)
                fail_msg("byte %zu: '%c' to '%c' was not noticed", at, before, xml.at[at]);
            xml.at[at] = before;
            arena_reset(&arena);
        }
        assert_int_equal(verify(buf_view(&xml)), OK);
        buf_done(&xml);
    }
}

static void no_single_removed_or_doubled_element_verifies(void **state)
{
    struct buf xml = {0}, changed = {0};
    sign_sample(p256, &xml);
    struct text all = buf_view(&xml);
    for (size_t from = 1; from < all.length; from++) {
        if (all.at[from] != '<' || all.at[from + 1] == '/')
            continue;
        char end[80];
        size_t name = strcspn(all.at + from + 1, " >");
        snprintf(end, sizeof end, "</%.*s>", (int)name, all.at + from + 1);
        struct text rest = text_slice(all, from, all.length);
        size_t length = text_find(rest, text_of(end)) + strlen(end);
        struct text element = text_slice(all, from, length);
        buf_clear(&changed);
        buf_text(&changed, text_slice(all, 0, from));
        buf_text(&changed, text_slice(all, from + length, all.length));
        assert_int_not_equal(verify(buf_view(&changed)), OK);
        buf_clear(&changed);
        buf_text(&changed, text_slice(all, 0, from + length));
        buf_text(&changed, element);
        buf_text(&changed, text_slice(all, from + length, all.length));
        assert_int_not_equal(verify(buf_view(&changed)), OK);
        arena_reset(&arena);
    }
    buf_done(&xml);
    buf_done(&changed);
}

struct attack {
    const char *from, *to;
    int nth;
    enum err expected;
};

/* Every change keeps the document well-formed; most keep the signed bytes as they were, too. */
static void nothing_beside_the_profile_is_tolerated(void **state)
{
    static const struct attack attacks[] = {
        /* a comment would cut the text for readers that take the first node only */
        {"<So>1234</So>", "<So>12<!-- -->34</So>", 0, ERR_XML_SYNTAX},
        {"<So>1234</So>", "<So>12<?x?>34</So>", 0, ERR_XML_SYNTAX},
        {"<So>1234</So>", "<So><![CDATA[1234]]></So>", 0, ERR_XML_SYNTAX},
        {"<BienLai>", "<!DOCTYPE BienLai><BienLai>", 0, ERR_XML_SYNTAX},
        {"<BienLai>", "<?xml-stylesheet href=\"x\"?><BienLai>", 0, ERR_XML_SYNTAX},
        {"</BienLai>", "</BienLai><?x?>", 0, ERR_XML_SYNTAX},
        {"</BienLai>", "</BienLai><BienLai></BienLai>", 0, ERR_XML_SYNTAX},
        {"<BienLai>", "<BienLai xmlns:x=\"urn:x\">", 0, ERR_SIGNATURE_PROFILE},
        {"<BienLai>", "<BienLai Id=\"data\">", 0, ERR_SIGNATURE_PROFILE},
        {"<ChuKySo>", "<ChuKySo xml:id=\"data\">", 0, ERR_SIGNATURE_PROFILE},
        {"<ChuKySo>", "<DuLieuBienLai Id=\"data\"></DuLieuBienLai><ChuKySo>", 0, ERR_SIGNATURE_PROFILE},
        {"<ChuKySo>", "<ChuKySo>text", 0, ERR_SIGNATURE_PROFILE},
        {" Id=\"signature\"", " Id=\"data\"", 0, ERR_SIGNATURE_PROFILE},
        {" Id=\"signature\"", "", 0, ERR_SIGNATURE_PROFILE},
        {"<KeyInfo>", "<KeyInfo><KeyName>other</KeyName>", 0, ERR_SIGNATURE_PROFILE},
        {"<KeyInfo>", "<KeyInfo Id=\"data\">", 0, ERR_SIGNATURE_PROFILE},
        {"</Signature>", "<Object></Object></Signature>", 0, ERR_SIGNATURE_PROFILE},
        {"</Signature>", "</Signature><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"></Signature>", 0,
         ERR_SIGNATURE_PROFILE},
        {"</SignatureProperties>", "</SignatureProperties><Manifest></Manifest>", 0, ERR_SIGNATURE_PROFILE},
        {"#sha256", "#sha1", 0, ERR_SIGNATURE_PROFILE},
        {"xmlenc#sha256", "xmldsig-more#sha384", 0, ERR_SIGNATURE_PROFILE},
        {"xmldsig-more#ecdsa-sha256", "xmldsig#hmac-sha1", 0, ERR_SIGNATURE_PROFILE},
        {"xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256", 0, ERR_SIGNATURE_PROFILE},
        {"xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256", 0, ERR_SIGNATURE_BROKEN},
        {"#enveloped-signature", "#base64", 0, ERR_SIGNATURE_PROFILE},
        {"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116", 0,
         ERR_SIGNATURE_PROFILE},
        {"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xpath-19991116", 0,
         ERR_SIGNATURE_PROFILE},
        {"REC-xml-c14n-20010315", "REC-xml-c14n-20010315#WithComments", 0, ERR_SIGNATURE_PROFILE},
        {"URI=\"#data\"", "URI=\"\"", 0, ERR_SIGNATURE_PROFILE},
        {"URI=\"#data\"", "URI=\"http://127.0.0.1:1/x\"", 0, ERR_SIGNATURE_PROFILE},
        {"URI=\"#data\"", "URI=\"file:///etc/hostname\"", 0, ERR_SIGNATURE_PROFILE},
        {"URI=\"#data\"", "URI=\"#xpointer(id('data'))\"", 0, ERR_SIGNATURE_PROFILE},
        {"URI=\"#data\"", "URI=\"#signing-time\"", 0, ERR_SIGNATURE_PROFILE},
        {"URI=\"#signing-time\"", "URI=\"#data\"", 0, ERR_SIGNATURE_PROFILE},
        {"<SigningTime>2026-11-23T08:15:30", "<SigningTime>2026-11-22T08:15:30", 0, ERR_SIGNATURE_BROKEN},
        {"<TongTien>44000", "<TongTien>4400", 0, ERR_SIGNATURE_BROKEN},
        {"Tuyết", "Tuyêt", 0, ERR_SIGNATURE_BROKEN},
    };
    struct buf xml = {0}, changed = {0};
    sign_sample(p256, &xml);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        change_nth(buf_view(&xml), attacks[i].from, attacks[i].to, attacks[i].nth, &changed);
        enum err err = verify(buf_view(&changed));
        if (err != attacks[i].expected)
            fail_msg("%s -> %s: %s", attacks[i].from, attacks[i].to, err_info(err)->code);
    }
    buf_done(&xml);
    buf_done(&changed);
}

/* The true data moved aside (still found by its Id), forged data in its place: the classic wrapping. */
static void wrapped_data_is_refused(void **state)
{
    struct buf xml = {0}, forged = {0}, changed = {0};
    sign_sample(rsa, &xml);
    struct text all = buf_view(&xml);
    size_t from = strlen("<BienLai>"), to = text_find(all, TEXT("<ChuKySo>"));
    struct text data = text_slice(all, from, to - from), rest = text_slice(all, to, all.length);
    change_nth(data, "<So>1234</So>", "<So>1235</So>", 0, &forged);
    static const char *const ids[] = {"Id=\"data\"", "Id=\"other\"", "xmlId=\"data\"", ""};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct buf other = {0};
        change_nth(buf_view(&forged), "Id=\"data\"", ids[i], 0, &other);
        static const char *const places[] = {"<ChuKySo>",    "<DonViKy>",  "<KeyInfo>",
                                             "</Signature>", "</BienLai>", "</SignatureProperties>"};
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            buf_clear(&changed);
            buf_string(&changed, "<BienLai>");
            buf_text(&changed, buf_view(&other));
            size_t at = text_find(rest, text_of(places[k]));
            buf_text(&changed, text_slice(rest, 0, at));
            buf_text(&changed, data);
            buf_text(&changed, text_slice(rest, at, rest.length));
            assert_int_equal(verify(buf_view(&changed)), ERR_SIGNATURE_PROFILE);
            /* and the other way round: the true one first, the forged one hidden */
            buf_clear(&changed);
            buf_string(&changed, "<BienLai>");
            buf_text(&changed, data);
            buf_text(&changed, text_slice(rest, 0, at));
            buf_text(&changed, buf_view(&other));
            buf_text(&changed, text_slice(rest, at, rest.length));
            assert_int_equal(verify(buf_view(&changed)), ERR_SIGNATURE_PROFILE);
        }
        buf_done(&other);
    }
    buf_done(&xml);
    buf_done(&forged);
    buf_done(&changed);
}

static void a_signature_of_another_receipt_does_not_fit(void **state)
{
    struct buf one = {0}, two = {0}, mixed = {0};
    struct receipt_document document = receipt_sample();
    sign_document(rsa, &document, &one);
    document.number++;
    sign_document(rsa, &document, &two);
    struct text a = buf_view(&one), b = buf_view(&two);
    buf_text(&mixed, text_slice(a, 0, text_find(a, TEXT("<ChuKySo>"))));
    buf_text(&mixed, text_slice(b, text_find(b, TEXT("<ChuKySo>")), b.length));
    assert_int_equal(verify(buf_view(&mixed)), ERR_SIGNATURE_BROKEN);
    buf_done(&one);
    buf_done(&two);
    buf_done(&mixed);
}

static void bombs_and_outside_entities_are_refused_unread(void **state)
{
    static const char *const bad[] = {
        "",
        "<",
        "<BienLai>",
        "<BienLai></BienLai>",
        "\xFF\xFE<\0B\0",
        "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"aaaaaaaa\"><!ENTITY b "
        "\"&a;&a;&a;&a;\">]><BienLai>&b;</BienLai>",
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><BienLai></BienLai>",
        "<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\"> %p;]><BienLai></BienLai>",
        "<BienLai>&undefined;</BienLai>",
        "<x:BienLai xmlns:x=\"urn:x\"></x:BienLai>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_not_equal(verify(text_of(bad[i])), OK);

    struct buf deep = {0};
    for (int i = 0; i < 20000; i++)
        buf_string(&deep, "<a>");
    assert_int_equal(verify(buf_view(&deep)), ERR_XML_SYNTAX);
    for (int i = 0; i < 20000; i++)
        buf_string(&deep, "</a>");
    assert_int_equal(verify(buf_view(&deep)), ERR_XML_SYNTAX);
    buf_clear(&deep);
    for (int i = 0; i < 100; i++)
        buf_string(&deep, "<a>");
    for (int i = 0; i < 100; i++)
        buf_string(&deep, "</a>");
    assert_int_equal(verify(buf_view(&deep)), ERR_XML_SYNTAX);
    buf_clear(&deep);
    buf_string(&deep, "<a>");
    while (deep.length < RECEIPT_XML_MAX)
        buf_string(&deep, "          ");
    buf_string(&deep, "</a>");
    assert_int_equal(verify(buf_view(&deep)), ERR_XML_SYNTAX);
    buf_done(&deep);
}

static void an_unsigned_document_says_so(void **state)
{
    struct receipt_document document = receipt_sample();
    struct buf xml = {0};
    assert_int_equal(receipt_document_write(&document, &xml, &faults), OK);
    assert_int_equal(verify(buf_view(&xml)), ERR_SIGNATURE_MISSING);
    buf_done(&xml);
}

static enum err verdict_on(struct signer *signer)
{
    assert_non_null(signer);
    struct buf xml = {0};
    sign_sample(signer, &xml);
    enum err err = verify(buf_view(&xml));
    buf_done(&xml);
    signer_close(signer);
    return err;
}

static void a_certificate_counts_only_with_chain_time_and_tax_code(void **state)
{
    const struct test_certificate good = {.key = TEST_KEY_P256, .tax_code = SAMPLE_TAX_CODE};
    struct test_certificate late = good, early = good, other = good, anonymous = good;
    late.valid_from_s = YEAR_2026_S + 330 * 86400; /* 27 November: after the signing time */
    early.days = 300;                              /* until 28 October */
    other.tax_code = "5702101235";
    anonymous.tax_code = NULL;
    assert_int_equal(verdict_on(make_signer(authority, "good", good)), OK);
    assert_int_equal(verdict_on(make_signer(stranger, "stranger", good)), ERR_CERTIFICATE);
    assert_int_equal(verdict_on(make_signer(authority, "late", late)), ERR_CERTIFICATE);
    assert_int_equal(verdict_on(make_signer(authority, "early", early)), ERR_CERTIFICATE);
    assert_int_equal(verdict_on(make_signer(authority, "other", other)), ERR_CERTIFICATE);
    assert_int_equal(verdict_on(make_signer(authority, "anonymous", anonymous)), ERR_CERTIFICATE);
}

static void weak_or_foreign_keys_are_not_taken(void **state)
{
    assert_null(make_signer(authority, "weak",
                            (struct test_certificate){.key = TEST_KEY_RSA_1024, .tax_code = SAMPLE_TAX_CODE}));
    assert_null(
        make_signer(authority, "p384", (struct test_certificate){.key = TEST_KEY_P384, .tax_code = SAMPLE_TAX_CODE}));
    struct signer *none = NULL;
    assert_int_equal(signer_open_files(in_folder("rsa.key"), in_folder("p256.pem"), &none, &faults), ERR_KEY);
    assert_int_equal(signer_open_files(in_folder("absent.key"), in_folder("p256.pem"), &none, &faults), ERR_KEY);
    assert_null(none);
}

static void a_revocation_counts_from_its_own_date(void **state)
{
    struct buf xml = {0};
    sign_sample(p256, &xml);
    static const struct {
        const char *revoked;
        enum err expected;
    } cases[] = {{"2026-11-23T08:15:29+07:00", ERR_CERTIFICATE}, {"2026-11-23T08:15:31+07:00", OK}};
    for (size_t i = 0; i < 2; i++) {
        instant_us at;
        assert_true(instant_parse(text_of(cases[i].revoked), &at));
        test_revocation_write(authority, in_folder("p256.pem"), at / SECOND_US, in_folder("list.pem"));
        char command[1000];
        snprintf(command, sizeof command, "cat %s %s > %s", in_folder("trust.pem"), in_folder("list.pem"),
                 in_folder("both.pem"));
        assert_int_equal(system(command), 0);
        struct receipt_trust *both = NULL;
        struct receipt_verdict verdict;
        assert_int_equal(receipt_trust_open(in_folder("both.pem"), &both), OK);
        faults_init(&faults, &arena);
        assert_int_equal(receipt_verify(buf_view(&xml), both, &verdict, &faults), cases[i].expected);
        receipt_trust_free(both);
    }
    buf_done(&xml);
}

static void the_delegate_may_sign_for_the_collector(void **state)
{
    struct receipt_document document = receipt_sample();
    document.collector.tax_code = TEXT("5700101234");
    struct buf xml = {0};
    sign_document(p256, &document, &xml);
    assert_int_equal(verify(buf_view(&xml)), ERR_CERTIFICATE);
    buf_clear(&xml);
    document.delegate = (struct receipt_party){.name = TEXT("Bưu điện tỉnh"), .tax_code = TEXT(SAMPLE_TAX_CODE)};
    sign_document(p256, &document, &xml);
    assert_int_equal(verify(buf_view(&xml)), OK);
    buf_done(&xml);
}

static void preflight_knows_whose_key_it_is_and_how_long(void **state)
{
    assert_int_equal(signer_check(rsa, TEXT(SAMPLE_TAX_CODE), signing_time), OK);
    assert_int_equal(signer_check(rsa, TEXT("5702101235"), signing_time), ERR_CERTIFICATE);
    assert_int_equal(signer_check(rsa, TEXT(""), signing_time), ERR_CERTIFICATE);
    assert_int_equal(signer_check(rsa, TEXT(SAMPLE_TAX_CODE), signing_time + 365 * DAY_US), ERR_CERTIFICATE);
}

static void only_frozen_documents_are_signed(void **state)
{
    struct buf out = {0};
    assert_int_equal(receipt_sign(rsa, TEXT("<BienLai></BienLai>"), signing_time, &out), ERR_SIGNATURE_PROFILE);
    assert_int_equal(receipt_sign(rsa, TEXT(""), signing_time, &out), ERR_SIGNATURE_PROFILE);
    struct buf xml = {0};
    sign_sample(rsa, &xml);
    assert_int_equal(receipt_sign(rsa, buf_view(&xml), signing_time, &out), ERR_SIGNATURE_PROFILE);
    assert_int_equal(out.length, 0);
    buf_done(&xml);
    buf_done(&out);
}

static void what_was_just_signed_is_checked_before_it_is_kept(void **state)
{
    const struct signer *const signers[] = {rsa, p256};
    struct receipt_document document = receipt_sample();
    for (int i = 0; i < 2; i++) {
        struct buf xml = {0}, out = {0};
        assert_int_equal(receipt_document_write(&document, &xml, &faults), OK);
        assert_int_equal(receipt_sign(signers[i], buf_view(&xml), signing_time, &out), OK);
        assert_int_equal(receipt_sign_check(signers[i], buf_view(&xml), signing_time, buf_view(&out)), OK);
        assert_int_equal(receipt_sign_check(signers[1 - i], buf_view(&xml), signing_time, buf_view(&out)),
                         ERR_SIGNATURE_BROKEN);
        assert_int_equal(receipt_sign_check(signers[i], buf_view(&xml), signing_time + SECOND_US, buf_view(&out)),
                         ERR_SIGNATURE_BROKEN);
        size_t value = text_find(buf_view(&out), TEXT("<SignatureValue>"));
        const size_t places[] = {60, xml.length / 2, value - 40, value + 20};
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            out.at[places[k]] ^= 1;
            assert_int_equal(receipt_sign_check(signers[i], buf_view(&xml), signing_time, buf_view(&out)),
                             ERR_SIGNATURE_BROKEN);
            out.at[places[k]] ^= 1;
        }
        buf_done(&xml);
        buf_done(&out);
    }
}

static void rsa_signatures_of_the_same_bytes_are_the_same_bytes(void **state)
{
    struct buf one = {0}, two = {0};
    sign_sample(rsa, &one);
    sign_sample(rsa, &two);
    assert_true(text_equal(buf_view(&one), buf_view(&two)));
    buf_done(&one);
    buf_done(&two);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_kinds_of_key_sign_and_verify),
        TEST(without_trust_the_verdict_says_the_chain_was_not_checked),
        TEST(the_xmlsec1_command_verifies_what_we_sign),
        TEST(no_single_changed_byte_verifies),
        TEST(no_single_removed_or_doubled_element_verifies),
        TEST(nothing_beside_the_profile_is_tolerated),
        TEST(wrapped_data_is_refused),
        TEST(a_signature_of_another_receipt_does_not_fit),
        TEST(bombs_and_outside_entities_are_refused_unread),
        TEST(an_unsigned_document_says_so),
        TEST(a_certificate_counts_only_with_chain_time_and_tax_code),
        TEST(weak_or_foreign_keys_are_not_taken),
        TEST(a_revocation_counts_from_its_own_date),
        TEST(the_delegate_may_sign_for_the_collector),
        TEST(preflight_knows_whose_key_it_is_and_how_long),
        TEST(only_frozen_documents_are_signed),
        TEST(what_was_just_signed_is_checked_before_it_is_kept),
        TEST(rsa_signatures_of_the_same_bytes_are_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
