/* Verification of a signed receipt.
 *
 * First the shape: exactly the nodes, names, Ids and algorithms of the profile, so that nothing can be moved, doubled
 * or wrapped; then the signature by libxmlsec1 with only those transforms enabled and the certificate's key given by
 * us; then who signed: chain, validity at the signing time, tax code; then the content. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/valid.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include "receipts/certificate.h"
#include "receipts/envelope.h"
#include "receipts/tree.h"

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static bool library_ready;

static void silent(const char *file, int line, const char *function, const char *object, const char *subject,
                   int reason, const char *message)
{
}

static void library_start(void)
{
    xmlInitParser();
    library_ready =
        xmlSecInit() >= 0 && xmlSecCheckVersion() == 1 && xmlSecCryptoAppInit(NULL) >= 0 && xmlSecCryptoInit() >= 0;
    xmlSecErrorsSetCallback(silent); /* after xmlSecInit, which sets its own */
}

/* Where everything stands in a document of the right shape. */
struct shape {
    xmlNode *data, *signature, *object;
    struct text signature_value, certificate, subject, signing_time;
    struct text digests[2];
    bool ecdsa;
};

static const char *const id_only[] = {"Id", NULL};
static const char *const algorithm_only[] = {"Algorithm", NULL};

static bool take_algorithm(struct tree_cursor *in, const char *name, const char *expected, const char *other)
{
    xmlNode *node = tree_take(in, name, algorithm_only);
    struct text algorithm = tree_attribute(node, "Algorithm");
    if (*in->err)
        return false;
    if (node->children || (!text_is(algorithm, expected) && !(other && text_is(algorithm, other))))
        tree_fail(in, name, "Thuật toán không được phép.");
    return other && text_is(algorithm, other);
}

static void take_id(struct tree_cursor *in, const xmlNode *node, const char *expected)
{
    if (!*in->err && !text_is(tree_attribute(node, "Id"), expected))
        tree_fail(in, "Id", "Định danh khác quy cách.");
}

static struct tree_cursor enter_signed(struct tree_cursor *outer, const char *name, const char *const *attributes)
{
    xmlNode *node = tree_take(outer, name, attributes);
    return tree_enter(node, outer->namespace, outer->faults, outer->err, outer->code);
}

static void read_reference(struct tree_cursor *info, const char *uri, const char *first_transform,
                           struct text *ret_digest)
{
    static const char *const uri_only[] = {"URI", NULL};
    xmlNode *node = tree_take(info, "Reference", uri_only);
    struct tree_cursor in = tree_enter(node, info->namespace, info->faults, info->err, info->code);
    if (!*in.err && !text_is(tree_attribute(node, "URI"), uri))
        tree_fail(&in, "URI", "Chữ ký tham chiếu phần khác với quy cách.");
    struct tree_cursor transforms = enter_signed(&in, "Transforms", NULL);
    if (first_transform)
        take_algorithm(&transforms, "Transform", first_transform, NULL);
    take_algorithm(&transforms, "Transform", DSIG_C14N, NULL);
    tree_leave(&transforms);
    take_algorithm(&in, "DigestMethod", DSIG_SHA256, NULL);
    *ret_digest = tree_take_text(&in, "DigestValue");
    tree_leave(&in);
}

static void read_signature(struct tree_cursor *signature, struct shape *ret)
{
    struct tree_cursor info = enter_signed(signature, "SignedInfo", NULL);
    take_algorithm(&info, "CanonicalizationMethod", DSIG_C14N, NULL);
    ret->ecdsa = take_algorithm(&info, "SignatureMethod", DSIG_RSA_SHA256, DSIG_ECDSA_SHA256);
    read_reference(&info, "#" RECEIPT_DATA_ID, DSIG_ENVELOPED, &ret->digests[0]);
    read_reference(&info, "#" DSIG_TIME_ID, NULL, &ret->digests[1]);
    tree_leave(&info);

    ret->signature_value = tree_take_text(signature, "SignatureValue");
    struct tree_cursor key_info = enter_signed(signature, "KeyInfo", NULL);
    struct tree_cursor x509 = enter_signed(&key_info, "X509Data", NULL);
    ret->subject = tree_take_text(&x509, "X509SubjectName");
    ret->certificate = tree_take_text(&x509, "X509Certificate");
    tree_leave(&x509);
    tree_leave(&key_info);

    static const char *const target_only[] = {"Target", NULL};
    ret->object = tree_take(signature, "Object", id_only);
    take_id(signature, ret->object, DSIG_TIME_ID);
    struct tree_cursor object =
        tree_enter(ret->object, signature->namespace, signature->faults, signature->err, signature->code);
    struct tree_cursor properties = enter_signed(&object, "SignatureProperties", NULL);
    xmlNode *property = tree_take(&properties, "SignatureProperty", target_only);
    if (!*properties.err && !text_is(tree_attribute(property, "Target"), "#" DSIG_SIGNATURE_ID))
        tree_fail(&properties, "Target", "Định danh khác quy cách.");
    struct tree_cursor time =
        tree_enter(property, signature->namespace, signature->faults, signature->err, signature->code);
    ret->signing_time = tree_take_text(&time, "SigningTime");
    tree_leave(&time);
    tree_leave(&properties);
    tree_leave(&object);
    tree_leave(signature);
}

