/* lephi receipt verify|sign|check-proof|check-log: for whoever holds a receipt file, and for benches. Needs no
 * database. */
#include "receipts/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/file.h"

static const char usage[] =
    "Usage: lephi receipt verify FILE.xml [--timestamp FILE.tsr] [--trust FILE.pem]\n"
    "       lephi receipt show FILE.xml\n"
    "       lephi receipt sign FILE.xml --key FILE|pkcs11:URI --cert FILE\n"
    "       lephi receipt prove ID|COLLECTOR/FORM/SYMBOL/NUMBER [--size N]\n"
    "       lephi receipt check-proof PROOF.json [--receipt FILE.xml] [--head HEAD.json] [--trust FILE.pem]\n"
    "       lephi receipt check-log OLD-HEAD.json NEW-HEAD.json PROOF.json [--trust FILE.pem]\n"
    "\n"
    "verify       says what was signed, by whom and when (JSON, then plain words on stderr); exit 1 and the reason\n"
    "             when it does not hold. Without --trust (or LEPHI_RECEIPTS_TRUST_FILE) the chain is not checked and\n"
    "             the answer says \"chain\": \"unchecked\". --timestamp also checks an RFC 3161 time stamp of the "
    "file.\n"
    "show         says what a file is and what stands in it, without judging its signature: a receipt, or an old one\n"
    "             of before July 2026 (01BLP, 02BLP).\n"
    "sign         signs an unsigned receipt document and prints the signed one. A token's key is named as in RFC "
    "7512,\n"
    "             with module-path; its PIN stands in LEPHI_RECEIPTS_PIN or pin-value.\n"
    "prove        prints where a receipt and every change of its status stand in the transparency log, with the proof\n"
    "             (JSON); asks the database.\n"
    "check-proof  checks such a proof alone: the entries, this file, the root, the signed head inside or of --head.\n"
    "check-log    checks that the log of the old head is the beginning of that of the new one: nothing was removed,\n"
    "             changed or put in between. PROOF is the answer of /v1/receipt-log/consistency?first=&second=.\n"
    "FILE may be - for standard input.\n";

int command_complain(const char *what, enum err err, const struct faults *faults)
{
    fprintf(stderr, "lephi receipt: %s: %s (%s) %s\n", what, err_info(err)->code, err_info(err)->en, err_info(err)->vi);
    for (size_t i = 0; i < faults->count; i++)
        fprintf(stderr, "  %s: %s: %s\n", faults->list[i].where, err_info(faults->list[i].code)->code,
                faults->list[i].detail);
    return COMMAND_NO;
}

static void print_old(const struct receipt_old *old)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    receipt_old_write(&json, old);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
}

static int show(const struct command_options *options, struct faults *faults)
{
    struct text xml;
    struct receipt_old old;
    struct receipt_document document;
    struct faults quiet;
    struct buf out = {0};
    faults_init(&quiet, faults->arena);
    enum err err = file_read(options->files[0], RECEIPT_XML_MAX, faults->arena, &xml);
    if (err)
        faults_add(faults, options->files[0], err, NULL);
    else if (!receipt_old_read(xml, &old, &quiet)) {
        print_old(&old);
        return COMMAND_DONE;
    } else
        err = receipt_document_read(xml, &document, faults);
    if (err)
        return command_complain(options->files[0], err, faults);
    struct json json = json_to(&out);
    json_put_object(&json, NULL);
    json_put_string(&json, "kind", "receipt");
    json_put_bool(&json, "signed", document.signed_at != INSTANT_NONE);
    receipt_document_json(&json, "receipt", &document);
    json_put_end(&json);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
    return COMMAND_DONE;
}

static int verify(const struct command_options *options, struct faults *faults)
{
    struct buf reply = {0}, words = {0};
    struct text xml, stamp;
    struct receipt_verdict verdict;
    enum err err = file_read(options->files[0], RECEIPT_XML_MAX, faults->arena, &xml);
    if (err)
        faults_add(faults, options->files[0], err, NULL);
    else
        err = receipt_verify(xml, options->anchors, &verdict, faults);
    if (!err && options->stamp) {
        err = file_read(options->stamp, RECEIPT_XML_MAX, faults->arena, &stamp);
        err = err ? faults_add(faults, options->stamp, err, NULL)
                  : receipt_stamp_check(xml, stamp, options->anchors, &verdict, faults);
    }
    struct faults quiet;
    struct receipt_old old;
    faults_init(&quiet, faults->arena);
    if (err && err != ERR_NOT_FOUND && err != ERR_IO && !receipt_old_read(xml, &old, &quiet)) {
        print_old(&old);
        fputs("lephi receipt: an old receipt (NĐ 123/2020); its signature is not judged here\n", stderr);
        return COMMAND_NO;
    }
    if (err)
        return command_complain(options->files[0], err, faults);
    struct json json = json_to(&reply);
    receipt_verdict_write(&json, &verdict);
    printf("%s\n", buf_cstr(&reply));
    receipt_verdict_words(&verdict, &words);
    fputs(buf_cstr(&words), stderr);
    if (!options->anchors)
        fputs("lephi receipt: the certificate chain was not checked (no --trust)\n", stderr);
    buf_done(&reply);
    buf_done(&words);
    return COMMAND_DONE;
}

