/* The bank: accounts, transfers in an append-only file, the payer's application and the balance-change call-back. */
#include "tests/sandbox/sandbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"
#include "core/base/money.h"

enum { ACCOUNTS_MAX = 64, REPEAT_MAX = 1000, DELAY_MAX_MS = 3600000 };

struct bank {
    pthread_mutex_t lock;
    struct account accounts[ACCOUNTS_MAX];
    size_t account_count;
    const struct transfer **transfers; /* never changed once made; in order of id */
    size_t count, size;
    struct journal *journal;
};

const struct account *bank_account(const struct bank *bank, struct text number)
{
    for (size_t i = 0; i < bank->account_count; i++)
        if (text_is(number, bank->accounts[i].number))
            return &bank->accounts[i];
    return NULL;
}

size_t bank_accounts(const struct bank *bank, const struct account **ret_first)
{
    *ret_first = bank->accounts;
    return bank->account_count;
}

/* Holds the lock, or nobody else is there yet. */
static const struct transfer *transfer_add(struct bank *bank, const struct transfer *draft)
{
    struct transfer *made = memory_new(sizeof *made);
    *made = *draft;
    made->memo = memory_copy(draft->memo, strlen(draft->memo));
    made->counterparty_name = memory_copy(draft->counterparty_name, strlen(draft->counterparty_name));
    made->counterparty_account = memory_copy(draft->counterparty_account, strlen(draft->counterparty_account));
    struct account *account = &bank->accounts[draft->account - bank->accounts];
    made->balance = account->balance += draft->amount;
    if (bank->count == bank->size) {
        bank->size = bank->size ? bank->size * 2 : 1024;
        bank->transfers = memory_grow(bank->transfers, bank->size * sizeof *bank->transfers);
    }
    return bank->transfers[bank->count++] = made;
}

void transfer_write(struct json *json, const char *key, const struct transfer *transfer)
{
    json_put_object(json, key);
    json_put_int(json, "id", transfer->id);
    json_put_string(json, "account_number", transfer->account->number);
    json_put_int(json, "amount", transfer->amount < 0 ? -transfer->amount : transfer->amount);
    json_put_string(json, "currency", "VND");
    json_put_string(json, "direction", transfer->amount < 0 ? "out" : "in");
    json_put_string(json, "memo", transfer->memo);
    json_put_string(json, "bank_reference", transfer->reference);
    json_put_instant(json, "booked_at", transfer->booked_at);
    json_put_string(json, "counterparty_name", transfer->counterparty_name);
    json_put_string(json, "counterparty_account", transfer->counterparty_account);
    json_put_int(json, "balance", transfer->balance);
    json_put_end(json);
}

static const char *member(const json_t *record, const char *name)
{
    const char *value = json_string_value(json_object_get(record, name));
    return value ? value : "";
}

static void replayed(void *with, json_t *record)
{
    struct bank *bank = with;
    struct transfer draft = {.id = json_integer_value(json_object_get(record, "id")),
                             .account = bank_account(bank, text_of(member(record, "account_number"))),
                             .amount = json_integer_value(json_object_get(record, "amount")),
                             .memo = member(record, "memo"),
                             .counterparty_name = member(record, "counterparty_name"),
                             .counterparty_account = member(record, "counterparty_account")};
    if (!draft.account || !instant_parse(text_of(member(record, "booked_at")), &draft.booked_at)) {
        fprintf(stderr, "sandbox: a transfer of an account that is not configured is left out\n");
        return;
    }
    if (!strcmp(member(record, "direction"), "out"))
        draft.amount = -draft.amount;
    snprintf(draft.reference, sizeof draft.reference, "%s", member(record, "bank_reference"));
    transfer_add(bank, &draft);
}

