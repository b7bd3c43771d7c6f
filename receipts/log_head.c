/* The signed tree head: six lines of text, signed with the key that signs receipts.
 *
 * Anybody can check one with the openssl command alone (README of this room). */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include "receipts/certificate.h"
#include "receipts/log.h"

enum { P256_HALF = 32, BODY_MAX = 1024 };

void log_head_body(const struct log_head *head, struct buf *out)
{
    char day[DATE_TEXT_SIZE], at[INSTANT_TEXT_SIZE], root[HEX_SHA256_SIZE];
    date_format(head->day, day);
    instant_format(head->at, at);
    hex_encode(head->root.at, MERKLE_SIZE, root);
    buf_printf(out, "lephi receipt log head 1\nlog %.*s\nday %s\nsize %lld\nroot %s\nat %s\n", TEXT_ARGS(head->log),
               day, (long long)head->size, root, at);
}

void log_head_write(struct json *json, const char *key, const struct log_head *head)
{
    char root[HEX_SHA256_SIZE];
    hex_encode(head->root.at, MERKLE_SIZE, root);
    json_put_object(json, key);
    json_put_text(json, "log", head->log);
    json_put_date(json, "day", head->day);
    json_put_int(json, "size", head->size);
    json_put_string(json, "root", root);
    json_put_instant(json, "at", head->at);
    json_put_text(json, "body", head->body);
    json_put_text(json, "algorithm", head->algorithm);
    json_put_text(json, "signature", head->signature);
    json_put_text(json, "certificate", head->certificate);
    json_put_end(json);
}

static X509 *certificate_of(struct text base64)
{
    struct buf der = {0};
    X509 *certificate = NULL;
    if (base64_decode(base64, &der)) {
        const unsigned char *at = (const unsigned char *)der.at;
        certificate = d2i_X509(NULL, &at, (long)der.length);
    }
    buf_done(&der);
    ERR_clear_error();
    return certificate;
}

void log_head_text(const struct log_head *head, struct buf *out)
{
    X509 *certificate = certificate_of(head->certificate);
    buf_text(out, head->body);
    buf_string(out, "\nsigned by ");
    if (certificate)
        certificate_name(X509_get_subject_name(certificate), out);
    X509_free(certificate);
    buf_printf(out, "\n%.*s\n", TEXT_ARGS(head->algorithm));
    struct text rest = head->signature;
    while (rest.length) {
        buf_text(out, text_slice(rest, 0, 64));
        buf_char(out, '\n');
        rest = text_slice(rest, 64, rest.length);
    }
    buf_string(out, "\n-----BEGIN CERTIFICATE-----\n");
    for (rest = head->certificate; rest.length; rest = text_slice(rest, 64, rest.length)) {
        buf_text(out, text_slice(rest, 0, 64));
        buf_char(out, '\n');
    }
    buf_string(out, "-----END CERTIFICATE-----\n");
}

/* Signers give ECDSA as XMLDSig asks, r‖s; programs outside XML read DER. */
static bool put_der(const uint8_t *raw, size_t length, struct buf *out)
{
    if (length != 2 * P256_HALF)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, P256_HALF, NULL), *s = BN_bin2bn(raw + P256_HALF, P256_HALF, NULL);
    unsigned char *der = NULL;
    int size = pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1 ? i2d_ECDSA_SIG(pair, &der) : -1;
    if (size > 0)
        base64_encode(der, (size_t)size, out);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return size > 0;
}

enum err log_head_sign(const struct signer *signer, struct log_head *head, struct arena *arena)
{
    uint8_t raw[SIGNATURE_SIZE_MAX];
    size_t length;
    struct buf text = {0};
    enum err err = signer->sign(signer, head->body, raw, &length);
    if (!err && signer->key == SIGNER_RSA_SHA256)
        base64_encode(raw, length, &text);
    else if (!err && !put_der(raw, length, &text))
        err = ERR_KEY;
    head->algorithm = signer->key == SIGNER_RSA_SHA256 ? TEXT("rsa-sha256") : TEXT("ecdsa-sha256");
    head->certificate = signer->certificate;
    head->signature = arena_text(arena, buf_view(&text));
    buf_done(&text);
    return err;
}

