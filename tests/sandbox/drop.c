/* Where the bank puts statement files: a folder behind HTTPS with a password, as a web server's page of links.
 *
 *   GET  /drop                         where it is and how to get in
 *   POST /drop/statement?name=&account=&date=&format=   puts a day's statement there
 *   POST /drop/put?name=[&append=1]    puts these bytes there
 *   POST /drop/link?href=              a further link on the page, as it stands: for hostile names
 *   POST /drop/half                    the next file breaks off in its middle */
#include "tests/sandbox/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/base/file.h"
#include "core/base/memory.h"

enum { FILE_MAX = 64 << 20, PEM_MAX = 16 * 1024, LINKS_MAX = 16, YEAR_S = 365 * 86400 };

static const char drop_user[] = "lephi", drop_password[] = "sao-ke", place[] = "/statements/";

struct drop {
    struct MHD_Daemon *daemon;
    struct arena arena;
    const char *folder, *certificate;
    struct text key_pem, certificate_pem;
    char *links[LINKS_MAX];
    atomic_int link_count, halves;
    int port;
};

static X509 *certificate_make(EVP_PKEY *key)
{
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    X509V3_CTX context;
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -86400);
    X509_gmtime_adj(X509_getm_notAfter(made), 10L * YEAR_S);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"lephi-sandbox drop", -1, -1, 0);
    X509_set_issuer_name(made, name);
    X509_set_pubkey(made, key);
    X509V3_set_ctx(&context, made, made, NULL, NULL, 0);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    X509_add_ext(made, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(made, key, EVP_sha256());
    return made;
}

static enum err certificate_open(struct drop *drop, const char *key_path)
{
    if (access(key_path, R_OK) || access(drop->certificate, R_OK)) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *certificate = certificate_make(key);
        FILE *secret = fopen(key_path, "w"), *open = fopen(drop->certificate, "w");
        bool done = secret && open && !chmod(key_path, 0600) &&
                    PEM_write_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) && PEM_write_X509(open, certificate);
        done = (!secret || !fclose(secret)) && done;
        done = (!open || !fclose(open)) && done;
        X509_free(certificate);
        EVP_PKEY_free(key);
        if (!done)
            return ERR_IO;
    }
    enum err err = file_read(key_path, PEM_MAX, &drop->arena, &drop->key_pem);
    return err ? err : file_read(drop->certificate, PEM_MAX, &drop->arena, &drop->certificate_pem);
}

/* The page ------------------------------------------------------------------------------------------------------- */

static void link_write(struct buf *page, const char *name)
{
    buf_string(page, "<a href=\"");
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        if ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || strchr("-_.", *c))
            buf_char(page, (char)*c);
        else
            buf_printf(page, "%%%02X", *c);
    buf_string(page, "\">");
    html_text(page, text_of(name));
    buf_string(page, "</a>\n");
}

static struct MHD_Response *page_of(struct drop *drop)
{
    struct buf page = {0};
    buf_string(&page, "<html><body><h1>Index of /statements</h1><pre><a href=\"../\">../</a>\n"
                      "<a href=\"?C=M;O=A\">Last modified</a>\n<a href=\"archive/\">archive/</a>\n");
    DIR *folder = opendir(drop->folder);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder))
        if (entry->d_name[0] != '.')
            link_write(&page, entry->d_name);
    if (folder)
        closedir(folder);
    for (int i = 0; i < drop->link_count; i++)
        buf_printf(&page, "<a href=\"%s\">x</a>\n", drop->links[i]);
    buf_string(&page, "</pre></body></html>\n");
    struct MHD_Response *response = MHD_create_response_from_buffer(page.length, page.at, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "text/html; charset=utf-8");
    buf_done(&page);
    return response;
}

/* Files ---------------------------------------------------------------------------------------------------------- */

static ssize_t half_read(void *cls, uint64_t at, char *to, size_t most)
{
    (void)cls;
    if (at)
        return MHD_CONTENT_READER_END_WITH_ERROR; /* promised more, and breaks off */
    memset(to, 'x', 1);
    return 1;
}

static const char *path_of(struct drop *drop, const char *name, char path[512])
{
    if (!*name || *name == '.' || strchr(name, '/'))
        return NULL;
    snprintf(path, 512, "%s/%s", drop->folder, name);
    return path;
}

static struct MHD_Response *file_of(struct drop *drop, const char *method, const char *name)
{
    char path[512], time[64];
    struct stat stat;
    struct tm utc;
    if (!path_of(drop, name, path))
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) || !S_ISREG(stat.st_mode)) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct MHD_Response *response;
    if (drop->halves > 0 && !strcmp(method, "GET")) {
        drop->halves--;
        close(fd);
        response = MHD_create_response_from_callback((uint64_t)stat.st_size + 2, 64, half_read, NULL, NULL);
    } else {
        response = MHD_create_response_from_fd((size_t)stat.st_size, fd);
    }
    gmtime_r(&stat.st_mtime, &utc);
    strftime(time, sizeof time, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    MHD_add_response_header(response, "Last-Modified", time);
    MHD_add_response_header(response, "Content-Type", "application/octet-stream");
    return response;
}

