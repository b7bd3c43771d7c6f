/* The post office as MyVNPost speaks: token header, orders, prices, cancelling, labels, history and the signed
 * call-back. It never joins two orders with the same saleOrderCode: whoever books twice gets two parcels, as in life.
 */
#include "tests/sandbox/sandbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/crypto.h"
#include "core/base/csv.h"
#include "core/base/file.h"
#include "core/base/memory.h"

#define PREFIX "/vnpost/customer-partner"
enum { TOKENS_MAX = 64, HISTORY_MAX = 64, LABELS_MAX = 100, LIST_MAX = 100, WEIGHT_MAX_G = 30000 };

struct step {
    instant_us at;
    char status[24], name[96];
};

struct parcel {
    int64_t number;
    char item[14], id[40], sale[80];
    json_t *order; /* informationOrder */
    int64_t weight_g, cod, fee;
    size_t step_count;
    struct step steps[HISTORY_MAX];
    bool cancelled;
};

struct post {
    pthread_mutex_t lock;
    struct sandbox *sandbox;
    struct post_key *key;
    struct journal *journal;
    const char *username, *password, *customer, *communes;
    int64_t token_us;
    struct {
        char text[40];
        int64_t until_us; /* monotonic */
    } tokens[TOKENS_MAX];
    size_t token_next;
    struct parcel **parcels;
    size_t count, size;
};

/* The way of a parcel that the page's button walks along. The numeric table of MyVNPost is not public; its call-backs
 * are known to use letters of their own. */
static const struct {
    const char *status, *name;
} way[] = {{"MOI", "Đã tạo đơn"},      {"TGTN", "Đã nhận gửi"},     {"VC", "Đang vận chuyển"},
           {"PH", "Đang phát"},        {"GHTC", "Phát thành công"}, {"GHTBC", "Phát không thành công"},
           {"CH", "Chuyển hoàn"},      {"HUY", "Đã hủy"},           {"MAT", "Mất bưu gửi"},
           {"HONG", "Hư hỏng bưu gửi"}};

static const char *way_name(struct text status)
{
    for (size_t i = 0; i < sizeof way / sizeof *way; i++)
        if (text_is(status, way[i].status))
            return way[i].name;
    return "Trạng thái khác";
}

/* UPU S10: weights 8 6 4 2 3 5 9 7; 11 − Σ mod 11; 10 becomes 0 and 11 becomes 5. */
static void item_make(int64_t number, char ret_item[14])
{
    static const int weights[8] = {8, 6, 4, 2, 3, 5, 9, 7};
    char digits[9];
    int sum = 0;
    snprintf(digits, sizeof digits, "%08lld", (long long)(47000000 + number) % 100000000);
    for (int i = 0; i < 8; i++)
        sum += (digits[i] - '0') * weights[i];
    int check = 11 - sum % 11;
    snprintf(ret_item, 14, "EP%s%dVN", digits, check == 10 ? 0 : check == 11 ? 5 : check);
}

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* Numbers come as text or as numbers. */
static int64_t member_int(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    int64_t number = 0;
    if (json_is_integer(value))
        return json_integer_value(value);
    return text_to_int64(text_of(json_string_value(value)), &number) ? number : 0;
}

/* Cash on delivery is the additional service GTG021 with PROP0018:<đồng>. */
static int64_t cod_of(const json_t *order)
{
    size_t i;
    json_t *addon;
    json_array_foreach(json_object_get(order, "addonService"), i, addon)
    {
        int64_t amount;
        const char *value = member(addon, "propValue");
        if (strcmp(member(addon, "code"), "GTG021") || strncmp(value, "PROP0018:", 9))
            continue;
        struct text digits = text_of(value + 9), rest;
        if (text_to_int64(text_until(digits, ';', &rest), &amount))
            return amount;
    }
    return 0;
}

