#include "core/auth/auth.h"

#include <stdio.h>
#include <string.h>
#include "core/base/crypto.h"
#include "core/system/config.h"

static const char *const role_names[] = {"cashier", "supervisor", "finance", "auditor", "admin"};
enum { ROLE_COUNT = 5, PASSWORD_MIN = 10 };

static const struct db_statement key_add_sql = {
    "auth_key_add",
    "INSERT INTO api_key (name, key_hash, scopes, created_at) VALUES ($1, $2, string_to_array($3, ' '), $4)"};
static const struct db_statement key_revoke_sql = {
    "auth_key_revoke", "UPDATE api_key SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL RETURNING id"};
static const struct db_statement key_find_sql = {
    "auth_key_find",
    "SELECT id, name, array_to_string(scopes, ' ') FROM api_key WHERE key_hash = $1 AND revoked_at IS NULL"};
static const struct db_statement staff_add_sql = {
    "auth_staff_add", "INSERT INTO staff (login, name, role, password, created_at) VALUES ($1, $2, $3, $4, $5)"};
static const struct db_statement staff_disable_sql = {
    "auth_staff_disable",
    "WITH gone AS (UPDATE staff SET disabled_at = $2 WHERE login = $1 AND disabled_at IS NULL RETURNING id),"
    " ended AS (UPDATE staff_session SET ended_at = $2 WHERE staff_id IN (SELECT id FROM gone))"
    " SELECT id FROM gone"};
static const struct db_statement staff_reset_sql = {
    "auth_staff_reset",
    "WITH changed AS (UPDATE staff SET password = $2, disabled_at = NULL WHERE login = $1 RETURNING id),"
    " ended AS (UPDATE staff_session SET ended_at = $3 WHERE staff_id IN (SELECT id FROM changed))"
    " SELECT id FROM changed"};
static const struct db_statement staff_find_sql = {
    "auth_staff_find", "SELECT id, password FROM staff WHERE login = $1 AND disabled_at IS NULL"};
static const struct db_statement session_add_sql = {
    "auth_session_add",
    "INSERT INTO staff_session (token_hash, staff_id, created_at, expires_at) VALUES ($1, $2, $3, $4)"};
static const struct db_statement session_find_sql = {
    "auth_session_find",
    "SELECT s.id, s.login, s.role FROM staff_session e JOIN staff s ON s.id = e.staff_id"
    " WHERE e.token_hash = $1 AND e.ended_at IS NULL AND e.expires_at > $2 AND s.disabled_at IS NULL"};
static const struct db_statement session_end_sql = {
    "auth_session_end", "UPDATE staff_session SET ended_at = $2 WHERE token_hash = $1 AND ended_at IS NULL"};
static const struct db_statement audit_sql = {"audit_record", "SELECT audit_record($1, $2, $3, $4, $5)"};

unsigned auth_role(struct text name)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        if (text_is(name, role_names[i]))
            return 1u << i;
    return 0;
}

const char *auth_role_name(unsigned role)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        if (role & 1u << i)
            return role_names[i];
    return "";
}

static void hash_arg(struct db_args *args, struct text secret)
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(secret, hash);
    db_arg_bytes(args, hash, sizeof hash);
}

/* Runs a statement that returns the rows it changed. */
static enum err changes_one(struct db *db, const struct db_statement *statement, const struct db_args *args)
{
    struct db_rows rows;
    enum err err = db_query(db, statement, args, &rows);
    return err ? err : rows.count ? OK : ERR_NOT_FOUND;
}

enum err auth_key_add(struct db *db, struct arena *arena, const char *name, const char *scopes, instant_us at,
                      char ret_key[AUTH_KEY_SIZE])
{
    uint8_t random[24];
    struct buf key = {0};
    crypto_random(random, sizeof random);
    buf_string(&key, "lephi_");
    base64url_encode(random, sizeof random, &key);
    struct db_args args = db_args(arena);
    db_arg_string(&args, name);
    hash_arg(&args, buf_view(&key));
    db_arg_string(&args, scopes);
    db_arg_instant(&args, at);
    enum err err = db_run(db, &key_add_sql, &args);
    if (!err)
        snprintf(ret_key, AUTH_KEY_SIZE, "%s", buf_cstr(&key));
    buf_done(&key);
    return err;
}