static bool signature_holds(X509 *certificate, struct text body, struct text base64)
{
    struct buf signature = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool holds = context && base64_decode(base64, &signature) &&
                 EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(certificate)) == 1 &&
                 EVP_DigestVerify(context, (const unsigned char *)signature.at, signature.length,
                                  (const unsigned char *)body.at, body.length) == 1;
    EVP_MD_CTX_free(context);
    buf_done(&signature);
    ERR_clear_error();
    return holds;
}

enum err log_head_check(const struct log_head *head, const struct receipt_trust *trust, struct faults *faults)
{
    enum signer_key kind;
    struct buf body = {0};
    log_head_body(head, &body);
    bool agrees = text_equal(buf_view(&body), head->body);
    buf_done(&body);
    if (!agrees)
        return faults_add(faults, "head", ERR_SIGNATURE_BROKEN, "Nội dung khác phần được ký.");
    X509 *certificate = certificate_of(head->certificate);
    if (!certificate || certificate_key(certificate, &kind)) {
        X509_free(certificate);
        return faults_add(faults, "head/certificate", ERR_CERTIFICATE, "Không đọc được chứng thư.");
    }
    enum err err = OK;
    if (!text_is(head->algorithm, kind == SIGNER_RSA_SHA256 ? "rsa-sha256" : "ecdsa-sha256") ||
        !signature_holds(certificate, head->body, head->signature))
        err = faults_add(faults, "head", ERR_SIGNATURE_BROKEN, NULL);
    if (!err && trust)
        err = certificate_chain(trust, certificate, head->at, faults);
    X509_free(certificate);
    return err;
}

void log_read_lines(struct json_fields *in, const char *key, size_t max, struct text *ret)
{
    const json_t *value = json_has(in, key) ? json_object_get(in->object, key) : NULL;
    if (json_is_string(value) && json_string_length(value) <= max)
        *ret = (struct text){json_string_value(value), json_string_length(value)};
    else
        json_fault(in, key, ERR_FIELD_TYPE, NULL);
}

enum err log_head_fields(struct json_fields *in, struct log_head *ret)
{
    struct text root = TEXT_NONE;
    json_read_text(in, "log", REQUIRED, 0, 200, &ret->log);
    json_read_date(in, "day", REQUIRED, &ret->day);
    json_read_int(in, "size", REQUIRED, 0, INT64_MAX / 4, &ret->size);
    json_read_text(in, "root", REQUIRED, 64, 64, &root);
    json_read_instant(in, "at", REQUIRED, &ret->at);
    log_read_lines(in, "body", BODY_MAX, &ret->body);
    json_read_text(in, "algorithm", REQUIRED, 1, 20, &ret->algorithm);
    json_read_text(in, "signature", REQUIRED, 1, 2048, &ret->signature);
    json_read_text(in, "certificate", REQUIRED, 1, 16384, &ret->certificate);
    if (root.at && !hex_decode(root, ret->root.at, MERKLE_SIZE))
        json_fault(in, "root", ERR_FIELD_FORMAT, NULL);
    return json_close(in);
}

enum err log_head_read(struct text json, struct log_head *ret_head, struct faults *faults)
{
    struct json_fields in, inside;
    struct log_head head = {0};
    enum err err = json_parse(json, &in, faults);
    if (err)
        return err;
    if (json_has(&in, "head")) {
        json_read_object(&in, "head", REQUIRED, &inside);
        err = log_head_fields(&inside, &head);
    } else {
        err = log_head_fields(&in, &head);
    }
    if (!err)
        *ret_head = head;
    return err;
}