/* Charged weight: the heavier of real and volumetric (L × W × H ÷ 6 in grams, centimetres). */
static int64_t fee_of(int64_t weight_g, int64_t volume_cm3, int64_t cod, int64_t *ret_weight_g)
{
    int64_t charged = volume_cm3 / 6 > weight_g ? volume_cm3 / 6 : weight_g;
    int64_t fee = charged <= 100 ? 26000 : charged <= 250 ? 27500 : charged <= 500 ? 29000 : 0;
    if (!fee)
        fee = 29000 + (charged - 500 + 499) / 500 * 2000;
    *ret_weight_g = charged;
    return fee + (cod > 0 ? 5000 : 0);
}

static void step_add(struct parcel *parcel, struct text status, instant_us at)
{
    if (parcel->step_count == HISTORY_MAX)
        return;
    struct step *step = &parcel->steps[parcel->step_count++];
    step->at = at;
    snprintf(step->status, sizeof step->status, "%.*s", TEXT_ARGS(status));
    snprintf(step->name, sizeof step->name, "%s", way_name(status));
    if (text_is(status, "HUY"))
        parcel->cancelled = true;
}

static struct parcel *parcel_add(struct post *post, json_t *order, instant_us at)
{
    struct parcel *parcel = memory_new(sizeof *parcel);
    parcel->number = (int64_t)post->count + 1;
    item_make(parcel->number, parcel->item);
    snprintf(parcel->id, sizeof parcel->id, "SB-ORDER-%08lld", (long long)parcel->number);
    snprintf(parcel->sale, sizeof parcel->sale, "%s", member(order, "saleOrderCode"));
    parcel->order = json_incref(order);
    parcel->cod = cod_of(order);
    parcel->fee = fee_of(member_int(order, "weight"),
                         member_int(order, "length") * member_int(order, "width") * member_int(order, "height"),
                         parcel->cod, &parcel->weight_g);
    step_add(parcel, TEXT("MOI"), at);
    if (post->count == post->size) {
        post->size = post->size ? post->size * 2 : 256;
        post->parcels = memory_grow(post->parcels, post->size * sizeof *post->parcels);
    }
    return post->parcels[post->count++] = parcel;
}

static void replayed(void *with, json_t *record)
{
    struct post *post = with;
    instant_us at;
    int64_t number = json_integer_value(json_object_get(record, "number"));
    if (!instant_parse(text_of(member(record, "at")), &at))
        return;
    if (json_object_get(record, "order"))
        parcel_add(post, json_object_get(record, "order"), at);
    else if (number > 0 && (size_t)number <= post->count)
        step_add(post->parcels[number - 1], text_of(member(record, "status")), at);
}

enum err post_open(struct sandbox *sandbox, const char *username, const char *password, const char *customer_code,
                   int64_t token_s, const char *communes)
{
    struct post *post = memory_new(sizeof *post);
    *post = (struct post){.sandbox = sandbox,
                          .username = username,
                          .password = password,
                          .customer = customer_code,
                          .communes = communes,
                          .token_us = token_s * SECOND_US};
    pthread_mutex_init(&post->lock, NULL);
    sandbox->post = post;
    enum err err = post_key_open(sandbox->folder, &post->key);
    return err ? err : journal_open(sandbox->folder, "parcels.jsonl", replayed, post, &post->journal);
}

/* Spring's shape of an error: {status, timestamp, error, message, path}. */
static void spring_error(struct visit *visit, int status, const char *error, const char *message)
{
    visit->status = status;
    buf_clear(&visit->reply);
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_int(&json, "status", status);
    json_put_instant(&json, "timestamp", clock_now());
    json_put_string(&json, "error", error);
    json_put_string(&json, "message", message);
    json_put_string(&json, "path", visit->path);
    json_put_end(&json);
}

/* The JSON body (borrowed by the visit's arena), or NULL after a reply. */
static void forget(void *with)
{
    json_decref(with);
}

static json_t *body_read(struct visit *visit)
{
    json_t *body = json_loadb(visit->body.at ? visit->body.at : "", visit->body.length, 0, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        spring_error(visit, 400, "Bad Request", "JSON parse error");
        return NULL;
    }
    arena_on_done(&visit->arena, forget, body);
    return body;
}