static enum err read_shape(const struct envelope *envelope, xmlDoc *doc, struct shape *ret, struct faults *faults)
{
    enum err err = OK;
    xmlNode *root = xmlDocGetRootElement(doc);
    struct tree_cursor top = {NULL, root, NULL, faults, &err, ERR_SIGNATURE_PROFILE};
    xmlNode *taken = tree_take(&top, envelope->root, NULL);
    struct tree_cursor in = tree_enter(taken, NULL, faults, &err, ERR_SIGNATURE_PROFILE);
    ret->data = tree_take(&in, envelope->data, id_only);
    take_id(&in, ret->data, RECEIPT_DATA_ID);
    if (!err && !in.next)
        return faults_add(faults, receipt_element_name(EL_SIGNATURES), ERR_SIGNATURE_MISSING, NULL);
    struct tree_cursor block = enter_signed(&in, receipt_element_name(EL_SIGNATURES), NULL);
    struct tree_cursor by = enter_signed(&block, receipt_element_name(EL_SIGNED_BY), NULL);
    by.namespace = DSIG_NAMESPACE;
    ret->signature = tree_take(&by, "Signature", id_only);
    take_id(&by, ret->signature, DSIG_SIGNATURE_ID);
    if (!err && (!ret->signature->nsDef || ret->signature->nsDef->next || ret->signature->nsDef->prefix))
        tree_fail(&by, "Signature", "Khai báo không gian tên khác quy cách.");
    struct tree_cursor signature = tree_enter(ret->signature, DSIG_NAMESPACE, faults, &err, ERR_SIGNATURE_PROFILE);
    read_signature(&signature, ret);
    tree_leave(&by);
    tree_leave(&block);
    tree_leave(&in);
    return err;
}

/* Decodes base64 that is written in the one right way but for line breaks: no second spelling of the same bytes. */
static enum err decode_strict(struct text base64, const char *where, struct buf *out, struct faults *faults)
{
    struct buf again = {0};
    bool same = base64_decode(base64, out) && out->length;
    if (same) {
        base64_encode(out->at, out->length, &again);
        size_t i = 0;
        for (size_t k = 0; same && k < base64.length; k++) {
            char c = base64.at[k];
            if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
                continue;
            same = i < again.length && again.at[i] == c;
            i++;
        }
        same = same && i == again.length;
    }
    buf_done(&again);
    return same ? OK : faults_add(faults, where, ERR_SIGNATURE_PROFILE, "Không phải base64 chuẩn.");
}

static void free_certificate(void *certificate)
{
    X509_free(certificate);
}

static enum err read_certificate(const struct shape *shape, X509 **ret_certificate, struct faults *faults)
{
    struct buf der = {0}, name = {0};
    enum err err = decode_strict(shape->certificate, "X509Certificate", &der, faults);
    if (!err) {
        const unsigned char *at = (const unsigned char *)der.at;
        X509 *certificate = d2i_X509(NULL, &at, (long)der.length);
        ERR_clear_error();
        if (!certificate || at != (const unsigned char *)der.at + der.length) {
            X509_free(certificate);
            err = faults_add(faults, "X509Certificate", ERR_CERTIFICATE, "Không đọc được chứng thư.");
        } else {
            arena_on_done(faults->arena, free_certificate, certificate);
            certificate_name(X509_get_subject_name(certificate), &name);
            if (!text_equal(buf_view(&name), shape->subject))
                err = faults_add(faults, "X509SubjectName", ERR_SIGNATURE_PROFILE,
                                 "Tên chủ thể khác tên trong chứng thư.");
            *ret_certificate = certificate;
        }
    }
    buf_done(&der);
    buf_done(&name);
    return err;
}