enum err auth_key_revoke(struct db *db, struct arena *arena, const char *name, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_string(&args, name);
    db_arg_instant(&args, at);
    return changes_one(db, &key_revoke_sql, &args);
}

static void copy_name(char *to, size_t size, struct text from)
{
    snprintf(to, size, "%.*s", TEXT_ARGS(from));
}

enum err auth_key_find(struct db *db, struct arena *arena, struct text key, struct caller *ret_caller)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    hash_arg(&args, key);
    enum err err = db_query(db, &key_find_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_UNAUTHENTICATED;
    *ret_caller = (struct caller){.kind = CALLER_SYSTEM, .id = db_int(&rows, 0, 0)};
    copy_name(ret_caller->name, sizeof ret_caller->name, db_text(&rows, 0, 1));
    copy_name(ret_caller->scopes, sizeof ret_caller->scopes, db_text(&rows, 0, 2));
    return OK;
}

enum err auth_staff_add(struct db *db, struct arena *arena, const char *login, const char *name, const char *role,
                        struct text password, instant_us at)
{
    if (!auth_role(text_of(role)))
        return ERR_FIELD_VALUE;
    if (text_characters(password) < PASSWORD_MIN)
        return ERR_FIELD_LENGTH;
    char verifier[PASSWORD_VERIFIER_SIZE];
    crypto_password_hash(password, verifier);
    struct db_args args = db_args(arena);
    db_arg_string(&args, login);
    db_arg_string(&args, name);
    db_arg_string(&args, role);
    db_arg_string(&args, verifier);
    db_arg_instant(&args, at);
    return db_run(db, &staff_add_sql, &args);
}

enum err auth_staff_disable(struct db *db, struct arena *arena, const char *login, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_string(&args, login);
    db_arg_instant(&args, at);
    return changes_one(db, &staff_disable_sql, &args);
}

enum err auth_staff_reset(struct db *db, struct arena *arena, const char *login, struct text password, instant_us at)
{
    if (text_characters(password) < PASSWORD_MIN)
        return ERR_FIELD_LENGTH;
    char verifier[PASSWORD_VERIFIER_SIZE];
    crypto_password_hash(password, verifier);
    struct db_args args = db_args(arena);
    db_arg_string(&args, login);
    db_arg_string(&args, verifier);
    db_arg_instant(&args, at);
    return changes_one(db, &staff_reset_sql, &args);
}

enum err auth_login(struct db *db, struct arena *arena, struct text login, struct text password, instant_us at,
                    char ret_token[TOKEN_TEXT_SIZE])
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, login);
    enum err err = db_query(db, &staff_find_sql, &args, &rows);
    if (err)
        return err;
    static const struct text nobody = TEXT("scrypt$00000000000000000000000000000000$"
                                           "0000000000000000000000000000000000000000000000000000000000000000");
    bool right = crypto_password_check(password, rows.count ? db_text(&rows, 0, 1) : nobody);
    if (!rows.count || !right)
        return ERR_UNAUTHENTICATED;

    uint8_t random[TOKEN_SIZE];
    struct buf token = {0};
    crypto_random(random, sizeof random);
    base64url_encode(random, sizeof random, &token);
    struct db_args session = db_args(arena);
    hash_arg(&session, buf_view(&token));
    db_arg_int(&session, db_int(&rows, 0, 0));
    db_arg_instant(&session, at);
    db_arg_instant(&session, at + AUTH_SESSION_S * SECOND_US);
    err = db_run(db, &session_add_sql, &session);
    if (!err)
        snprintf(ret_token, TOKEN_TEXT_SIZE, "%s", buf_cstr(&token));
    buf_done(&token);
    return err;
}

enum err auth_session_find(struct db *db, struct arena *arena, struct text token, instant_us at,
                           struct caller *ret_caller)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    hash_arg(&args, token);
    db_arg_instant(&args, at);
    enum err err = db_query(db, &session_find_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_UNAUTHENTICATED;
    *ret_caller =
        (struct caller){.kind = CALLER_STAFF, .id = db_int(&rows, 0, 0), .roles = auth_role(db_text(&rows, 0, 2))};
    copy_name(ret_caller->name, sizeof ret_caller->name, db_text(&rows, 0, 1));
    return OK;
}