static bool token_good(struct visit *visit)
{
    struct post *post = visit->sandbox->post;
    struct text token = visit_header(visit, "token");
    bool good = false;
    pthread_mutex_lock(&post->lock);
    for (size_t i = 0; i < TOKENS_MAX; i++)
        good |= token.length && text_is(token, post->tokens[i].text) && clock_monotonic_us() < post->tokens[i].until_us;
    pthread_mutex_unlock(&post->lock);
    if (!good)
        spring_error(visit, 401, "Unauthorized", "Token không hợp lệ hoặc đã hết hạn");
    return good;
}

static void token_get(struct visit *visit)
{
    struct post *post = visit->sandbox->post;
    json_t *body = body_read(visit);
    if (!body)
        return;
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    if (strcmp(member(body, "username"), post->username) || strcmp(member(body, "password"), post->password) ||
        strcmp(member(body, "customerCode"), post->customer)) {
        json_put_bool(&json, "success", false);
        json_put_string(&json, "errorMessage", "Sai tên đăng nhập, mật khẩu hoặc mã khách hàng");
        json_put_null(&json, "token");
    } else {
        uint8_t random[16];
        char hex[33];
        crypto_random(random, sizeof random);
        hex_encode(random, sizeof random, hex);
        pthread_mutex_lock(&post->lock);
        size_t slot = post->token_next++ % TOKENS_MAX;
        snprintf(post->tokens[slot].text, sizeof post->tokens[slot].text, "%s", hex);
        post->tokens[slot].until_us = clock_monotonic_us() + post->token_us;
        pthread_mutex_unlock(&post->lock);
        json_put_bool(&json, "success", true);
        json_put_null(&json, "errorMessage");
        json_put_string(&json, "token", hex);
    }
    json_put_end(&json);
}

static const char *order_fault(const json_t *body, const json_t *order)
{
    static const char *const wanted[] = {"senderName",         "senderPhone",          "senderAddress",
                                         "senderProvinceCode", "receiverName",         "receiverPhone",
                                         "receiverAddress",    "receiverProvinceCode", "serviceCode",
                                         "senderCommuneCode",  "receiverCommuneCode",  "weight"};
    if (!json_is_object(order))
        return "Thiếu informationOrder";
    if (strcmp(member(body, "type"), "GUI"))
        return "type phải là GUI";
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!json_object_get(order, wanted[i]) || !strcmp(member(order, wanted[i]), ""))
            if (!json_is_integer(json_object_get(order, wanted[i])))
                return wanted[i];
    if (strcmp(member(order, "senderDistrictCode"), "VNPOST") ||
        strcmp(member(order, "receiverDistrictCode"), "VNPOST"))
        return "Địa chỉ hai cấp phải có districtCode = VNPOST";
    if (member_int(order, "weight") < 1 || member_int(order, "weight") > WEIGHT_MAX_G)
        return "weight";
    return NULL;
}

static void order_create(struct visit *visit)
{
    struct post *post = visit->sandbox->post;
    json_t *body, *order;
    if (!token_good(visit) || !(body = body_read(visit)))
        return;
    order = json_object_get(body, "informationOrder");
    const char *fault = order_fault(body, order);
    if (fault || strcmp(member(body, "customerCode"), post->customer)) {
        spring_error(visit, 400, "Bad Request", fault ? fault : "customerCode");
        return;
    }
    struct buf line = {0};
    instant_us at = clock_now();
    char *text = json_dumps(order, JSON_COMPACT | JSON_PRESERVE_ORDER);
    struct json record = json_to(&line);
    json_put_object(&record, NULL);
    json_put_instant(&record, "at", at);
    json_put_raw(&record, "order", text_of(text));
    json_put_end(&record);
    pthread_mutex_lock(&post->lock);
    enum err err = journal_append(post->journal, buf_view(&line), JOURNAL_DURABLE);
    struct parcel *parcel = err ? NULL : parcel_add(post, order, at);
    pthread_mutex_unlock(&post->lock);
    buf_done(&line);
    free(text);
    if (err) {
        spring_error(visit, 500, "Internal Server Error", "disk");
        return;
    }
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_string(&json, "orderHdrID", parcel->id);
    json_put_string(&json, "originalID", parcel->id);
    json_put_string(&json, "itemCode", parcel->item);
    json_put_string(&json, "saleOrderCode", parcel->sale);
    json_put_string(&json, "status", "MOI");
    json_put_int(&json, "totalFee", parcel->fee);
    json_put_int(&json, "codAmount", parcel->cod);
    json_put_end(&json);
}

