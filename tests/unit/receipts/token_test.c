/* Keys on a token: SoftHSM in a folder of its own, keys imported from files so that the certificate is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/receipt_keys.h"
#include "tests/support/receipt_sample.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

static struct arena arena;
static struct faults faults;
static char *folder;

static int run(const char *format, ...) PRINTF(1, 2);
static int run(const char *format, ...)
{
    char command[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return system(command);
}

static const char *in_folder(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static int set_up_all(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    folder = test_folder_new();
    FILE *file = fopen(in_folder("softhsm2.conf"), "w");
    assert_non_null(file);
    fprintf(file, "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", folder);
    fclose(file);
    setenv("SOFTHSM2_CONF", in_folder("softhsm2.conf"), 1);
    assert_int_equal(run("mkdir %s/tokens && softhsm2-util --init-token --free --label 'receipts test' --so-pin 9876 "
                         "--pin 1234 >/dev/null 2>&1",
                         folder),
                     0);
    static const struct {
        const char *name;
        enum test_key kind;
    } keys[] = {{"rsa", TEST_KEY_RSA_2048}, {"p256", TEST_KEY_P256}};
    struct test_authority *authority = test_authority_new("CA");
    for (int i = 0; i < 2; i++) {
        struct test_certificate wanted = {keys[i].kind, "Trung tâm", SAMPLE_TAX_CODE, 1577836800, 7300};
        test_certificate_write(authority, &wanted, in_folder(keys[i].name),
                               in_folder(arena_printf(&arena, "%s.pem", keys[i].name)));
        assert_int_equal(
            run("openssl pkcs8 -topk8 -nocrypt -in %s/%s -out %s/pkcs8 2>/dev/null && softhsm2-util --import "
                "%s/pkcs8 --token 'receipts test' --label %s --id 0%d --pin 1234 >/dev/null 2>&1",
                folder, keys[i].name, folder, folder, keys[i].name, i + 1),
            0);
    }
    test_authority_free(authority);
    return 0;
}

static int tear_down_all(void **state)
{
    run("rm -rf %s/tokens", folder);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}

static struct signer *open_token(const char *uri, const char *pin, const char *certificate)
{
    struct signer *signer = NULL;
    return signer_open(uri, pin, in_folder(certificate), &signer, &faults) ? NULL : signer;
}

static bool signs(const struct signer *signer)
{
    struct arena mine;
    struct faults found;
    struct receipt_verdict verdict;
    struct receipt_document document = receipt_sample();
    struct buf xml = {0}, out = {0};
    arena_init(&mine);
    faults_init(&found, &mine);
    bool good = receipt_document_write(&document, &xml, &found) == OK &&
                receipt_sign(signer, buf_view(&xml), 1790000000 * SECOND_US, &out) == OK &&
                receipt_verify(buf_view(&out), NULL, &verdict, &found) == OK;
    buf_done(&xml);
    buf_done(&out);
    arena_done(&mine);
    return good;
}

static void a_token_signs_like_a_file(void **state)
{
    static const char *const uris[] = {
        "pkcs11:token=receipts%20test;object=rsa;type=private?module-path=" MODULE "&pin-value=1234",
        "pkcs11:token=receipts%20test;id=%02?module-path=" MODULE,
    };
    static const char *const certificates[] = {"rsa.pem", "p256.pem"};
    for (int i = 0; i < 2; i++) {
        struct signer *signer = open_token(uris[i], "1234", certificates[i]);
        assert_non_null(signer);
        assert_true(text_is(signer->tax_code, SAMPLE_TAX_CODE));
        assert_true(signs(signer));
        signer_close(signer);
    }
}

struct crowd {
    const struct signer *signer;
    bool good;
};

static void *sign_often(void *with)
{
    struct crowd *crowd = with;
    crowd->good = true;
    for (int i = 0; i < 5; i++)
        crowd->good = signs(crowd->signer) && crowd->good;
    return NULL;
}

static void more_threads_than_sessions_wait_their_turn(void **state)
{
    struct signer *signer =
        open_token("pkcs11:token=receipts%20test;object=p256?module-path=" MODULE, "1234", "p256.pem");
    assert_non_null(signer);
    pthread_t threads[20];
    struct crowd crowd[20];
    for (int i = 0; i < 20; i++) {
        crowd[i].signer = signer;
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, &crowd[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        pthread_join(threads[i], NULL);
        assert_true(crowd[i].good);
    }
    signer_close(signer);
}

static void what_is_wrong_with_a_token_is_said_at_once(void **state)
{
    static const struct {
        const char *uri, *certificate;
    } wrong[] = {
        {"pkcs11:token=receipts%20test;object=none?module-path=" MODULE, "p256.pem"},
        {"pkcs11:token=another;object=p256?module-path=" MODULE, "p256.pem"},
        {"pkcs11:token=receipts%20test;object=p256?module-path=/nowhere.so", "p256.pem"},
        {"pkcs11:token=receipts%20test;object=p256", "p256.pem"},
        {"pkcs11:token=receipts%2;object=p256?module-path=" MODULE, "p256.pem"},
        {"pkcs11:", "p256.pem"},
        {"pkcs11:token=receipts%20test;object=p256?module-path=" MODULE, "rsa.pem"},
        {"pkcs11:token=receipts%20test;object=p256?module-path=" MODULE, "absent.pem"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_null(open_token(wrong[i].uri, "1234", wrong[i].certificate));
    assert_null(open_token("pkcs11:token=receipts%20test;object=p256?module-path=" MODULE, "4321", "p256.pem"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_signs_like_a_file),
        cmocka_unit_test(more_threads_than_sessions_wait_their_turn),
        cmocka_unit_test(what_is_wrong_with_a_token_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
