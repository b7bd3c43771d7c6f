#include "receipts/tsa.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <stdlib.h>
#include "receipts/certificate.h"

enum { NONCE_BITS = 64 };

static TS_MSG_IMPRINT *imprint_of(struct text file)
{
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(file, digest);
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    bool made = imprint && algorithm && X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
                TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
                TS_MSG_IMPRINT_set_msg(imprint, digest, sizeof digest) == 1;
    X509_ALGOR_free(algorithm);
    if (made)
        return imprint;
    TS_MSG_IMPRINT_free(imprint);
    return NULL;
}

enum err tsa_request(struct text file, struct buf *out)
{
    TS_REQ *request = TS_REQ_new();
    TS_MSG_IMPRINT *imprint = imprint_of(file);
    BIGNUM *number = BN_new();
    ASN1_INTEGER *nonce = NULL;
    unsigned char *der = NULL;
    int length = -1;
    if (number && BN_rand(number, NONCE_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1)
        nonce = BN_to_ASN1_INTEGER(number, NULL);
    if (request && imprint && nonce && TS_REQ_set_version(request, 1) == 1 &&
        TS_REQ_set_msg_imprint(request, imprint) == 1 && TS_REQ_set_nonce(request, nonce) == 1 &&
        TS_REQ_set_cert_req(request, 1) == 1)
        length = i2d_TS_REQ(request, &der);
    if (length > 0)
        buf_put(out, der, (size_t)length);
    OPENSSL_free(der);
    ASN1_INTEGER_free(nonce);
    BN_free(number);
    TS_MSG_IMPRINT_free(imprint);
    TS_REQ_free(request);
    ERR_clear_error();
    return length > 0 ? OK : ERR_INTERNAL;
}

static instant_us time_of(TS_RESP *reply)
{
    TS_TST_INFO *info = TS_RESP_get_tst_info(reply);
    return info ? certificate_time(TS_TST_INFO_get_time(info)) : INSTANT_NONE;
}

/* Everything but the chain: granted, version, this file, this nonce. */
static bool about(TS_RESP *reply, struct text file, struct text request)
{
    TS_VERIFY_CTX *context = NULL;
    TS_REQ *asked = NULL;
    if (request.at) {
        const unsigned char *at = (const unsigned char *)request.at;
        asked = d2i_TS_REQ(NULL, &at, (long)request.length);
        context = asked ? TS_REQ_to_TS_VERIFY_CTX(asked, NULL) : NULL;
        if (context) /* the signature is looked at by itself */
            TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_NONCE);
    } else {
        context = TS_VERIFY_CTX_new();
        uint8_t *digest = OPENSSL_malloc(SHA256_SIZE); /* owned by the context */
        if (context && digest) {
            crypto_sha256(file, digest);
            TS_VERIFY_CTX_set_imprint(context, digest, SHA256_SIZE);
            TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_IMPRINT);
        } else {
            OPENSSL_free(digest);
        }
    }
    bool holds = context && TS_RESP_verify_response(context, reply) == 1;
    TS_VERIFY_CTX_free(context);
    TS_REQ_free(asked);
    return holds;
}

/* The signature over the token, by a certificate made for time stamping that the token names (ESS, RFC 5816); then its
 * chain, as for receipts, at the time the stamp was given. */
static enum err check_signer(TS_RESP *reply, const struct receipt_trust *trust, struct tsa_verdict *verdict,
                             struct faults *faults)
{
    PKCS7 *token = TS_RESP_get_token(reply);
    STACK_OF(X509) *signers = token ? PKCS7_get0_signers(token, NULL, 0) : NULL;
    X509 *signer = sk_X509_num(signers) == 1 ? sk_X509_value(signers, 0) : NULL;
    X509_STORE *itself = X509_STORE_new();
    if (!itself)
        abort();
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(itself), (time_t)(verdict->at / SECOND_US));
    X509_STORE_set_flags(itself, X509_V_FLAG_PARTIAL_CHAIN);
    X509 *told = NULL;
    enum err err = OK;
    if (!signer || X509_STORE_add_cert(itself, signer) != 1 ||
        TS_RESP_verify_signature(token, NULL, itself, &told) != 1) {
        err = faults_add(faults, "timestamp", ERR_SIGNATURE_BROKEN,
                         "Chữ ký của dấu thời gian không khớp, hoặc chứng thư không dành cho việc này.");
    } else {
        verdict->authority = certificate_attribute(X509_get_subject_name(signer), NID_commonName, faults->arena);
        verdict->chain = trust ? RECEIPT_CHAIN_TRUSTED : RECEIPT_CHAIN_UNCHECKED;
        err = trust ? certificate_chain(trust, signer, verdict->at, faults) : OK;
    }
    X509_free(told);
    X509_STORE_free(itself);
    sk_X509_free(signers);
    return err;
}

enum err tsa_check(struct text bytes, struct text file, struct text request, const struct receipt_trust *trust,
                   struct tsa_verdict *ret_verdict, struct faults *faults)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    struct tsa_verdict verdict = {0};
    TS_RESP *reply = bytes.length && bytes.length <= TSA_REPLY_MAX ? d2i_TS_RESP(NULL, &at, (long)bytes.length) : NULL;
    enum err err = OK;
    if (!reply || at != (const unsigned char *)bytes.at + bytes.length)
        err = faults_add(faults, "timestamp", ERR_XML_SYNTAX, "Không đọc được dấu thời gian (RFC 3161).");
    else if (!about(reply, file, request))
        err = faults_add(faults, "timestamp", ERR_SIGNATURE_BROKEN, "Dấu thời gian không được cấp cho tệp này.");
    if (!err) {
        verdict.at = time_of(reply);
        err = verdict.at == INSTANT_NONE ? ERR_XML_SYNTAX : check_signer(reply, trust, &verdict, faults);
    }
    TS_RESP_free(reply);
    ERR_clear_error();
    if (!err)
        *ret_verdict = verdict;
    return err;
}

enum err receipt_stamp_check(struct text xml, struct text reply, const struct receipt_trust *trust,
                             struct receipt_verdict *verdict, struct faults *faults)
{
    struct tsa_verdict stamp;
    enum err err = tsa_check(reply, xml, TEXT_NONE, trust, &stamp, faults);
    if (err)
        return err;
    verdict->stamped_at = stamp.at;
    verdict->stamped_by = stamp.authority.length ? stamp.authority : TEXT("TSA");
    verdict->stamp_chain = stamp.chain;
    return OK;
}