static void charge(struct visit *visit)
{
    json_t *body;
    if (!token_good(visit) || !(body = body_read(visit)))
        return;
    json_t *data = json_object_get(body, "data");
    const json_t *in = json_is_object(data) ? data : body;
    int64_t weight = member_int(in, "weight"), charged;
    if (member_int(body, "scope") != 1 || weight < 1 || weight > WEIGHT_MAX_G) {
        spring_error(visit, 400, "Bad Request", "scope, weight");
        return;
    }
    int64_t volume = member_int(in, "length") * member_int(in, "width") * member_int(in, "height");
    int64_t fee = fee_of(weight, volume, 0, &charged), vas = cod_of(in) > 0 ? 5000 : 0;
    struct json json = json_to(&visit->reply);
    json_put_array(&json, NULL);
    json_put_object(&json, NULL);
    json_put_string(&json, "serviceCode", *member(in, "serviceCode") ? member(in, "serviceCode") : "ETN011");
    json_put_int(&json, "mainFee", fee);
    json_put_int(&json, "vasFee", vas);
    json_put_int(&json, "totalFee", fee + vas);
    json_put_int(&json, "priceWeight", charged);
    json_put_int(&json, "weightConvert", volume / 6);
    json_put_end(&json);
    json_put_end(&json);
}

/* By item code ('1'), our own code ('2'), order id ('3') or any of them ('*'); the newest of several. Holds the lock.
 */
static struct parcel *parcel_by(struct post *post, char type, struct text code)
{
    for (size_t i = post->count; code.length && i > 0; i--) {
        struct parcel *parcel = post->parcels[i - 1];
        if (((type == '1' || type == '*') && text_is(code, parcel->item)) ||
            ((type == '2' || type == '*') && text_is(code, parcel->sale)) ||
            ((type == '3' || type == '*') && text_is(code, parcel->id)))
            return parcel;
    }
    return NULL;
}

static struct parcel *parcel_find(struct post *post, struct text code)
{
    return parcel_by(post, '*', code);
}

static void parcel_write(struct json *json, const struct parcel *parcel)
{
    json_put_object(json, NULL);
    json_put_string(json, "orderHdrID", parcel->id);
    json_put_string(json, "originalID", parcel->id);
    json_put_string(json, "itemCode", parcel->item);
    json_put_string(json, "saleOrderCode", parcel->sale);
    json_put_string(json, "status", parcel->steps[parcel->step_count - 1].status);
    json_put_int(json, "totalFee", parcel->fee);
    json_put_int(json, "codAmount", parcel->cod);
    json_put_string(json, "receiverName", member(parcel->order, "receiverName"));
    json_put_end(json);
}

/* The real envelopes differ from call to call: {results}, [{results}], {data: […]}, a key with a space behind. */
static void order_get(struct visit *visit)
{
    struct post *post = visit->sandbox->post;
    struct text code = visit_query(visit, "code"), type = visit_query(visit, "type");
    if (!token_good(visit))
        return;
    struct json json = json_to(&visit->reply);
    pthread_mutex_lock(&post->lock);
    const struct parcel *parcel = parcel_by(post, type.length == 1 ? *type.at : '*', code);
    int shape = parcel ? (int)(parcel->number % 4) : 0;
    if (shape == 1)
        json_put_array(&json, NULL);
    json_put_object(&json, NULL);
    json_put_array(&json, shape == 2 ? "data" : shape == 3 ? "results " : "results");
    if (parcel)
        parcel_write(&json, parcel);
    json_put_end(&json);
    json_put_end(&json);
    if (shape == 1)
        json_put_end(&json);
    pthread_mutex_unlock(&post->lock);
}