/* "NUMBER:NAME:BIN" or "NUMBER:NAME:BIN:OPENING". */
static bool account_read(const char *option, struct account *ret)
{
    struct text rest = text_of(option);
    struct text number = text_until(rest, ':', &rest), name = text_until(rest, ':', &rest);
    struct text bin = text_until(rest, ':', &rest);
    if (number.length < 1 || number.length > 19 || name.length < 1 || name.length >= sizeof ret->name ||
        bin.length != 6 || (rest.length && !text_to_int64(rest, &ret->opening)))
        return false;
    memcpy(ret->number, number.at, number.length);
    memcpy(ret->name, name.at, name.length);
    memcpy(ret->bin, bin.at, 6);
    ret->balance = ret->opening;
    return true;
}

enum err bank_open(struct sandbox *sandbox, const char *const *accounts, size_t count)
{
    struct bank *bank = memory_new(sizeof *bank);
    pthread_mutex_init(&bank->lock, NULL);
    for (size_t i = 0; i < count && i < ACCOUNTS_MAX; i++)
        if (!account_read(accounts[i], &bank->accounts[bank->account_count++])) {
            fprintf(stderr, "lephi-sandbox: --account NUMBER:NAME:BIN[:OPENING], not %s\n", accounts[i]);
            return ERR_CONFIG;
        }
    sandbox->bank = bank;
    return journal_open(sandbox->folder, "transfers.jsonl", replayed, bank, &bank->journal);
}

