/* SFTP and HTTPS by libcurl: the other side proves who it is before a name or a secret leaves us, nothing is followed
 * anywhere else, everything has a bound in bytes and time. */
#include "reconciliation/drop/drop.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PASSWORD_MAX = 1024,
    CONNECT_S = 15,
    SLOW_BYTES_S = 256, /* slower than this … */
    SLOW_S = 30,        /* … for so long, and the transfer is given up */
    TRANSFER_S = 900,
};

struct drop_wire {
    CURL *curl;
    const struct drop *drop;
    char *password; /* wiped at the end */
    char detail[CURL_ERROR_SIZE + 64];
    char words[CURL_ERROR_SIZE];
};

/* What arrives: into a buffer, a file, or only counted. */
struct arrival {
    struct buf *into;
    int fd; /* -1: none */
    int64_t count, max;
    bool too_large, no_room;
};

static size_t arrive(char *at, size_t size, size_t count, void *with)
{
    struct arrival *arrival = with;
    size_t length = size * count;
    if (arrival->count + (int64_t)length > arrival->max) {
        arrival->too_large = true;
        return 0;
    }
    arrival->count += (int64_t)length;
    if (arrival->into)
        buf_put(arrival->into, at, length);
    for (size_t done = 0; arrival->fd >= 0 && done < length;) {
        ssize_t written = write(arrival->fd, at + done, length - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            arrival->no_room = true;
            return 0;
        }
        done += (size_t)written;
    }
    return length;
}

/* Only a key that stands in known_hosts will do: nobody is there to ask, and nothing is learned by itself. */
static int judge_host_key(CURL *curl, const struct curl_khkey *known, const struct curl_khkey *found,
                          enum curl_khmatch match, void *with)
{
    struct drop_wire *wire = with;
    if (match == CURLKHMATCH_OK)
        return CURLKHSTAT_FINE;
    snprintf(wire->detail, sizeof wire->detail,
             match == CURLKHMATCH_MISMATCH ? "the server's key is not the one in known_hosts"
                                           : "the server's key does not stand in known_hosts");
    return CURLKHSTAT_REJECT;
}

static enum err password_read(struct drop_wire *wire)
{
    const char *path = wire->drop->password_file;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!path)
        return OK;
    wire->password = calloc(1, PASSWORD_MAX);
    bool good = file && wire->password && fgets(wire->password, PASSWORD_MAX, file);
    if (file)
        fclose(file);
    if (!good) {
        snprintf(wire->detail, sizeof wire->detail, "password_file: it cannot be read");
        return ERR_IO;
    }
    wire->password[strcspn(wire->password, "\r\n")] = '\0';
    return OK;
}

static void set_sftp(struct drop_wire *wire)
{
    const struct drop *drop = wire->drop;
    CURL *curl = wire->curl;
    long ways = (drop->key_file ? CURLSSH_AUTH_PUBLICKEY : 0) |
                (drop->password_file ? CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD : 0);
    curl_easy_setopt(curl, CURLOPT_SSH_AUTH_TYPES, ways);
    if (drop->key_file)
        curl_easy_setopt(curl, CURLOPT_SSH_PRIVATE_KEYFILE, drop->key_file);
    if (drop->host_key)
        curl_easy_setopt(curl, CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256,
                         drop->host_key + (text_starts(text_of(drop->host_key), "SHA256:") ? 7 : 0));
    if (drop->known_hosts) {
        curl_easy_setopt(curl, CURLOPT_SSH_KNOWNHOSTS, drop->known_hosts);
        curl_easy_setopt(curl, CURLOPT_SSH_KEYFUNCTION, judge_host_key);
        curl_easy_setopt(curl, CURLOPT_SSH_KEYDATA, wire);
    }
}

static void set_https(struct drop_wire *wire)
{
    CURL *curl = wire->curl;
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "lephi/" LEPHI_VERSION);
    if (wire->drop->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, wire->drop->ca_file);
}

enum err drop_wire_open(const struct drop *drop, struct drop_wire **ret_wire)
{
    struct drop_wire *wire = memory_new(sizeof *wire);
    wire->drop = drop;
    *ret_wire = wire;
    wire->curl = curl_easy_init();
    if (!wire->curl)
        return ERR_UNAVAILABLE;
    enum err err = password_read(wire);
    CURL *curl = wire->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, drop->kind == DROP_SFTP ? "sftp" : "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_FILETIME, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TRANSFER_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, wire->words);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, arrive);
    if (drop->user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, drop->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, wire->password ? wire->password : "");
    }
    if (drop->kind == DROP_SFTP)
        set_sftp(wire);
    else
        set_https(wire);
    return err;
}

void drop_wire_close(struct drop_wire *wire)
{
    if (!wire)
        return;
    if (wire->curl)
        curl_easy_cleanup(wire->curl);
    if (wire->password)
        explicit_bzero(wire->password, PASSWORD_MAX);
    free(wire->password);
    free(wire);
}

const char *drop_wire_detail(const struct drop_wire *wire)
{
    return wire->detail;
}

static void set_name(struct drop_wire *wire, struct text name)
{
    struct buf url = {0};
    buf_string(&url, wire->drop->url);
    if (name.length) {
        char *escaped = curl_easy_escape(wire->curl, name.at, (int)name.length);
        buf_string(&url, escaped ? escaped : "");
        curl_free(escaped);
    }
    curl_easy_setopt(wire->curl, CURLOPT_URL, buf_cstr(&url));
    buf_done(&url);
}

