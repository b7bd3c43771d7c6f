/* Signing receipts with a key on a PKCS#11 token (SoftHSM), beside the token's own C_Sign in the same run and process.
 * Per second of this thread's CPU time. One JSON object on standard output. */
#include <dlfcn.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/support/receipt_keys.h"
#include "tests/support/receipt_sample.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

enum { ROUNDS = 201, SPAN_MS = 10 }; /* many short pairs: what else is at work hits both halves of one alike */

static CK_FUNCTION_LIST *token;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE object;
static CK_MECHANISM mechanism;
static size_t input_length; /* what C_Sign is given: 900 bytes to digest, or a digest */
static struct signer *signer;
static struct buf unsigned_xml;

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
    fprintf(stderr, "receipts_token_bench: %s\n", what);
    exit(1);
}

static void bare(void)
{
    uint8_t bytes[900] = {1}, signature[SIGNATURE_SIZE_MAX];
    CK_ULONG length = sizeof signature;
    must(token->C_SignInit(session, &mechanism, object) == CKR_OK &&
             token->C_Sign(session, bytes, input_length, signature, &length) == CKR_OK,
         "C_Sign");
}

static void ours(void)
{
    struct buf out = {0};
    must(receipt_sign(signer, buf_view(&unsigned_xml), 1790000000 * SECOND_US, &out) == OK, "receipt_sign");
    buf_done(&out);
}

static double rate(void (*work)(void))
{
    double start = cpu_s(), now = start;
    long times = 0;
    while ((now - start) * 1000 < SPAN_MS) {
        work();
        times++;
        now = cpu_s();
    }
    return (double)times / (now - start);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A session of our own on the same token; the library is the one the signer has opened. */
static void open_session(const char *label)
{
    CK_RV (*list)(CK_FUNCTION_LIST **);
    void *library = dlopen(MODULE, RTLD_NOW);
    must(library != NULL, "no SoftHSM");
    *(void **)&list = dlsym(library, "C_GetFunctionList");
    must(list && list(&token) == CKR_OK, "function list");
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    must(token->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK && count, "slots");
    must(token->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK, "session");
    CK_UTF8CHAR pin[] = {'1', '2', '3', '4'};
    CK_RV login = token->C_Login(session, CKU_USER, pin, sizeof pin);
    must(login == CKR_OK || login == CKR_USER_ALREADY_LOGGED_IN, "login");
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    char name[16];
    snprintf(name, sizeof name, "%s", label);
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, name, strlen(name)}};
    CK_ULONG found = 0;
    must(token->C_FindObjectsInit(session, wanted, 2) == CKR_OK &&
             token->C_FindObjects(session, &object, 1, &found) == CKR_OK && found == 1 &&
             token->C_FindObjectsFinal(session) == CKR_OK,
         "key");
}

static void shell(struct arena *arena, const char *command)
{
    must(!system(arena_printf(arena, "{ %s; } >/dev/null 2>&1", command)), command);
}

static void one_kind(struct arena *arena, struct faults *faults, const struct test_authority *authority,
                     const char *folder, const char *label, enum test_key kind)
{
    const char *key = arena_printf(arena, "%s/%s", folder, label), *certificate = arena_printf(arena, "%s.pem", key);
    struct test_certificate wanted = {kind, "Trung tâm", SAMPLE_TAX_CODE, 1577836800, 7300};
    test_certificate_write(authority, &wanted, key, certificate);
    shell(arena, arena_printf(arena,
                              "openssl pkcs8 -topk8 -nocrypt -in %s -out %s/pkcs8 && softhsm2-util --import %s/pkcs8 "
                              "--token bench --label %s --id 0%d --pin 1234",
                              key, folder, folder, label, (int)kind + 1));
    const char *uri = arena_printf(arena, "pkcs11:token=bench;object=%s?module-path=" MODULE, label);
    must(signer_open(uri, "1234", certificate, &signer, faults) == OK, "signer");
    open_session(label);
    mechanism.mechanism = kind == TEST_KEY_P256 ? CKM_ECDSA : CKM_SHA256_RSA_PKCS;
    input_length = kind == TEST_KEY_P256 ? SHA256_SIZE : 900;
    double bare_rates[ROUNDS], our_rates[ROUNDS], ratios[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        bare_rates[i] = rate(bare);
        our_rates[i] = rate(ours);
        ratios[i] = our_rates[i] / bare_rates[i];
    }
    qsort(bare_rates, ROUNDS, sizeof *bare_rates, by_value);
    qsort(our_rates, ROUNDS, sizeof *our_rates, by_value);
    qsort(ratios, ROUNDS, sizeof *ratios, by_value);
    printf(", \"%s_c_sign_per_s\": %.0f, \"%s_sign_per_s\": %.0f, \"%s_ratio\": %.2f", label, bare_rates[ROUNDS / 2],
           label, our_rates[ROUNDS / 2], label, ratios[ROUNDS / 2]);
    token->C_CloseSession(session);
    signer_close(signer);
}

int main(void)
{
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    char *folder = test_folder_new();
    struct receipt_document document = receipt_sample();
    must(receipt_document_write(&document, &unsigned_xml, &faults) == OK, "document");
    setenv("SOFTHSM2_CONF", arena_printf(&arena, "%s/softhsm2.conf", folder), 1);
    shell(&arena, arena_printf(&arena,
                               "mkdir %s/tokens; printf 'directories.tokendir = %s/tokens\\nobjectstore.backend = "
                               "file\\nlog.level = ERROR\\n' >%s/softhsm2.conf; softhsm2-util --init-token --free "
                               "--label bench --so-pin 9876 --pin 1234",
                               folder, folder, folder));
    struct test_authority *authority = test_authority_new("CA");
    printf("{\"bench\": \"receipts_token\"");
    one_kind(&arena, &faults, authority, folder, "rsa", TEST_KEY_RSA_2048);
    one_kind(&arena, &faults, authority, folder, "p256", TEST_KEY_P256);
    printf("}\n");
    test_authority_free(authority);
    shell(&arena, arena_printf(&arena, "rm -rf %s/tokens", folder));
    test_folder_remove(folder);
    buf_done(&unsigned_xml);
    arena_done(&arena);
    return 0;
}
