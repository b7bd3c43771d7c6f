/* Any bytes as each of the officer's files, beside four small good ones; and as a formula that is then evaluated.
 * Nothing but faults may come of it, and what is read can be quoted. */
#include <assert.h>
#include "payments/fees/catalogue.h"

static const struct catalogue_files good = {
    .fees = TEXT(
        "code,name_vi,name_en,kind,formula,unit_vi,unit_en,valid_from,valid_to,legal_basis,legal_article,issued_by,"
        "collector,beneficiary,budget_item,budget_level,retention,document,refund_rule,decided_by,rounding,confidence,"
        "note\n"
        "A,Phí A,Fee A,phi,page(1-2: 2000; 3-: 1000; cap=200000),bản,copy,2017-01-01,,TT 1,Điều 1,hdnd,ubnd_xa,"
        "ubnd_xa,2716,local,85% public_unit,state_receipt,unset,payment,dong_half_up,H,\n"
        "B,Phí B,Fee B,le_phi,matrix(by=value; area=KV1: 5%; else: 20000),xe,car,2017-01-01,2026-12-31,TT 2,Điều 2,"
        "hdnd,ubnd_xa,ubnd_xa,2716,local,0%,state_receipt,unset,filing,thousand_down,H,\n"
        "C,Phí C,Fee C,phi,percent_of(A; 50%),bản,copy,2017-01-01,,TT 3,Điều 3,hdnd,ubnd_xa,ubnd_xa,2716,local,unset,"
        "state_receipt,unset,payment,dong_half_up,H,\n"),
    .reductions = TEXT(
        "code,name_vi,name_en,kind,fees,procedures,categories,channels,condition,rate,scope,yearly_cap,times_per_year,"
        "valid_from,valid_to,decided_by,legal_basis,legal_article,evidence_vi,evidence_en,confidence,note\n"
        "R,Giảm,Less,relief,A B,,poor,online,area=KV1,50%,all,5 * base_salary,1,2017-01-01,,payment,NQ 1,,,,H,\n"
        "S,Kênh,Share,channel_share,C,P,,online,,20%,from_second,,,2017-01-01,,filing,NQ 2,,,,H,\n"),
    .categories = TEXT("code,name_vi,name_en,legal_basis,evidence_vi,evidence_en\npoor,Nghèo,Poor,L 1,,\n"),
    .procedures = TEXT("code,name_vi,name_en,agency_level,fees,optional_fees,postal,confidence,note\n"
                       "P,Thủ tục,Procedure,XA,A,B C,both,H,\n"),
    .values = TEXT("name,value,valid_from,valid_to,legal_basis,note\nedition,2026-11-22,,,,\n"
                   "base_salary,2340000,,,,\nbudget_item.2716,2700,,,,\n"
                   "rate.USD,26085.5,2026-11-23,2026-11-23,,\ncollector_kind.ubnd_xa,public_unit,,,,\n"),
    .names = {"fees.csv", "reductions.csv", "categories.csv", "procedures.csv", "values.csv"}};

/* Every fee that could be read is priced or refused, and never below nothing or above its own gross. */
static void quote_all(const struct catalogue *catalogue, struct faults *faults, date_days today)
{
    struct quote_request request;
    quote_request_init(&request);
    for (int i = 0; i < QUANTITY_COUNT; i++)
        request.quantities[i] = 3;
    request.channel = CHANNEL_ONLINE;
    request.area_class = TEXT("KV1");
    request.category_count = catalogue->category_count > 0;
    if (request.category_count)
        request.categories[0] = catalogue->categories[0].code;
    for (size_t i = 0; i < catalogue->entry_count && i < 50; i++) {
        struct quote quote;
        struct buf words = {0};
        request.fee_count = 1;
        request.fees[0] = catalogue->entries[i].code;
        faults_init(faults, faults->arena);
        if (quote_compute(catalogue, &request, today, faults->arena, faults, &quote))
            continue;
        assert(quote.lines[0].net >= 0 && quote.lines[0].net <= quote.lines[0].gross);
        quote_explain(&quote, 0, LANGUAGE_VI, &words);
        quote_explain(&quote, 0, LANGUAGE_EN, &words);
        (void)fee_remittance_unset(catalogue, quote.lines[0].fee, (struct fee_collector){TEXT("5700100001"), today});
        buf_done(&words);
    }
}

static void read_as(size_t part, struct text bytes, struct faults *faults, date_days today)
{
    struct catalogue_files files = good;
    struct text *const parts[] = {&files.fees, &files.reductions, &files.categories, &files.procedures, &files.values};
    struct catalogue *catalogue = NULL;
    *parts[part] = bytes;
    faults_init(faults, faults->arena);
    if (catalogue_read(&files, faults, &catalogue))
        assert(faults->count > 0 && !catalogue);
    else {
        (void)catalogue_check(catalogue, &files, today, faults);
        quote_all(catalogue, faults, today);
    }
    catalogue_drop(catalogue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    static struct faults faults;
    struct formula formula;
    const char *why = NULL;
    if (size < 1)
        return 0;
    arena_init(&arena);
    faults_init(&faults, &arena);
    struct text bytes = arena_text(&arena, (struct text){(const char *)data + 1, size - 1});
    date_days today = date_from(2026, 11, 23);
    if (data[0] % 8 < 5) {
        read_as(data[0] % 8, bytes, &faults, today);
    } else if (!formula_read(bytes, ROUND_DONG_HALF_UP, &arena, &why, &formula)) {
        struct quote_request request;
        quote_request_init(&request);
        request.area_class = TEXT("KV1");
        for (int64_t value = 1; value < MONEY_MAX / 7; value *= 7) {
            struct formula_result result;
            const struct formula_input input = {.request = &request, .fee = TEXT("X"), .where = "", .day = today};
            for (int i = 0; i < QUANTITY_COUNT; i++)
                request.quantities[i] = value;
            request.exchange_rate = value;
            faults_init(&faults, &arena);
            if (formula.kind != FORMULA_PERCENT_OF && !formula_evaluate(&formula, &input, &faults, &result))
                assert(result.gross >= 0 && result.gross <= MONEY_MAX);
        }
    } else {
        assert(why && *why);
    }
    arena_done(&arena);
    return 0;
}
