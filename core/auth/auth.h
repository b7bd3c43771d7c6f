/* Who calls: systems by API key and scopes, staff by session cookie and role. Nothing secret is stored in clear. */
#ifndef LEPHI_CORE_AUTH_H
#define LEPHI_CORE_AUTH_H

#include "core/base/crypto.h"
#include "core/db/db.h"
#include "core/http/http.h"

enum { ROLE_CASHIER = 1, ROLE_SUPERVISOR = 2, ROLE_FINANCE = 4, ROLE_AUDITOR = 8, ROLE_ADMIN = 16 };
enum { AUTH_KEY_SIZE = 64, AUTH_SESSION_S = 12 * 3600 };
#define AUTH_COOKIE "lephi_session"

/* "cashier" … to its bit, 0 when there is no such role; and back. */
unsigned auth_role(struct text name);
const char *auth_role_name(unsigned role);

/* API keys. The key is shown once; scopes are words separated by spaces. ERR_CONFLICT: the name is taken. */
MUST_CHECK enum err auth_key_add(struct db *db, struct arena *arena, const char *name, const char *scopes,
                                 instant_us at, char ret_key[AUTH_KEY_SIZE]);
MUST_CHECK enum err auth_key_revoke(struct db *db, struct arena *arena, const char *name,
                                    instant_us at); /* ERR_NOT_FOUND */
MUST_CHECK enum err auth_key_find(struct db *db, struct arena *arena, struct text key,
                                  struct caller *ret_caller); /* ERR_UNAUTHENTICATED */

/* Staff. ERR_CONFLICT: the login is taken; ERR_FIELD_VALUE: no such role; ERR_FIELD_LENGTH: password under 10
 * characters. */
MUST_CHECK enum err auth_staff_add(struct db *db, struct arena *arena, const char *login, const char *name,
                                   const char *role, struct text password, instant_us at);
MUST_CHECK enum err auth_staff_disable(struct db *db, struct arena *arena, const char *login,
                                       instant_us at); /* ends sessions too */
MUST_CHECK enum err auth_staff_reset(struct db *db, struct arena *arena, const char *login, struct text password,
                                     instant_us at);

/* Sign in and out. The same time passes for an unknown login as for a wrong password. */
MUST_CHECK enum err auth_login(struct db *db, struct arena *arena, struct text login, struct text password,
                               instant_us at, char ret_token[TOKEN_TEXT_SIZE]);
MUST_CHECK enum err auth_session_find(struct db *db, struct arena *arena, struct text token, instant_us at,
                                      struct caller *ret_caller);
MUST_CHECK enum err auth_logout(struct db *db, struct arena *arena, struct text token, instant_us at);

/* The server's authorize hook: the route's access, scope and roles against key or cookie. Acts of staff from another
 * site (Sec-Fetch-Site, Origin) are refused. Inline routes have no database: only public ones may be inline. */
enum err auth_authorize(struct request *rq);

/* Whether a system's scopes contain the word. */
bool auth_scope_has(const char *scopes, const char *wanted);

/* "staff:login", "system:name", "citizen" for the audit log and created_by. */
const char *auth_actor(struct request *rq);

/* One line in the audit log. */
MUST_CHECK enum err audit_record(struct db *db, struct arena *arena, instant_us at, const char *actor, const char *act,
                                 struct text subject, struct text detail_json);

#endif
