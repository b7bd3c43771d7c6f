/* lephi receipt verify|sign: for whoever holds a receipt file, and for benches. Needs no database. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/file.h"
#include "receipts/receipts.h"

enum { EXIT_DONE, EXIT_NO, EXIT_USAGE };

static const char usage[] =
    "Usage: lephi receipt verify FILE.xml [--trust FILE.pem]\n"
    "       lephi receipt sign FILE.xml --key FILE|pkcs11:URI --cert FILE\n"
    "\n"
    "verify  says what was signed, by whom and when (JSON); exit 1 and the reason when it does\n"
    "        not hold. Without --trust (or LEPHI_RECEIPTS_TRUST_FILE) the chain is not checked and\n"
    "        the answer says \"chain\": \"unchecked\".\n"
    "sign    signs an unsigned receipt document and prints the signed one. A token's key is named as in RFC 7512,\n"
    "        with module-path; its PIN stands in LEPHI_RECEIPTS_PIN or pin-value.\n"
    "FILE may be - for standard input.\n";

struct options {
    const char *file, *trust, *key, *certificate;
};

static int complain(const char *file, enum err err, const struct faults *faults)
{
    fprintf(stderr, "lephi receipt: %s: %s (%s) %s\n", file, err_info(err)->code, err_info(err)->en, err_info(err)->vi);
    for (size_t i = 0; i < faults->count; i++)
        fprintf(stderr, "  %s: %s: %s\n", faults->list[i].where, err_info(faults->list[i].code)->code,
                faults->list[i].detail);
    return EXIT_NO;
}

static int verify(const struct options *options, struct faults *faults)
{
    struct buf reply = {0};
    struct text xml;
    struct receipt_trust *trust = NULL;
    struct receipt_verdict verdict;
    const char *trust_path = options->trust ? options->trust : getenv("LEPHI_RECEIPTS_TRUST_FILE");
    if (trust_path && !*trust_path)
        trust_path = NULL;
    int status = EXIT_DONE;
    enum err err = trust_path ? receipt_trust_open(trust_path, &trust) : OK;
    if (err) {
        fprintf(stderr, "lephi receipt: %s: %s\n", trust_path,
                err == ERR_CERTIFICATE ? "no self-signed certificate (anchor) in the PEM file" : err_info(err)->en);
        return EXIT_USAGE;
    }
    err = file_read(options->file, RECEIPT_XML_MAX, faults->arena, &xml);
    if (err)
        faults_add(faults, options->file, err, NULL);
    else
        err = receipt_verify(xml, trust, &verdict, faults);
    if (err) {
        status = complain(options->file, err, faults);
    } else {
        struct json json = json_to(&reply);
        receipt_verdict_write(&json, &verdict);
        printf("%s\n", buf_cstr(&reply));
        if (!trust)
            fputs("lephi receipt: the certificate chain was not checked (no --trust)\n", stderr);
    }
    receipt_trust_free(trust);
    buf_done(&reply);
    return status;
}

static int sign(const struct options *options, struct faults *faults)
{
    struct buf canonical = {0}, out = {0};
    struct text xml;
    struct signer *signer = NULL;
    struct receipt_document document;
    int status = EXIT_DONE;
    enum err err = signer_open(options->key, getenv("LEPHI_RECEIPTS_PIN"), options->certificate, &signer, faults);
    if (err) {
        complain(options->key, err, faults);
        return EXIT_USAGE;
    }
    instant_us now = clock_now();
    err = file_read(options->file, RECEIPT_XML_MAX, faults->arena, &xml);
    if (err)
        faults_add(faults, options->file, err, NULL);
    else
        err = receipt_document_normalize(xml, &canonical, faults);
    if (!err)
        err = receipt_document_read(buf_view(&canonical), &document, faults);
    /* The delegate may sign for the collector (NĐ 254/2026 art. 25). */
    if (!err && signer_check(signer, document.collector.tax_code, now) &&
        signer_check(signer, document.delegate.tax_code, now))
        err = faults_add(faults, options->certificate, ERR_CERTIFICATE,
                         "Chứng thư hết hạn, hoặc mã số thuế (UID=MST:…) khác đơn vị thu.");
    if (!err)
        err = receipt_sign(signer, buf_view(&canonical), now, &out);
    if (err)
        status = complain(options->file, err, faults);
    else
        fwrite(out.at, 1, out.length, stdout);
    signer_close(signer);
    buf_done(&canonical);
    buf_done(&out);
    return status;
}

static bool parse_options(int argc, char **argv, struct options *ret)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {{"--trust", &ret->trust}, {"--key", &ret->key}, {"--cert", &ret->certificate}};
    for (int i = 2; i < argc; i++) {
        const char **value = NULL;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (!strcmp(argv[i], known[k].name))
                value = known[k].value;
        if (value) {
            if (++i == argc || *value)
                return false;
            *value = argv[i];
        } else if ((argv[i][0] == '-' && argv[i][1]) || ret->file) {
            return false;
        } else {
            ret->file = argv[i];
        }
    }
    return true;
}

int receipt_command(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
    }
    struct options options = {0};
    bool understood = argc >= 2 && parse_options(argc, argv, &options) && options.file;
    bool verifies = understood && !strcmp(argv[1], "verify") && !options.key && !options.certificate;
    bool signs = understood && !strcmp(argv[1], "sign") && options.key && options.certificate && !options.trust;
    if (!verifies && !signs) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    int status = verifies ? verify(&options, &faults) : sign(&options, &faults);
    arena_done(&arena);
    return status;
}
