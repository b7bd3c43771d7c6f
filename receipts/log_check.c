/* Checking the log without the log: a proof, a receipt's file, signed heads. Needs no database and no network. */
#include <stdio.h>
#include <string.h>
#include "receipts/log.h"

enum { ENTRIES_MAX = 100, ENTRY_MAX = 1024 };

bool log_salt(struct text lookup_code, char ret_salt[HEX_SHA256_SIZE])
{
    uint8_t hash[SHA256_SIZE], salt[SHA256_SIZE];
    struct buf bytes = {0};
    if (!token_hash(lookup_code, hash))
        return false;
    buf_string(&bytes, "lephi receipt log salt 1\n");
    buf_put(&bytes, hash, sizeof hash);
    crypto_sha256(buf_view(&bytes), salt);
    buf_done(&bytes);
    hex_encode(salt, sizeof salt, ret_salt);
    return true;
}

static enum err refuse(struct faults *faults, const char *where, const char *words)
{
    return faults_add(faults, where, ERR_SIGNATURE_BROKEN, "%s", words);
}

static void read_hashes(struct json_fields *in, struct merkle_proof *ret)
{
    size_t count = json_read_array(in, "proof", REQUIRED, 0, MERKLE_PROOF_MAX);
    ret->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct text hex = TEXT_NONE;
        json_item_text(in, "proof", i, 64, 64, &hex);
        if (!hex.at || !hex_decode(hex, ret->nodes[ret->count].at, MERKLE_SIZE)) {
            json_fault(in, "proof", ERR_FIELD_FORMAT, NULL);
            return;
        }
        ret->count++;
    }
}

static void read_hash(struct json_fields *in, const char *key, struct merkle_hash *ret)
{
    struct text hex = TEXT_NONE;
    json_read_text(in, key, REQUIRED, 64, 64, &hex);
    if (hex.at && !hex_decode(hex, ret->at, MERKLE_SIZE))
        json_fault(in, key, ERR_FIELD_FORMAT, NULL);
}

/* What the holder's file says the entry's lines must be. */
struct expected {
    bool asked;
    struct text subject;
    char document[HEX_SHA256_SIZE], salt[HEX_SHA256_SIZE];
};

static enum err expect(struct text file, struct expected *ret, struct faults *faults)
{
    struct receipt_document document;
    uint8_t digest[SHA256_SIZE];
    *ret = (struct expected){0};
    if (!file.at)
        return OK;
    enum err err = receipt_document_read(file, &document, faults);
    if (err)
        return err;
    if (!log_salt(document.lookup_code, ret->salt))
        return refuse(faults, "MaTraCuu", "Biên lai không có mã tra cứu nên không thể nằm trong nhật ký.");
    crypto_sha256(file, digest);
    hex_encode(digest, sizeof digest, ret->document);
    ret->subject = arena_textf(faults->arena, "%.*s/%.*s/%.*s/%lld", TEXT_ARGS(document.collector.tax_code),
                               TEXT_ARGS(document.form), TEXT_ARGS(document.symbol), (long long)document.number);
    ret->asked = true;
    return OK;
}

static enum err check_lines(struct text entry, struct text status, const struct expected *expected, struct buf *told,
                            struct faults *faults)
{
    struct text line[7], rest = entry;
    for (int i = 0; i < 7; i++)
        line[i] = text_until(rest, '\n', &rest);
    if (rest.length || !text_ends(entry, "\n") || !text_is(line[0], "lephi receipt log 1") ||
        !text_equal(line[1], status))
        return refuse(faults, "entry", "Mục nhật ký không đúng quy cách.");
    if (expected->asked && (!text_equal(line[2], expected->subject) || !text_is(line[4], expected->document) ||
                            !text_is(line[6], expected->salt)))
        return refuse(faults, "entry", "Mục nhật ký là của tệp biên lai khác.");
    buf_printf(told, "%.*s: %.*s, %.*s%s%.*s\n", TEXT_ARGS(line[2]), TEXT_ARGS(line[1]), TEXT_ARGS(line[3]),
               text_is(line[5], "-") ? "" : ", ", text_is(line[5], "-") ? 0 : (int)line[5].length, line[5].at);
    return OK;
}