static void history_get(struct visit *visit)
{
    struct post *post = visit->sandbox->post;
    struct text code = visit_query(visit, "itemCode");
    if (!code.length)
        code = visit_query(visit, "code");
    if (!token_good(visit))
        return;
    struct json json = json_to(&visit->reply);
    pthread_mutex_lock(&post->lock);
    const struct parcel *parcel = parcel_find(post, code);
    json_put_object(&json, NULL);
    json_put_array(&json, "statusHistory");
    for (size_t i = 0; parcel && i < parcel->step_count; i++) {
        struct civil at = civil_of(parcel->steps[i].at);
        json_put_object(&json, NULL);
        json_put_textf(&json, "createdDate", "%02d/%02d/%04d", at.day, at.month, at.year);
        json_put_textf(&json, parcel->number % 2 ? "createHour" : "createdHour", "%02d:%02d:%02d", at.hour, at.minute,
                       at.second);
        json_put_string(&json, "statusCode", parcel->steps[i].status);
        json_put_string(&json, "statusName", parcel->steps[i].name);
        json_put_string(&json, "locateName", "Bưu cục Hạ Long (giả lập)");
        json_put_end(&json);
    }
    json_put_end(&json);
    json_put_end(&json);
    pthread_mutex_unlock(&post->lock);
}

/* Records and announces. Holds the lock. */
static enum err advance(struct post *post, struct parcel *parcel, struct text status)
{
    struct buf line = {0};
    instant_us at = clock_now();
    struct json record = json_to(&line);
    json_put_object(&record, NULL);
    json_put_int(&record, "number", parcel->number);
    json_put_instant(&record, "at", at);
    json_put_text(&record, "status", status);
    json_put_end(&record);
    enum err err = journal_append(post->journal, buf_view(&line), JOURNAL_DURABLE);
    if (!err)
        step_add(parcel, status, at);
    buf_done(&line);
    return err;
}

/* {data: […], sendDate, signature}: RSASHA256("MYVNP" + sendDate + itemCode + status) of the first item. */
static void announce(struct post *post, const struct parcel *parcel)
{
    const struct step *step = &parcel->steps[parcel->step_count - 1];
    struct civil at = civil_of(step->at);
    char date[32], what[160];
    struct buf signature = {0}, body = {0};
    snprintf(date, sizeof date, "%04d-%02d-%02dT%02d:%02d:%02d", at.year, at.month, at.day, at.hour, at.minute,
             at.second);
    snprintf(what, sizeof what, "MYVNP%s%s%s", date, parcel->item, step->status);
    if (post_key_sign(post->key, text_of(what), &signature))
        return;
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_array(&json, "data");
    json_put_object(&json, NULL);
    json_put_string(&json, "itemCode", parcel->item);
    json_put_string(&json, "originalID", parcel->id);
    json_put_string(&json, "saleOrderCode", parcel->sale);
    json_put_string(&json, "status", step->status);
    json_put_string(&json, "statusName", step->name);
    json_put_textf(&json, "statusDate", "%02d/%02d/%04d %02d:%02d:%02d", at.day, at.month, at.year, at.hour, at.minute,
                   at.second);
    json_put_string(&json, "locateName", "Bưu cục Hạ Long (giả lập)");
    json_put_int(&json, "weight", parcel->weight_g);
    json_put_int(&json, "totalFee", parcel->fee);
    json_put_int(&json, "codAmount", parcel->cod);
    json_put_end(&json);
    json_put_end(&json);
    json_put_string(&json, "sendDate", date);
    json_put_text(&json, "signature", buf_view(&signature));
    json_put_end(&json);
    struct letter letter = {
        .kind = "vnpost", .body = buf_view(&body), .subject = parcel->item, .signed_at = INSTANT_NONE};
    courier_send(post->sandbox->courier, &letter);
    buf_done(&body);
    buf_done(&signature);
}