static int sign(const struct command_options *options, struct faults *faults)
{
    struct buf canonical = {0}, out = {0};
    struct text xml;
    struct signer *signer = NULL;
    struct receipt_document document;
    int status = COMMAND_DONE;
    enum err err = signer_open(options->key, getenv("LEPHI_RECEIPTS_PIN"), options->certificate, &signer, faults);
    if (err) {
        command_complain(options->key, err, faults);
        return COMMAND_USAGE;
    }
    instant_us now = clock_now();
    err = file_read(options->files[0], RECEIPT_XML_MAX, faults->arena, &xml);
    if (err)
        faults_add(faults, options->files[0], err, NULL);
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
        status = command_complain(options->files[0], err, faults);
    else
        fwrite(out.at, 1, out.length, stdout);
    signer_close(signer);
    buf_done(&canonical);
    buf_done(&out);
    return status;
}

static bool parse_options(int argc, char **argv, struct command_options *ret)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {{"--trust", &ret->trust},     {"--key", &ret->key},   {"--cert", &ret->certificate},
                 {"--receipt", &ret->receipt}, {"--head", &ret->head}, {"--timestamp", &ret->stamp}};
    for (int i = 2; i < argc; i++) {
        const char **value = NULL;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (!strcmp(argv[i], known[k].name))
                value = known[k].value;
        if (value) {
            if (++i == argc || *value)
                return false;
            *value = argv[i];
        } else if ((argv[i][0] == '-' && argv[i][1]) || ret->file_count == COMMAND_FILES_MAX) {
            return false;
        } else {
            ret->files[ret->file_count++] = argv[i];
        }
    }
    return true;
}

/* Which options go with which word; `needs` must be there. */
enum { TRUST = 1, KEY = 2, RECEIPT = 4, STAMP = 8 };
static const struct word {
    const char *name;
    int files, takes, needs;
    int (*run)(const struct command_options *options, struct faults *faults);
} words[] = {{"show", 1, 0, 0, show},
             {"verify", 1, TRUST | STAMP, 0, verify},
             {"sign", 1, KEY, KEY, sign},
             {"check-proof", 1, TRUST | RECEIPT, 0, command_check_proof},
             {"check-log", 3, TRUST, 0, command_check_log}};

static const struct word *find_word(int argc, char **argv, const struct command_options *options)
{
    int given = (options->trust ? TRUST : 0) | (options->key && options->certificate ? KEY : 0) |
                (options->receipt || options->head ? RECEIPT : 0) | (options->stamp ? STAMP : 0);
    if (!options->key != !options->certificate)
        return NULL;
    for (size_t i = 0; argc >= 2 && i < sizeof words / sizeof *words; i++)
        if (!strcmp(argv[1], words[i].name) && options->file_count == words[i].files && !(given & ~words[i].takes) &&
            (given & words[i].needs) == words[i].needs)
            return &words[i];
    return NULL;
}

static int run_word(const struct word *word, struct command_options *options, struct faults *faults)
{
    const char *trust_path = options->trust ? options->trust : getenv("LEPHI_RECEIPTS_TRUST_FILE");
    enum err err = OK;
    if ((word->takes & TRUST) && trust_path && *trust_path)
        err = receipt_trust_open(trust_path, &options->anchors);
    if (err) {
        fprintf(stderr, "lephi receipt: %s: %s\n", trust_path,
                err == ERR_CERTIFICATE ? "no self-signed certificate (anchor) in the PEM file" : err_info(err)->en);
        return COMMAND_USAGE;
    }
    int status = word->run(options, faults);
    receipt_trust_free(options->anchors);
    return status;
}

int receipt_command(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            return COMMAND_DONE;
        }
    }
    struct command_options options = {0};
    const struct word *word = parse_options(argc, argv, &options) ? find_word(argc, argv, &options) : NULL;
    if (!word) {
        fputs(usage, stderr);
        return COMMAND_USAGE;
    }
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    int status = run_word(word, &options, &faults);
    arena_done(&arena);
    return status;
}
