/* XMLDSig over bytes that are canonical already: digest, fill in SignedInfo, sign, write.
 *
 * Canonical form of a part (inclusive C14N 1.0, W3C REC 15 March 2001 §2.3): its own bytes, and on its top element the
 * namespace declarations in scope. The data element has none; SignedInfo and Object inherit the signature's default. */
#include <stdio.h>
#include <string.h>
#include "receipts/envelope.h"
#include "receipts/profile.h"
#include "receipts/signer.h"

#define EMPTY(name, algorithm) "<" name " Algorithm=\"" algorithm "\"></" name ">"

static struct text data_bytes(const struct envelope *envelope, struct text document)
{
    char head[96], tail[96];
    const char *root = envelope->root, *data = envelope->data;
    snprintf(head, sizeof head, "<%s><%s Id=\"" RECEIPT_DATA_ID "\">", root, data);
    snprintf(tail, sizeof tail, "</%s></%s>", data, root);
    if (document.length > envelope->bytes_max || !text_starts(document, head) || !text_ends(document, tail))
        return TEXT_NONE;
    size_t before = strlen(root) + 2, after = strlen(root) + 3;
    return text_slice(document, before, document.length - before - after);
}

static void put_digest(struct buf *out, struct text bytes)
{
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(bytes, digest);
    base64_encode(digest, sizeof digest, out);
}

/* Everything inside SignedInfo. */
static void put_signed_info(struct buf *out, const struct signer *signer, struct text data, struct text object)
{
    buf_string(out, EMPTY("CanonicalizationMethod", DSIG_C14N));
    buf_string(out, signer->key == SIGNER_RSA_SHA256 ? EMPTY("SignatureMethod", DSIG_RSA_SHA256)
                                                     : EMPTY("SignatureMethod", DSIG_ECDSA_SHA256));
    buf_string(out, "<Reference URI=\"#" RECEIPT_DATA_ID "\"><Transforms>" EMPTY("Transform", DSIG_ENVELOPED) EMPTY(
                        "Transform", DSIG_C14N) "</Transforms>" EMPTY("DigestMethod", DSIG_SHA256) "<DigestValue>");
    put_digest(out, data);
    buf_string(out, "</DigestValue></Reference><Reference URI=\"#" DSIG_TIME_ID "\"><Transforms>" EMPTY(
                        "Transform", DSIG_C14N) "</Transforms>" EMPTY("DigestMethod", DSIG_SHA256) "<DigestValue>");
    put_digest(out, object);
    buf_string(out, "</DigestValue></Reference>");
}

/* The canonical Object that is digested; returns where the part begins that stands in the file after "<Object". */
static size_t put_object(struct buf *object, instant_us signing_time)
{
    static const char head[] = "<Object xmlns=\"" DSIG_NAMESPACE "\"";
    struct civil t = civil_of(signing_time);
    buf_room(object, 512);
    buf_string(object, head);
    buf_printf(object,
               " Id=\"" DSIG_TIME_ID "\"><SignatureProperties><SignatureProperty Target=\"#" DSIG_SIGNATURE_ID
               "\"><SigningTime>%04d-%02d-%02dT%02d:%02d:%02d</SigningTime></SignatureProperty></SignatureProperties>"
               "</Object>",
               t.year, t.month, t.day, t.hour, t.minute, t.second);
    return sizeof head - 1;
}

static void put_key_info(struct buf *out, const struct signer *signer)
{
    buf_string(out, "<KeyInfo><X509Data><X509SubjectName>");
    for (size_t i = 0; i < signer->subject.length; i++) {
        char c = signer->subject.at[i];
        if (c == '&')
            buf_string(out, "&amp;");
        else if (c == '<')
            buf_string(out, "&lt;");
        else if (c == '>')
            buf_string(out, "&gt;");
        else
            buf_char(out, c);
    }
    buf_string(out, "</X509SubjectName><X509Certificate>");
    buf_text(out, signer->certificate);
    buf_string(out, "</X509Certificate></X509Data></KeyInfo>");
}