enum err post_advance(struct sandbox *sandbox, struct text item, struct text status)
{
    struct post *post = sandbox->post;
    pthread_mutex_lock(&post->lock);
    struct parcel *parcel = parcel_find(post, item);
    enum err err = parcel ? OK : ERR_NOT_FOUND;
    if (!err && !status.length) { /* the next on its way */
        const char *now = parcel->steps[parcel->step_count - 1].status;
        status = text_of(way[1].status);
        for (size_t i = 0; i + 1 < 5; i++)
            if (!strcmp(now, way[i].status))
                status = text_of(way[i + 1].status);
    }
    if (!err)
        err = advance(post, parcel, status);
    if (!err)
        announce(post, parcel);
    pthread_mutex_unlock(&post->lock);
    return err;
}

static void parcel_advance(struct visit *visit)
{
    struct json_fields in;
    struct text item = TEXT_NONE, status = TEXT_NONE;
    enum err err = json_parse(buf_view(&visit->body), &in, &visit->faults);
    if (!err) {
        json_read_text(&in, "itemCode", REQUIRED, 1, 80, &item);
        json_read_text(&in, "status", OPTIONAL, 1, 20, &status);
        err = json_close(&in);
    }
    if (err)
        visit_refuse(visit, 422, "invalid_request", "itemCode, status");
    else if ((err = post_advance(visit->sandbox, item, status)))
        visit_refuse(visit, err == ERR_NOT_FOUND ? 404 : 500, err_info(err)->code, "Không có bưu gửi này");
    else
        buf_string(&visit->reply, "{\"advanced\":true}");
}

/* {Type, Message, CaseId}: 00 accepted, anything else refused. An order can be cancelled until it is picked up. */
static void change(struct visit *visit, const char *kind)
{
    struct post *post = visit->sandbox->post;
    json_t *body;
    if (!token_good(visit) || !(body = body_read(visit)))
        return;
    const char *type = "00", *message = "Thành công";
    pthread_mutex_lock(&post->lock);
    struct parcel *parcel = parcel_find(post, text_of(member(body, "OriginalId")));
    if (!parcel) {
        type = "01";
        message = "Không tìm thấy đơn";
    } else if (parcel->step_count > 1) {
        type = "03";
        message = "Đơn đã được thu gom, không thể thay đổi";
    } else if (!strcmp(kind, "cancel") && advance(post, parcel, TEXT("HUY"))) {
        type = "99";
        message = "Lỗi hệ thống";
    }
    pthread_mutex_unlock(&post->lock);
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_string(&json, "Type", type);
    json_put_string(&json, "Message", message);
    json_put_textf(&json, "CaseId", "%s-%s", kind, parcel ? parcel->item : "");
    json_put_end(&json);
}

static void order_cancel(struct visit *visit)
{
    change(visit, "cancel");
}

static void order_correct(struct visit *visit)
{
    change(visit, "correct");
}

static void label_fill(struct label *label, const struct parcel *parcel)
{
    const json_t *order = parcel->order;
    *label = (struct label){.item = parcel->item,
                            .sender = member(order, "senderName"),
                            .sender_address = member(order, "senderAddress"),
                            .receiver = member(order, "receiverName"),
                            .receiver_address = member(order, "receiverAddress"),
                            .receiver_phone = member(order, "receiverPhone"),
                            .order = parcel->sale,
                            .weight_g = parcel->weight_g,
                            .cod = parcel->cod};
}

static void labels(struct visit *visit)
{
    struct post *post = visit->sandbox->post;
    json_t *body, *code;
    struct label found[LABELS_MAX];
    size_t count = 0, i;
    if (!token_good(visit) || !(body = body_read(visit)))
        return;
    pthread_mutex_lock(&post->lock);
    json_array_foreach(json_object_get(body, "listItemCode"), i, code)
    {
        const struct parcel *parcel = parcel_find(post, text_of(json_string_value(code)));
        if (parcel && count < LABELS_MAX)
            label_fill(&found[count++], parcel);
    }
    pthread_mutex_unlock(&post->lock);
    if (!count) {
        spring_error(visit, 400, "Bad Request", "listItemCode");
        return;
    }
    struct buf pdf = {0};
    post_label_pdf(found, count, &pdf);
    buf_string(&visit->reply, "{\"data\":\"");
    base64_encode(pdf.at, pdf.length, &visit->reply);
    buf_string(&visit->reply, "\"}");
    buf_done(&pdf);
}