enum err auth_logout(struct db *db, struct arena *arena, struct text token, instant_us at)
{
    struct db_args args = db_args(arena);
    hash_arg(&args, token);
    db_arg_instant(&args, at);
    return db_run(db, &session_end_sql, &args);
}

bool auth_scope_has(const char *scopes, const char *wanted)
{
    struct text rest = text_of(scopes);
    while (rest.length) {
        struct text word = text_until(rest, ' ', &rest);
        if (text_is(word, wanted) || text_is(word, "all"))
            return true;
    }
    return false;
}

/* "https://HOST" or "http://HOST" of the host that was asked, or the address citizens and staff are given. */
static bool is_our_origin(struct request *rq, struct text origin)
{
    struct text host = request_header(rq, "Host");
    size_t scheme = text_starts(origin, "https://") ? 8 : text_starts(origin, "http://") ? 7 : 0;
    bool asked = scheme && host.length && text_equal(text_slice(origin, scheme, origin.length), host);
    return asked || text_is(origin, config_text(CONFIG_HTTP_PUBLIC_URL));
}

/* A browser says from where an act comes; another site may not act with our cookie. Sec-Fetch-Site cannot be written
 * by a page; browsers from before it (Safari until 16.4) send Origin with every POST. */
static bool from_another_site(struct request *rq)
{
    struct text site = request_header(rq, "Sec-Fetch-Site"), origin = request_header(rq, "Origin");
    bool reads = !strcmp(rq->method, "GET") || !strcmp(rq->method, "HEAD");
    if (reads)
        return false;
    if (site.length)
        return !text_is(site, "same-origin") && !text_is(site, "none");
    return origin.length && !is_our_origin(rq, origin);
}

static enum err authorize_system(struct request *rq, struct text key)
{
    enum err err = auth_key_find(rq->db, &rq->arena, key, &rq->caller);
    if (err)
        return err;
    if (!(rq->route->access & ACCESS_SYSTEM) ||
        (rq->route->scope && !auth_scope_has(rq->caller.scopes, rq->route->scope)))
        return ERR_FORBIDDEN;
    return OK;
}

static enum err authorize_staff(struct request *rq, struct text token)
{
    enum err err = auth_session_find(rq->db, &rq->arena, token, rq->at, &rq->caller);
    if (err)
        return err;
    bool allowed = rq->route->access & ACCESS_STAFF && (!rq->route->roles || rq->route->roles & rq->caller.roles);
    return allowed && !from_another_site(rq) ? OK : ERR_FORBIDDEN;
}

enum err auth_authorize(struct request *rq)
{
    bool public = rq->route->access & ACCESS_PUBLIC;
    if (!rq->db)
        return public ? OK : ERR_UNAUTHENTICATED;
    struct text bearer = request_header(rq, "Authorization");
    struct text token = request_cookie(rq, AUTH_COOKIE);
    enum err err = ERR_UNAUTHENTICATED;
    if (text_starts(bearer, "Bearer ") && rq->route->access & ACCESS_SYSTEM)
        err = authorize_system(rq, text_trim(text_slice(bearer, 7, bearer.length)));
    else if (token.length && rq->route->access & ACCESS_STAFF)
        err = authorize_staff(rq, token);
    if (public && err != OK)
        return err == ERR_DATABASE ? err : OK; /* public pages greet staff by name and strangers alike */
    return err;
}

const char *auth_actor(struct request *rq)
{
    const char *const kinds[] = {[CALLER_NONE] = "citizen",
                                 [CALLER_SYSTEM] = "system:",
                                 [CALLER_STAFF] = "staff:",
                                 [CALLER_CITIZEN] = "citizen"};
    return arena_printf(&rq->arena, "%s%s", kinds[rq->caller.kind], rq->caller.name);
}

enum err audit_record(struct db *db, struct arena *arena, instant_us at, const char *actor, const char *act,
                      struct text subject, struct text detail_json)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_string(&args, act);
    db_arg_text(&args, subject);
    db_arg_text(&args, detail_json.length ? detail_json : TEXT("{}"));
    return db_run(db, &audit_sql, &args);
}
