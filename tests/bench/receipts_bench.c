/* Receipts on one thread, beside their limits in the same run: the bare private-key operation, and libxmlsec1 signing a
 * parsed template. Figures are per second of this thread's CPU time. One JSON object on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <xmlsec/crypto.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include "receipts/profile.h"
#include "tests/support/receipt_keys.h"
#include "tests/support/receipt_sample.h"

enum { ROUNDS = 3, SPAN_MS = 400, CASES_MAX = 16 };

static struct signer *signer;
static struct buf unsigned_xml, signed_xml;
static char key_path[300], certificate_path[300];
static EVP_PKEY *key;
static xmlSecKey *shared; /* the library's form of the same key and certificate */
static struct receipt_document document;
static struct receipt_verdict verdict;

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool worked, const char *what)
{
    if (worked)
        return;
    fprintf(stderr, "receipts_bench: %s\n", what);
    exit(1);
}

static void bare_key(void)
{
    uint8_t bytes[900] = {0}, signature[512];
    size_t length = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
             EVP_DigestSign(context, signature, &length, bytes, sizeof bytes) == 1,
         "bare signature");
    EVP_MD_CTX_free(context);
}

static void our_sign(void)
{
    struct buf out = {0};
    must(receipt_sign(signer, buf_view(&unsigned_xml), 1700000000 * SECOND_US, &out) == OK, "receipt_sign");
    buf_done(&out);
}

/* What a program without its own canonical bytes does: parse, build the template, let the library sign, dump. */
static void library_sign(void)
{
    xmlDoc *doc = xmlReadMemory(unsigned_xml.at, (int)unsigned_xml.length, NULL, NULL, XML_PARSE_NONET);
    xmlNode *root = xmlDocGetRootElement(doc);
    xmlAttr *id = xmlHasProp(root->children, (const xmlChar *)"Id");
    xmlAddID(NULL, doc, (const xmlChar *)RECEIPT_DATA_ID, id);
    bool rsa = signer->key == SIGNER_RSA_SHA256;
    xmlNode *signature = xmlSecTmplSignatureCreate(
        doc, xmlSecTransformInclC14NId, rsa ? xmlSecTransformRsaSha256Id : xmlSecTransformEcdsaSha256Id, NULL);
    xmlAddChild(root, signature);
    xmlNode *reference = xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, NULL,
                                                         (const xmlChar *)"#" RECEIPT_DATA_ID, NULL);
    xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId);
    xmlSecTmplReferenceAddTransform(reference, xmlSecTransformInclC14NId);
    xmlSecTmplKeyInfoAddX509Data(xmlSecTmplSignatureEnsureKeyInfo(signature, NULL));
    if (!shared) {
        shared = xmlSecCryptoAppKeyLoad(key_path, xmlSecKeyDataFormatPem, NULL, NULL, NULL);
        must(shared && xmlSecCryptoAppKeyCertLoad(shared, certificate_path, xmlSecKeyDataFormatPem) >= 0, "key");
    }
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    context->signKey = xmlSecKeyDuplicate(shared);
    must(xmlSecDSigCtxSign(context, signature) >= 0, "library signature");
    xmlChar *bytes;
    int length;
    xmlDocDumpMemory(doc, &bytes, &length);
    xmlFree(bytes);
    xmlSecDSigCtxDestroy(context);
    xmlFreeDoc(doc);
}

static void our_verify(void)
{
    struct arena arena;
    struct faults faults;
    struct receipt_verdict told;
    arena_init(&arena);
    faults_init(&faults, &arena);
    must(receipt_verify(buf_view(&signed_xml), NULL, &told, &faults) == OK, "receipt_verify");
    arena_done(&arena);
}

static void our_write(void)
{
    struct arena arena;
    struct faults faults;
    struct buf out = {0};
    arena_init(&arena);
    faults_init(&faults, &arena);
    must(receipt_document_write(&document, &out, &faults) == OK, "receipt_document_write");
    buf_done(&out);
    arena_done(&arena);
}

static void our_pdf(void)
{
    struct buf out = {0};
    must(receipt_pdf(&verdict, buf_view(&signed_xml), "https://lephi.example/r/q1w2e3r4t5y6u7i8o9p0Aa", RECEIPT_A4,
                     &out) == OK,
         "PDF");
    buf_done(&out);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double rate(void (*work)(void))
{
    double rates[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_s(), now = start;
        long times = 0;
        while ((now - start) * 1000 < SPAN_MS) {
            work();
            times++;
            now = cpu_s();
        }
        rates[round] = (double)times / (now - start);
    }
    qsort(rates, ROUNDS, sizeof *rates, by_value);
    return rates[ROUNDS / 2];
}

static void prepare(const struct test_authority *authority, enum test_key kind, struct faults *faults)
{
    struct test_certificate wanted = {kind, "Trung tâm", SAMPLE_TAX_CODE, 1577836800, 7300};
    test_certificate_write(authority, &wanted, key_path, certificate_path);
    signer_close(signer);
    must(signer_open_files(key_path, certificate_path, &signer, faults) == OK, "signer");
    FILE *file = fopen(key_path, "r");
    EVP_PKEY_free(key);
    key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    must(key != NULL, "key");
    fclose(file);
    if (shared)
        xmlSecKeyDestroy(shared);
    shared = NULL;
    buf_clear(&signed_xml);
    must(receipt_sign(signer, buf_view(&unsigned_xml), 1790000000 * SECOND_US, &signed_xml) == OK, "signing");
    must(receipt_verify(buf_view(&signed_xml), NULL, &verdict, faults) == OK, "verifying"); /* starts the library too */
}

int main(void)
{
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    char *folder = test_folder_new();
    snprintf(key_path, sizeof key_path, "%s/key", folder);
    snprintf(certificate_path, sizeof certificate_path, "%s/cert", folder);
    struct test_authority *authority = test_authority_new("CA");
    document = receipt_sample();
    must(receipt_document_write(&document, &unsigned_xml, &faults) == OK, "document");
    printf("{\"bench\": \"receipts\", \"unsigned_bytes\": %zu", unsigned_xml.length);
    static const struct {
        const char *name;
        enum test_key kind;
    } kinds[] = {{"rsa", TEST_KEY_RSA_2048}, {"p256", TEST_KEY_P256}};
    for (int i = 0; i < 2; i++) {
        prepare(authority, kinds[i].kind, &faults);
        double bare = rate(bare_key), sign = rate(our_sign), library = rate(library_sign), check = rate(our_verify);
        printf(", \"%s_bare_per_s\": %.0f, \"%s_sign_per_s\": %.0f, \"%s_sign_to_bare\": %.2f, \"%s_sign_to_xmlsec\": "
               "%.2f, "
               "\"%s_verify_per_s\": %.0f",
               kinds[i].name, bare, kinds[i].name, sign, kinds[i].name, sign / bare, kinds[i].name, sign / library,
               kinds[i].name, check);
    }
    printf(", \"write_per_s\": %.0f", rate(our_write));
    struct buf pdf = {0};
    must(receipt_pdf(&verdict, buf_view(&signed_xml), "https://lephi.example/r/q1w2e3r4t5y6u7i8o9p0Aa", RECEIPT_A4,
                     &pdf) == OK,
         "PDF");
    printf(", \"pdf_per_s\": %.0f, \"pdf_bytes\": %zu}\n", rate(our_pdf), pdf.length);
    buf_done(&pdf);
    buf_done(&unsigned_xml);
    buf_done(&signed_xml);
    signer_close(signer);
    EVP_PKEY_free(key);
    test_authority_free(authority);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}