static void provinces(struct visit *visit)
{
    if (token_good(visit))
        buf_string(&visit->reply, "{\"data\":[{\"provinceCode\":\"22\",\"provinceName\":\"Tỉnh Quảng Ninh\"}]}");
}

static void communes(struct visit *visit)
{
    struct text bytes;
    struct csv csv;
    struct csv_row row;
    if (!token_good(visit))
        return;
    if (file_read(visit->sandbox->post->communes, 1 << 20, &visit->arena, &bytes)) {
        spring_error(visit, 500, "Internal Server Error", "communes");
        return;
    }
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "data");
    csv_open(&csv, bytes, ',', &visit->arena);
    for (bool header = true; !csv_next(&csv, &row); header = false) {
        if (header || row.count < 3)
            continue;
        json_put_object(&json, NULL);
        json_put_text(&json, "communeCode", row.fields[0]);
        json_put_text(&json, "communeName", row.fields[2]);
        json_put_text(&json, "provinceCode", row.fields[1]);
        json_put_end(&json);
    }
    json_put_end(&json);
    json_put_end(&json);
}

/* GET /vnpost/parcels?saleOrderCode=: everything we hold, for tests that count. */
static void parcels(struct visit *visit)
{
    struct post *post = visit->sandbox->post;
    struct text sale = visit_query(visit, "saleOrderCode");
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    pthread_mutex_lock(&post->lock);
    for (size_t i = 0; i < post->count; i++)
        if (!sale.at || text_is(sale, post->parcels[i]->sale))
            parcel_write(&json, post->parcels[i]);
    pthread_mutex_unlock(&post->lock);
    json_put_end(&json);
    json_put_end(&json);
}

void post_parcels_html(struct post *post, struct buf *out)
{
    pthread_mutex_lock(&post->lock);
    for (size_t i = post->count; i > 0 && post->count - i < LIST_MAX; i--) {
        const struct parcel *parcel = post->parcels[i - 1];
        const struct step *step = &parcel->steps[parcel->step_count - 1];
        buf_printf(out, "<tr><td>%s<td>", parcel->item);
        html_text(out, text_of(parcel->sale));
        buf_string(out, "<td>");
        html_text(out, text_of(member(parcel->order, "receiverName")));
        buf_printf(out, "<td>%s (%s)<td><form method=post action=/page/advance><input type=hidden name=item value=%s>",
                   step->name, step->status, parcel->item);
        buf_string(out, "<button name=status value=''>Bước tiếp theo</button> "
                        "<button name=status value=GHTBC>Phát không thành công</button></form>\n");
    }
    pthread_mutex_unlock(&post->lock);
}

const struct road post_roads[] = {{"POST", PREFIX "/GetAccessToken", token_get},
                                  {"POST", PREFIX "/CreateOrder", order_create},
                                  {"POST", PREFIX "/ServicesCharge", charge},
                                  {"POST", PREFIX "/orderCancel", order_cancel},
                                  {"POST", PREFIX "/orderCorrection", order_correct},
                                  {"GET", PREFIX "/getOrder", order_get},
                                  {"GET", PREFIX "/GetStatusHistoryOrder", history_get},
                                  {"GET", PREFIX "/getNewProvinceAll", provinces},
                                  {"GET", PREFIX "/getNewCommuneAll", communes},
                                  {"POST", PREFIX "/exportListReport", labels},
                                  {"POST", "/vnpost/advance", parcel_advance},
                                  {"GET", "/vnpost/parcels", parcels},
                                  {0}};
