/* A time-stamping authority (RFC 3161), played by the openssl command: POST /tsa takes a TimeStampReq and answers a
 * TimeStampResp; GET /tsa/root.pem is its root certificate. Told to be down (POST /tsa/down, /tsa/up) it answers 503.
 */
#include "tests/sandbox/sandbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/base/file.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool down;

static const char configuration[] =
    "[tsa]\ndefault_tsa = own\n[own]\nserial = ./serial\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n"
    "digests = sha256, sha384, sha512\naccuracy = secs:1\nordering = no\ntsa_name = yes\ness_cert_id_chain = no\n"
    "ess_cert_id_alg = sha256\n"
    "[ext]\nextendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\n";

/* Root, then the authority's own certificate under it. */
static const char make_keys[] =
    "mkdir -p tsa && cd tsa && { [ -f signer.pem ] || { cat >conf && "
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3650 -subj '/CN=TSA root' && "
    "openssl req -newkey rsa:2048 -nodes -keyout signer.key -out signer.csr -subj '/CN=Sandbox TSA' && "
    "openssl x509 -req -in signer.csr -CA root.pem -CAkey root.key -CAcreateserial -days 3650 -extfile conf "
    "-extensions ext -out signer.pem; }; } 2>/dev/null";
static const char reply[] =
    "cd tsa && openssl ts -reply -config conf -queryfile query -signer signer.pem -inkey signer.key -out reply "
    "2>/dev/null";

static bool run(const char *folder, const char *script, const char *input)
{
    struct arena arena;
    arena_init(&arena);
    FILE *shell = popen(arena_printf(&arena, "cd '%s' && %s", folder, script), "w");
    if (shell && input)
        fputs(input, shell);
    bool done = shell && !pclose(shell);
    arena_done(&arena);
    return done;
}

static const char *in_folder(struct visit *visit, const char *name)
{
    return arena_printf(&visit->arena, "%s/tsa/%s", visit->sandbox->folder, name);
}

static void give(struct visit *visit, const char *name, const char *type)
{
    struct text bytes;
    if (file_read(in_folder(visit, name), 1 << 20, &visit->arena, &bytes)) {
        visit_refuse(visit, 500, "tsa", "openssl made no answer");
        return;
    }
    visit->content_type = type;
    buf_text(&visit->reply, bytes);
}

static void stamp(struct visit *visit)
{
    if (atomic_load(&down)) {
        visit_refuse(visit, 503, "tsa_down", "told to be down");
        return;
    }
    pthread_mutex_lock(&lock);
    if (run(visit->sandbox->folder, make_keys, configuration) &&
        !file_write(in_folder(visit, "query"), buf_view(&visit->body), 0600) &&
        run(visit->sandbox->folder, reply, NULL))
        give(visit, "reply", "application/timestamp-reply");
    else
        visit_refuse(visit, 400, "tsa", "no TimeStampReq");
    pthread_mutex_unlock(&lock);
}

static void root(struct visit *visit)
{
    pthread_mutex_lock(&lock);
    if (run(visit->sandbox->folder, make_keys, configuration))
        give(visit, "root.pem", "application/x-pem-file");
    else
        visit_refuse(visit, 500, "tsa", "openssl made no keys");
    pthread_mutex_unlock(&lock);
}

static void go_down(struct visit *visit)
{
    atomic_store(&down, true);
}

static void come_up(struct visit *visit)
{
    atomic_store(&down, false);
}

const struct road tsa_roads[] = {{"POST", "/tsa", stamp},
                                 {"GET", "/tsa/root.pem", root},
                                 {"POST", "/tsa/down", go_down},
                                 {"POST", "/tsa/up", come_up},
                                 {0}};