static bool add_id(xmlDoc *doc, xmlNode *node)
{
    xmlAttr *attribute = xmlHasProp(node, (const xmlChar *)"Id");
    struct text value = tree_attribute(node, "Id");
    return attribute && value.at && xmlAddID(NULL, doc, (const xmlChar *)value.at, attribute) != NULL;
}

static bool allow_only_profile(xmlSecDSigCtx *context)
{
    context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
    context->flags |= XMLSEC_DSIG_FLAGS_STORE_SIGNATURE;
    return xmlSecDSigCtxEnableReferenceTransform(context, xmlSecTransformInclC14NId) >= 0 &&
           xmlSecDSigCtxEnableReferenceTransform(context, xmlSecTransformEnvelopedId) >= 0 &&
           xmlSecDSigCtxEnableReferenceTransform(context, xmlSecTransformSha256Id) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(context, xmlSecTransformInclC14NId) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(context, xmlSecTransformRsaSha256Id) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(context, xmlSecTransformEcdsaSha256Id) >= 0;
}

static bool references_hold(xmlSecDSigCtx *context)
{
    static const char *const expected[] = {"#" RECEIPT_DATA_ID, "#" DSIG_TIME_ID};
    if (xmlSecPtrListGetSize(&context->signedInfoReferences) != 2)
        return false;
    for (xmlSecSize i = 0; i < 2; i++) {
        xmlSecDSigReferenceCtx *reference = xmlSecPtrListGetItem(&context->signedInfoReferences, i);
        if (!reference || reference->status != xmlSecDSigStatusSucceeded || !reference->uri ||
            strcmp((const char *)reference->uri, expected[i]) != 0)
            return false;
    }
    return true;
}

static enum err check_signature(xmlDoc *doc, const struct shape *shape, X509 *certificate, struct faults *faults)
{
    pthread_once(&library_once, library_start);
    if (!library_ready)
        return faults_add(faults, "", ERR_INTERNAL, NULL);
    if (!add_id(doc, shape->data) || !add_id(doc, shape->signature) || !add_id(doc, shape->object))
        return faults_add(faults, "Id", ERR_SIGNATURE_PROFILE, "Định danh trùng nhau.");
    EVP_PKEY *public_key = X509_get0_pubkey(certificate);
    if (!public_key || !EVP_PKEY_up_ref(public_key))
        return faults_add(faults, "X509Certificate", ERR_CERTIFICATE, NULL);
    xmlSecKeyData *data = xmlSecOpenSSLEvpKeyAdopt(public_key);
    if (!data)
        EVP_PKEY_free(public_key);
    xmlSecKey *key = data ? xmlSecKeyCreate() : NULL;
    xmlSecDSigCtx *context = key ? xmlSecDSigCtxCreate(NULL) : NULL;
    bool held = false;
    if (key && xmlSecKeySetValue(key, data) < 0) {
        xmlSecKeyDataDestroy(data);
    } else if (context && allow_only_profile(context)) {
        context->signKey = key; /* the context owns it now */
        key = NULL;
        held = xmlSecDSigCtxVerify(context, shape->signature) >= 0 && context->status == xmlSecDSigStatusSucceeded &&
               references_hold(context);
    }
    if (context)
        xmlSecDSigCtxDestroy(context);
    if (key)
        xmlSecKeyDestroy(key);
    ERR_clear_error();
    return held ? OK : faults_add(faults, "Signature", ERR_SIGNATURE_BROKEN, NULL);
}

static void describe_signer(X509 *certificate, struct arena *arena, struct receipt_verdict *ret)
{
    struct buf text = {0};
    certificate_name(X509_get_subject_name(certificate), &text);
    ret->signer_subject = arena_text(arena, buf_view(&text));
    buf_clear(&text);
    certificate_name(X509_get_issuer_name(certificate), &text);
    ret->issuer = arena_text(arena, buf_view(&text));
    buf_done(&text);
    ret->signer_name = certificate_attribute(X509_get_subject_name(certificate), NID_commonName, arena);
    ret->signer_tax_code = certificate_tax_code(certificate, arena);
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    ret->serial = arena_text(arena, text_of(hex ? hex : ""));
    OPENSSL_free(hex);
    BN_free(number);
    ret->valid_from = certificate_time(X509_get0_notBefore(certificate));
    ret->valid_until = certificate_time(X509_get0_notAfter(certificate));
}

