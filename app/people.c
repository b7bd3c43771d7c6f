/* Staff accounts and API keys. */
#include "app/app.h"

#include <stdio.h>
#include <string.h>

static bool read_password(char *password, size_t size)
{
    if (!fgets(password, (int)size, stdin))
        return false;
    password[strcspn(password, "\r\n")] = '\0';
    return true;
}

static int finish(struct db *db, struct arena *arena, enum err err, const char *who)
{
    if (err == ERR_CONFLICT)
        fprintf(stderr, "lephi: %s: the name is taken or not allowed (small letters, digits, . _ -)\n", who);
    else if (err == ERR_FIELD_LENGTH)
        fprintf(stderr, "lephi: %s: the password needs at least 10 characters\n", who);
    else if (err)
        fprintf(stderr, "lephi: %s: %s\n", who, err_info(err)->en);
    arena_done(arena);
    db_close(db);
    return err == ERR_FIELD_VALUE ? EXIT_USAGE : err ? EXIT_FAILED : EXIT_DONE;
}

int command_staff(int argc, char **argv)
{
    char password[256] = "";
    bool add = argc == 5 && !strcmp(argv[1], "add"), disable = argc == 3 && !strcmp(argv[1], "disable");
    bool reset = argc == 3 && !strcmp(argv[1], "reset");
    if (!add && !disable && !reset)
        return app_usage(argv[0], NULL);
    if (add && !auth_role(text_of(argv[4])))
        return app_usage(argv[0], "no such role");
    int status = app_configure();
    if (status)
        return status;
    if (!disable && !read_password(password, sizeof password))
        return app_usage(argv[0], "the password is expected on standard input");
    struct db *db = app_db();
    if (!db)
        return EXIT_FAILED;
    struct arena arena;
    arena_init(&arena);
    enum err err = add       ? auth_staff_add(db, &arena, argv[2], argv[3], argv[4], text_of(password), clock_now())
                   : disable ? auth_staff_disable(db, &arena, argv[2], clock_now())
                             : auth_staff_reset(db, &arena, argv[2], text_of(password), clock_now());
    if (!err)
        err = audit_record(db, &arena, clock_now(), "operator",
                           add       ? "staff.add"
                           : disable ? "staff.disable"
                                     : "staff.reset",
                           text_of(argv[2]), TEXT_NONE);
    return finish(db, &arena, err, argv[2]);
}

int command_key(int argc, char **argv)
{
    bool add = argc >= 4 && !strcmp(argv[1], "add"), revoke = argc == 3 && !strcmp(argv[1], "revoke");
    if (!add && !revoke)
        return app_usage(argv[0], NULL);
    int status = app_configure();
    if (status)
        return status;
    struct db *db = app_db();
    if (!db)
        return EXIT_FAILED;
    struct arena arena;
    arena_init(&arena);
    struct buf scopes = {0};
    for (int i = 3; add && i < argc; i++)
        buf_printf(&scopes, i > 3 ? " %s" : "%s", argv[i]);
    char key[AUTH_KEY_SIZE];
    enum err err = add ? auth_key_add(db, &arena, argv[2], buf_cstr(&scopes), clock_now(), key)
                       : auth_key_revoke(db, &arena, argv[2], clock_now());
    if (!err)
        err = audit_record(db, &arena, clock_now(), "operator", add ? "key.add" : "key.revoke", text_of(argv[2]),
                           TEXT_NONE);
    if (!err && add)
        puts(key);
    buf_done(&scopes);
    return finish(db, &arena, err, argv[2]);
}