static int by_time(const void *a, const void *b)
{
    const struct transfer *x = *(const struct transfer *const *)a, *y = *(const struct transfer *const *)b;
    if (x->booked_at != y->booked_at)
        return x->booked_at < y->booked_at ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

size_t bank_day(struct bank *bank, const struct account *account, date_days day, struct arena *arena,
                const struct transfer ***ret_list, int64_t *ret_opening)
{
    size_t found = 0;
    int64_t opening = account->opening;
    pthread_mutex_lock(&bank->lock);
    const struct transfer **list = ARENA_ARRAY(arena, const struct transfer *, bank->count + 1);
    for (size_t i = 0; i < bank->count; i++) {
        const struct transfer *transfer = bank->transfers[i];
        if (transfer->account != account)
            continue;
        date_days booked = date_of(transfer->booked_at);
        if (day == DATE_NONE || booked == day)
            list[found++] = transfer;
        else if (booked < day)
            opening += transfer->amount;
    }
    pthread_mutex_unlock(&bank->lock);
    qsort(list, found, sizeof *list, by_time);
    *ret_list = list;
    *ret_opening = opening;
    return found;
}

/* Books one transfer: on disk first, then known. */
static enum err book(struct bank *bank, const struct pay_order *order, const char *from_name, const char *from_account,
                     const struct transfer **ret_made)
{
    pthread_mutex_lock(&bank->lock);
    struct transfer draft = {.id = bank->count ? bank->transfers[bank->count - 1]->id + 1 : 1,
                             .account = order->account,
                             .amount = order->amount,
                             .booked_at = order->at == INSTANT_NONE ? clock_now() : order->at,
                             .counterparty_name = from_name,
                             .counterparty_account = from_account};
    struct civil at = civil_of(draft.booked_at);
    snprintf(draft.reference, sizeof draft.reference, "FT%02d%02d%02d%08lld", at.year % 100, at.month, at.day,
             (long long)(draft.id % 100000000));
    char memo[MEMO_MAX];
    struct memo_case of = {.payer_name = from_name,
                           .payer_account = from_account,
                           .account = order->account->number,
                           .account_name = order->account->name,
                           .bank_bin = order->account->bin,
                           .at = draft.booked_at,
                           .serial = (uint64_t)draft.id};
    struct text how = order->amount < 0 ? TEXT("none") : order->mischief.mangle_memo;
    enum err err = memo_deliver(order->memo, how, &of, memo) ? OK : ERR_FIELD_VALUE;
    if (!err) {
        draft.memo = memo;
        draft.balance = order->account->balance + order->amount;
        struct buf line = {0};
        struct json json = json_to(&line);
        transfer_write(&json, NULL, &draft);
        err = journal_append(bank->journal, buf_view(&line), JOURNAL_DURABLE);
        buf_done(&line);
    }
    if (!err)
        *ret_made = transfer_add(bank, &draft);
    pthread_mutex_unlock(&bank->lock);
    return err;
}

static void announce(struct sandbox *sandbox, const struct transfer *transfer, const struct pay_mischief *mischief)
{
    struct buf body = {0};
    struct json json = json_to(&body);
    transfer_write(&json, NULL, transfer);
    struct letter letter = {.kind = "bank",
                            .body = buf_view(&body),
                            .subject = transfer->reference,
                            .signed_at = transfer->booked_at,
                            .delay_ms = mischief->delay_ms,
                            .wrong_signature = mischief->wrong_signature,
                            .reorder = mischief->reorder};
    for (int64_t i = 0; i <= mischief->repeat; i++)
        courier_send(sandbox->courier, &letter);
    buf_done(&body);
}

enum err bank_pay(struct sandbox *sandbox, const struct pay_order *order, const struct transfer *ret_made[2],
                  size_t *ret_count)
{
    char name[128], account[40];
    text_to_ascii(order->from_name.length ? order->from_name : TEXT("NGUYEN VAN DAN"), name, sizeof name);
    text_to_ascii(order->from_account.length ? order->from_account : TEXT("19012345678901"), account, sizeof account);
    size_t times = order->mischief.pay_twice ? 2 : 1;
    for (size_t i = 0; i < times; i++) {
        enum err err = book(sandbox->bank, order, name, account, &ret_made[i]);
        if (err)
            return err;
        *ret_count = i + 1;
        if (!order->mischief.lose_webhook)
            announce(sandbox, ret_made[i], &order->mischief);
    }
    return OK;
}

static void mischief_read(struct json_fields *in, struct pay_mischief *ret)
{
    json_read_bool(in, "lose_webhook", OPTIONAL, &ret->lose_webhook);
    json_read_bool(in, "pay_twice", OPTIONAL, &ret->pay_twice);
    json_read_bool(in, "answer_500", OPTIONAL, &ret->answer_500);
    json_read_bool(in, "hang", OPTIONAL, &ret->hang);
    json_read_bool(in, "wrong_signature", OPTIONAL, &ret->wrong_signature);
    json_read_bool(in, "reorder", OPTIONAL, &ret->reorder);
    json_read_int(in, "delay_ms", OPTIONAL, 0, DELAY_MAX_MS, &ret->delay_ms);
    json_read_int(in, "repeat", OPTIONAL, 0, REPEAT_MAX, &ret->repeat);
    json_read_text(in, "mangle_memo", OPTIONAL, 1, 120, &ret->mangle_memo);
    (void)!json_close(in);
}

/* Puts what the code says into the order where the payer did not say otherwise. */
static void order_from_qr(struct json_fields *in, struct text payload, const struct bank *bank, struct pay_order *order)
{
    struct vietqr_read *qr = ARENA_NEW(in->faults->arena, struct vietqr_read);
    const char *why = "Tài khoản thụ hưởng không có tại ngân hàng này";
    if (vietqr_read(payload, qr, &why)) {
        why = "Tài khoản thụ hưởng không có tại ngân hàng này";
        order->account = bank_account(bank, text_of(qr->account));
        if (order->account && strcmp(order->account->bin, qr->bank_bin))
            order->account = NULL;
        if (!order->amount)
            order->amount = qr->amount;
        if (!order->memo.at)
            order->memo = text_of(qr->memo);
    }
    if (!order->account)
        json_fault(in, "payload", ERR_FIELD_VALUE, "%s", why);
}

static enum err order_read(struct visit *visit, struct pay_order *order)
{
    struct json_fields in, mischief;
    struct text payload = TEXT_NONE, account = TEXT_NONE;
    enum err err = json_parse(buf_view(&visit->body), &in, &visit->faults);
    if (err)
        return err;
    json_read_text(&in, "payload", OPTIONAL, 1, 600, &payload);
    json_read_text(&in, "account", OPTIONAL, 1, 19, &account);
    json_read_int(&in, "amount", OPTIONAL, 1, MONEY_MAX, &order->amount);
    json_read_text(&in, "memo", OPTIONAL, 0, 210, &order->memo);
    json_read_text(&in, "from_name", OPTIONAL, 1, 100, &order->from_name);
    json_read_text(&in, "from_account", OPTIONAL, 1, 30, &order->from_account);
    json_read_instant(&in, "paid_at", OPTIONAL, &order->at);
    json_read_object(&in, "mischief", OPTIONAL, &mischief);
    if (mischief.object)
        mischief_read(&mischief, &order->mischief);
    if (payload.at) {
        order_from_qr(&in, payload, visit->sandbox->bank, order);
    } else {
        order->account = bank_account(visit->sandbox->bank, account);
        if (!order->account)
            json_fault(&in, "account", ERR_FIELD_VALUE, "Không có tài khoản này");
    }
    if (!order->amount)
        json_fault(&in, "amount", ERR_FIELD_MISSING, "Mã không có số tiền: người trả phải nhập");
    return json_close(&in);
}

static void pay_or_debit(struct visit *visit, int sign)
{
    struct pay_order order = {.at = INSTANT_NONE};
    const struct transfer *made[2];
    size_t count = 0;
    if (order_read(visit, &order)) {
        visit_refuse(visit, 422, "invalid_request", "Lệnh chuyển tiền không hợp lệ");
        return;
    }
    order.amount *= sign;
    enum err err = bank_pay(visit->sandbox, &order, made, &count);
    if (err) {
        visit_refuse(visit, err == ERR_FIELD_VALUE ? 422 : 500, err_info(err)->code, "mangle_memo?");
        return;
    }
    if (order.mischief.hang)
        mischief_hang();
    if (order.mischief.answer_500) {
        visit_refuse(visit, 500, "internal", "Sandbox được yêu cầu trả lời lỗi; tiền đã được ghi");
        return;
    }
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_string(&json, "account_name", order.account->name);
    json_put_array(&json, "transactions");
    for (size_t i = 0; i < count; i++)
        transfer_write(&json, NULL, made[i]);
    json_put_end(&json);
    json_put_end(&json);
}

/* POST /bank/pay: somebody pays one of our accounts. */
static void pay(struct visit *visit)
{
    pay_or_debit(visit, 1);
}

/* POST /bank/debit: money leaves one of our accounts (refunds, remittances, charges). */
static void debit(struct visit *visit)
{
    pay_or_debit(visit, -1);
}

/* GET /bank/transaction?reference= */
static void transaction(struct visit *visit)
{
    struct bank *bank = visit->sandbox->bank;
    struct text reference = visit_query(visit, "reference");
    const struct transfer *found = NULL;
    pthread_mutex_lock(&bank->lock);
    for (size_t i = 0; i < bank->count && !found; i++)
        if (text_is(reference, bank->transfers[i]->reference))
            found = bank->transfers[i];
    pthread_mutex_unlock(&bank->lock);
    if (!found) {
        visit_refuse(visit, 404, "not_found", "Không có giao dịch này");
        return;
    }
    struct json json = json_to(&visit->reply);
    transfer_write(&json, NULL, found);
}

/* GET /bank/accounts */
static void accounts(struct visit *visit)
{
    struct bank *bank = visit->sandbox->bank;
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    pthread_mutex_lock(&bank->lock);
    for (size_t i = 0; i < bank->account_count; i++) {
        json_put_object(&json, NULL);
        json_put_string(&json, "number", bank->accounts[i].number);
        json_put_string(&json, "name", bank->accounts[i].name);
        json_put_string(&json, "bank_bin", bank->accounts[i].bin);
        json_put_int(&json, "balance", bank->accounts[i].balance);
        json_put_end(&json);
    }
    pthread_mutex_unlock(&bank->lock);
    json_put_end(&json);
    json_put_end(&json);
}

const struct road bank_roads[] = {{"POST", "/bank/pay", pay},
                                  {"POST", "/bank/debit", debit},
                                  {"GET", "/bank/transaction", transaction},
                                  {"GET", "/bank/accounts", accounts},
                                  {0}};