/* The canonical SignedInfo that is signed; returns where its content begins. */
static size_t put_info(struct buf *info, const struct signer *signer, struct text data, struct text object)
{
    buf_room(info, 1536);
    buf_string(info, "<SignedInfo xmlns=\"" DSIG_NAMESPACE "\">");
    size_t head = info->length;
    put_signed_info(info, signer, data, object);
    buf_string(info, "</SignedInfo>");
    return head;
}

enum err envelope_sign(const struct envelope *envelope, const struct signer *signer, struct text unsigned_xml,
                       instant_us signing_time, struct buf *out)
{
    struct text data = data_bytes(envelope, unsigned_xml);
    if (!data.length)
        return ERR_SIGNATURE_PROFILE;
    struct buf info = {0}, object = {0};
    size_t object_head = put_object(&object, signing_time);
    size_t info_head = put_info(&info, signer, data, buf_view(&object));

    uint8_t signature[SIGNATURE_SIZE_MAX];
    size_t length;
    enum err err = signer->sign(signer, buf_view(&info), signature, &length);
    if (!err) {
        const char *root = envelope->root, *signatures = receipt_element_name(EL_SIGNATURES),
                   *by = receipt_element_name(EL_SIGNED_BY);
        buf_room(out, unsigned_xml.length + info.length + signer->certificate.length + 2048);
        buf_printf(out, "<%s>", root);
        buf_text(out, data);
        buf_printf(out, "<%s><%s><Signature xmlns=\"" DSIG_NAMESPACE "\" Id=\"" DSIG_SIGNATURE_ID "\"><SignedInfo>",
                   signatures, by);
        buf_text(out, text_slice(buf_view(&info), info_head, info.length));
        buf_string(out, "<SignatureValue>");
        base64_encode(signature, length, out);
        buf_string(out, "</SignatureValue>");
        put_key_info(out, signer);
        buf_string(out, "<Object");
        buf_text(out, text_slice(buf_view(&object), object_head, object.length));
        buf_printf(out, "</Signature></%s></%s></%s>", by, signatures, root);
    }
    buf_done(&info);
    buf_done(&object);
    return err;
}

enum err receipt_sign_check(const struct signer *signer, struct text unsigned_xml, instant_us signing_time,
                            struct text signed_xml)
{
    static const char value_start[] = "<SignatureValue>", value_end[] = "</SignatureValue>";
    struct text data = data_bytes(&receipt_envelope, unsigned_xml);
    struct buf info = {0}, object = {0}, signature = {0};
    size_t object_head = put_object(&object, signing_time), before = strlen(receipt_envelope.root) + 2;
    size_t head = put_info(&info, signer, data, buf_view(&object));
    /* "<BienLai>" data … "<SignedInfo>" what was signed "<SignatureValue>" … "<Object" the time */
    size_t at = text_find(signed_xml, TEXT("<SignedInfo>")) + strlen("<SignedInfo>");
    struct text rest = text_slice(signed_xml, at, signed_xml.length);
    struct text told = text_slice(rest, 0, info.length - head);
    struct text value = text_slice(rest, info.length - head + strlen(value_start), rest.length);
    value.length = text_find(value, text_of(value_end));
    bool holds = data.length && text_equal(text_slice(signed_xml, before, data.length), data) &&
                 text_equal(told, text_slice(buf_view(&info), head, info.length)) &&
                 text_find(rest, text_slice(buf_view(&object), object_head, object.length)) < rest.length &&
                 base64_decode(value, &signature) &&
                 signer_holds(signer, buf_view(&info), (const uint8_t *)signature.at, signature.length);
    buf_done(&info);
    buf_done(&object);
    buf_done(&signature);
    return holds ? OK : ERR_SIGNATURE_BROKEN;
}

enum err receipt_sign(const struct signer *signer, struct text unsigned_xml, instant_us signing_time, struct buf *out)
{
    return envelope_sign(&receipt_envelope, signer, unsigned_xml, signing_time, out);
}