static enum err check_signer(X509 *certificate, const struct shape *shape, const struct receipt_trust *trust,
                             struct receipt_verdict *verdict, struct faults *faults)
{
    enum signer_key kind;
    if (certificate_key(certificate, &kind))
        return faults_add(faults, "X509Certificate", ERR_CERTIFICATE,
                          "Khóa của chứng thư quá yếu hoặc không được phép ký.");
    if (shape->ecdsa != (kind == SIGNER_ECDSA_P256_SHA256))
        return faults_add(faults, "SignatureMethod", ERR_SIGNATURE_PROFILE, "Thuật toán khác loại khóa.");
    if (!signing_time_parse(shape->signing_time, &verdict->signed_at))
        return faults_add(faults, "SigningTime", ERR_SIGNATURE_PROFILE, "Thời điểm ký không hợp lệ.");
    if (verdict->valid_from == INSTANT_NONE || verdict->signed_at < verdict->valid_from ||
        verdict->signed_at > verdict->valid_until)
        return faults_add(faults, "X509Certificate", ERR_CERTIFICATE, "Chứng thư không có hiệu lực tại thời điểm ký.");
    verdict->chain = trust ? RECEIPT_CHAIN_TRUSTED : RECEIPT_CHAIN_UNCHECKED;
    return trust ? certificate_chain(trust, certificate, verdict->signed_at, faults) : OK;
}

/* The collector signs; when it has delegated the issue, the delegate may sign in its place (NĐ 254/2026 art. 25). */
static enum err check_who(const struct receipt_verdict *verdict, struct faults *faults)
{
    const struct receipt_document *document = &verdict->document;
    struct text signer = verdict->signer_tax_code;
    if (signer.length && text_equal(signer, document->collector.tax_code))
        return OK;
    if (signer.length && text_equal(signer, document->delegate.tax_code))
        return OK;
    return faults_add(faults, "X509SubjectName", ERR_CERTIFICATE, "Mã số thuế của chứng thư khác đơn vị thu.");
}

enum err envelope_verify(const struct envelope *envelope, struct text xml, const struct receipt_trust *trust,
                         struct receipt_verdict *ret_verdict, xmlNode **ret_data, struct faults *faults)
{
    xmlDoc *doc;
    X509 *certificate = NULL;
    struct shape shape = {0};
    struct receipt_verdict verdict = {.signed_at = INSTANT_NONE};
    struct buf bytes = {0};
    enum err err = tree_parse_within(xml, envelope->bytes_max, envelope->nodes_max, &doc, faults);
    if (!err)
        err = read_shape(envelope, doc, &shape, faults);
    const struct {
        struct text base64;
        const char *where;
    } values[] = {{shape.signature_value, "SignatureValue"},
                  {shape.digests[0], "DigestValue"},
                  {shape.digests[1], "DigestValue"}};
    for (size_t i = 0; i < 3 && !err; i++) {
        buf_clear(&bytes);
        err = decode_strict(values[i].base64, values[i].where, &bytes, faults);
    }
    buf_done(&bytes);
    if (!err)
        err = read_certificate(&shape, &certificate, faults);
    if (err)
        return err;
    verdict.algorithm = shape.ecdsa ? "ecdsa-sha256" : "rsa-sha256";
    describe_signer(certificate, faults->arena, &verdict);
    err = check_signature(doc, &shape, certificate, faults);
    if (!err)
        err = check_signer(certificate, &shape, trust, &verdict, faults);
    if (err)
        return err;
    *ret_verdict = verdict;
    *ret_data = shape.data;
    return OK;
}

enum err receipt_verify(struct text xml, const struct receipt_trust *trust, struct receipt_verdict *ret_verdict,
                        struct faults *faults)
{
    xmlNode *data;
    struct receipt_verdict verdict;
    enum err err = envelope_verify(&receipt_envelope, xml, trust, &verdict, &data, faults);
    if (!err)
        err = document_from_tree(data, &verdict.document, faults);
    if (!err)
        err = check_who(&verdict, faults);
    if (err)
        return err;
    verdict.document.signed_at = verdict.signed_at;
    *ret_verdict = verdict;
    return OK;
}