static enum err transfer(struct drop_wire *wire, struct arrival *arrival)
{
    wire->words[0] = wire->detail[0] = '\0';
    curl_easy_setopt(wire->curl, CURLOPT_WRITEDATA, arrival);
    CURLcode code = curl_easy_perform(wire->curl);
    long status = 0;
    curl_easy_getinfo(wire->curl, CURLINFO_RESPONSE_CODE, &status);
    if (arrival->too_large)
        return ERR_BODY_TOO_LARGE;
    if (arrival->no_room) {
        snprintf(wire->detail, sizeof wire->detail, "no room for it here");
        return ERR_IO;
    }
    if (code == CURLE_OK && wire->drop->kind == DROP_HTTPS && status != 200) {
        snprintf(wire->detail, sizeof wire->detail, "the server answers %ld", status);
        return ERR_NETWORK;
    }
    if (code != CURLE_OK && !wire->detail[0])
        snprintf(wire->detail, sizeof wire->detail, "%s", wire->words[0] ? wire->words : curl_easy_strerror(code));
    return code == CURLE_OK ? OK : code == CURLE_BAD_DOWNLOAD_RESUME ? ERR_CONFLICT : ERR_NETWORK;
}

enum err drop_wire_list(struct drop_wire *wire, struct arena *arena, struct drop_listing *ret_listing)
{
    struct buf names = {0}, long_lines = {0};
    struct arrival arrival = {.into = &names, .fd = -1, .max = DROP_LISTING_MAX};
    *ret_listing = (struct drop_listing){.arena = arena};
    set_name(wire, TEXT_NONE);
    curl_easy_setopt(wire->curl, CURLOPT_DIRLISTONLY, 1L);
    enum err err = transfer(wire, &arrival);
    curl_easy_setopt(wire->curl, CURLOPT_DIRLISTONLY, 0L);
    if (!err && wire->drop->kind == DROP_SFTP) {
        struct arrival second = {.into = &long_lines, .fd = -1, .max = DROP_LISTING_MAX};
        err = transfer(wire, &second);
        if (!err)
            drop_listing_read_lines(buf_view(&names), buf_view(&long_lines), wire->drop->patterns, ret_listing);
    } else if (!err) {
        drop_listing_read_html(buf_view(&names), wire->drop->patterns, ret_listing);
    }
    if (err == ERR_BODY_TOO_LARGE)
        snprintf(wire->detail, sizeof wire->detail, "the listing is longer than %d bytes", DROP_LISTING_MAX);
    buf_done(&names);
    buf_done(&long_lines);
    return err;
}

static int64_t modified_s(struct drop_wire *wire)
{
    curl_off_t time = -1;
    curl_easy_getinfo(wire->curl, CURLINFO_FILETIME_T, &time);
    return time < 0 ? -1 : time;
}

enum err drop_wire_get(struct drop_wire *wire, struct text name, int64_t max, int to, struct drop_file *ret_file)
{
    struct arrival arrival = {.fd = to, .max = max};
    set_name(wire, name);
    enum err err = transfer(wire, &arrival);
    if (err == ERR_BODY_TOO_LARGE)
        snprintf(wire->detail, sizeof wire->detail, "larger than %lld MiB", (long long)(max >> 20));
    if (!err)
        *ret_file = (struct drop_file){.size = arrival.count, .modified_s = modified_s(wire)};
    return err;
}

/* SFTP: what lies behind the known size; nothing when the file has not grown. */
static enum err same_sftp(struct drop_wire *wire, const struct drop_file *was, bool *ret_same)
{
    struct arrival more = {.fd = -1, .max = 0};
    curl_easy_setopt(wire->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)was->size);
    enum err err = transfer(wire, &more);
    curl_easy_setopt(wire->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)0);
    *ret_same = err == OK && modified_s(wire) == was->modified_s;
    return err == ERR_CONFLICT || err == ERR_BODY_TOO_LARGE ? OK : err;
}

static enum err same_https(struct drop_wire *wire, const struct drop_file *was, bool *ret_same)
{
    struct arrival none = {.fd = -1, .max = 0};
    curl_easy_setopt(wire->curl, CURLOPT_NOBODY, 1L);
    enum err err = transfer(wire, &none);
    curl_off_t size = -1;
    curl_easy_getinfo(wire->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    curl_easy_setopt(wire->curl, CURLOPT_NOBODY, 0L);
    curl_easy_setopt(wire->curl, CURLOPT_HTTPGET, 1L);
    int64_t modified = modified_s(wire);
    if (!err && size < 0) { /* a server that does not say how long it is: counted once more */
        struct arrival again = {.fd = -1, .max = was->size};
        err = transfer(wire, &again);
        size = again.too_large ? was->size + 1 : again.count;
        err = err == ERR_BODY_TOO_LARGE ? OK : err;
    }
    *ret_same = !err && size == was->size && modified == was->modified_s;
    return err;
}

enum err drop_wire_same(struct drop_wire *wire, struct text name, const struct drop_file *was, bool *ret_same)
{
    set_name(wire, name);
    return wire->drop->kind == DROP_SFTP ? same_sftp(wire, was, ret_same) : same_https(wire, was, ret_same);
}