static enum err check_entry(struct json_fields *in, const struct expected *expected, int64_t size,
                            const struct merkle_hash *root, struct buf *told)
{
    struct text entry = TEXT_NONE, status = TEXT_NONE;
    struct merkle_proof proof;
    struct merkle_hash leaf;
    int64_t index = -1;
    json_read_int(in, "index", REQUIRED, 0, INT64_MAX / 4, &index);
    json_read_text(in, "status", REQUIRED, 1, 20, &status);
    log_read_lines(in, "entry", ENTRY_MAX, &entry);
    read_hashes(in, &proof);
    enum err err = json_close(in);
    if (err)
        return err;
    err = check_lines(entry, status, expected, told, in->faults);
    merkle_leaf(entry, &leaf);
    if (!err && !merkle_inclusion_holds(&leaf, index, size, &proof, root))
        err = refuse(in->faults, "proof", "Mục này không nằm trong nhật ký có gốc đã nêu.");
    return err;
}

static enum err check_root(int64_t size, const struct merkle_hash *root, const struct log_head *head,
                           const struct receipt_trust *trust, struct buf *told, struct faults *faults)
{
    char day[DATE_TEXT_SIZE];
    if (!head) {
        buf_string(told, "no signed head: the root is only as good as who gave it; ask again after midnight\n");
        return OK;
    }
    enum err err = log_head_check(head, trust, faults);
    if (err)
        return err;
    if (head->size != size || memcmp(head->root.at, root->at, MERKLE_SIZE) != 0)
        return refuse(faults, "root", "Gốc của bằng chứng khác gốc đã ký.");
    date_format(head->day, day);
    buf_printf(told, "head of %s, %lld entries, signature good%s\n", day, (long long)head->size,
               trust ? ", chain trusted" : " (chain not checked: no --trust)");
    return OK;
}

enum err log_check_proof(struct text proof, struct text file, const struct log_head *head,
                         const struct receipt_trust *trust, struct buf *told, struct faults *faults)
{
    struct json_fields in, item;
    struct expected expected;
    struct merkle_hash root = {0};
    struct text log = TEXT_NONE;
    struct log_head inside = {0};
    int64_t size = 0;
    enum err err = expect(file, &expected, faults);
    if (!err)
        err = json_parse(proof, &in, faults);
    if (err)
        return err;
    json_read_text(&in, "log", REQUIRED, 0, 200, &log);
    json_read_int(&in, "size", REQUIRED, 1, INT64_MAX / 4, &size);
    read_hash(&in, "root", &root);
    size_t count = json_read_array(&in, "entries", REQUIRED, 1, ENTRIES_MAX);
    for (size_t i = 0; i < count && !err; i++) {
        json_item_object(&in, "entries", i, &item);
        err = check_entry(&item, &expected, size, &root, told);
    }
    if (json_has(&in, "head") && !err) {
        json_read_object(&in, "head", REQUIRED, &item);
        err = log_head_fields(&item, &inside);
        head = head ? head : &inside;
    }
    enum err shape = err ? err : json_close(&in);
    if (err || shape)
        return err ? err : shape;
    return check_root(size, &root, head, trust, told, faults);
}

enum err log_check_growth(const struct log_head *old_head, const struct log_head *new_head, struct text proof,
                          struct buf *told, struct faults *faults)
{
    struct json_fields in;
    struct merkle_proof nodes;
    struct merkle_hash ignored;
    struct text log = TEXT_NONE;
    int64_t first = 0, second = 0;
    enum err err = json_parse(proof, &in, faults);
    if (err)
        return err;
    json_read_text(&in, "log", REQUIRED, 0, 200, &log);
    json_read_int(&in, "first_size", REQUIRED, 0, INT64_MAX / 4, &first);
    json_read_int(&in, "second_size", REQUIRED, 0, INT64_MAX / 4, &second);
    read_hash(&in, "first_root", &ignored); /* what counts are the roots that were signed */
    read_hash(&in, "second_root", &ignored);
    read_hashes(&in, &nodes);
    err = json_close(&in);
    if (err)
        return err;
    if (!text_equal(old_head->log, new_head->log))
        return refuse(faults, "log", "Hai gốc thuộc hai nhật ký khác nhau.");
    if (first != old_head->size || second != new_head->size || old_head->at > new_head->at)
        return refuse(faults, "size", "Bằng chứng không nói về hai gốc này.");
    if (!merkle_consistency_holds(first, second, &old_head->root, &new_head->root, &nodes))
        return refuse(faults, "proof",
                      "Nhật ký sau không phải phần nối tiếp của nhật ký trước: có mục bị bỏ hoặc sửa.");
    buf_printf(told, "%lld entries stand unchanged at the beginning of %lld\n", (long long)first, (long long)second);
    return OK;
}