static bool may_enter(struct MHD_Connection *connection)
{
    char *password = NULL, *user = MHD_basic_auth_get_username_password(connection, &password);
    bool yes = user && password && !strcmp(user, drop_user) && !strcmp(password, drop_password);
    MHD_free(user);
    MHD_free(password);
    return yes;
}

static enum MHD_Result serve(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                             const char *version, const char *data, size_t *size, void **context)
{
    static char begun;
    struct drop *drop = cls;
    if (!*context) {
        *context = &begun;
        return MHD_YES;
    }
    struct MHD_Response *response = NULL;
    unsigned status = 200;
    if (!may_enter(connection)) {
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        MHD_add_response_header(response, "WWW-Authenticate", "Basic realm=\"drop\"");
        status = 401;
    } else if ((!strcmp(method, "GET") || !strcmp(method, "HEAD")) && !strncmp(url, place, sizeof place - 1)) {
        const char *name = url + sizeof place - 1;
        response = *name ? file_of(drop, method, name) : page_of(drop);
    }
    if (!response) {
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        status = 404;
    }
    enum MHD_Result sent = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return sent;
}

/* Open and close ------------------------------------------------------------------------------------------------- */

enum err drop_open(struct sandbox *sandbox)
{
    struct drop *drop = sandbox->drop = memory_new(sizeof *drop);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    arena_init(&drop->arena);
    drop->folder = arena_printf(&drop->arena, "%s/drop", sandbox->folder);
    drop->certificate = arena_printf(&drop->arena, "%s/drop-cert.pem", sandbox->folder);
    if (mkdir(drop->folder, 0755) && access(drop->folder, W_OK))
        return ERR_IO;
    enum err err = certificate_open(drop, arena_printf(&drop->arena, "%s/drop-key.pem", sandbox->folder));
    if (err)
        return err;
    drop->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_TLS, 0, NULL, NULL,
        serve, drop, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_KEY, drop->key_pem.at,
        MHD_OPTION_HTTPS_MEM_CERT, drop->certificate_pem.at, MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_END);
    if (!drop->daemon)
        return ERR_IO;
    drop->port = MHD_get_daemon_info(drop->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return OK;
}

void drop_close(struct drop *drop)
{
    if (!drop)
        return;
    MHD_stop_daemon(drop->daemon);
    for (int i = 0; i < drop->link_count; i++)
        free(drop->links[i]);
    arena_done(&drop->arena);
    free(drop);
}

/* Roads ---------------------------------------------------------------------------------------------------------- */

static void where(struct visit *visit)
{
    const struct drop *drop = visit->sandbox->drop;
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_string(&json, "url", arena_printf(&visit->arena, "https://127.0.0.1:%d%s", drop->port, place));
    json_put_string(&json, "user", drop_user);
    json_put_string(&json, "password", drop_password);
    json_put_string(&json, "ca_file", drop->certificate);
    json_put_string(&json, "folder", drop->folder);
    json_put_end(&json);
}

static void put_bytes(struct visit *visit, struct text bytes)
{
    char path[512];
    const char *name = arena_copy(&visit->arena, visit_query(visit, "name"));
    bool append = text_is(visit_query(visit, "append"), "1");
    if (bytes.length > FILE_MAX || !path_of(visit->sandbox->drop, name, path)) {
        visit_refuse(visit, 422, "name", "Tên tệp sai, hoặc tệp quá lớn");
        return;
    }
    FILE *file = fopen(path, append ? "a" : "w");
    bool done = file && fwrite(bytes.at, 1, bytes.length, file) == bytes.length;
    if (!file || fclose(file) || !done)
        visit_refuse(visit, 500, "io", path);
}

static void put(struct visit *visit)
{
    put_bytes(visit, buf_view(&visit->body));
}

static void put_statement(struct visit *visit)
{
    if (!statement_write(visit))
        return;
    struct text bytes = arena_text(&visit->arena, buf_view(&visit->reply));
    buf_clear(&visit->reply);
    visit->content_type = "application/json; charset=utf-8";
    put_bytes(visit, bytes);
}

static void add_link(struct visit *visit)
{
    struct drop *drop = visit->sandbox->drop;
    if (drop->link_count == LINKS_MAX)
        visit_refuse(visit, 422, "href", "Quá nhiều liên kết");
    else
        drop->links[drop->link_count++] = strdup(arena_copy(&visit->arena, visit_query(visit, "href")));
}

static void half(struct visit *visit)
{
    visit->sandbox->drop->halves++;
}

const struct road drop_roads[] = {{"GET", "/drop", where},      {"POST", "/drop/statement", put_statement},
                                  {"POST", "/drop/put", put},   {"POST", "/drop/link", add_link},
                                  {"POST", "/drop/half", half}, {0}};
