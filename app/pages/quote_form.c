/* Asking for a price by a plain form: what the calculator and the cashier share. */
#include <string.h>
#include "app/pages/quote_view.h"

static const struct {
    enum quantity quantity;
    const char *name, *label, *hint;
} numbers[] = {{QUANTITY_COPIES, "copies", "Số bản", ""},
               {QUANTITY_PAGES, "pages", "Số trang của bản chính", ""},
               {QUANTITY_PERSONS, "persons", "Số người", ""},
               {QUANTITY_SEQUENCE, "sequence", "Cấp lần thứ", ""},
               {QUANTITY_VALUE, "value", "Giá trị (đồng)", "Giá trị hợp đồng, tài sản hoặc dự án"},
               {QUANTITY_AREA_M2, "area_m2", "Diện tích (m²)", ""},
               {QUANTITY_HECTARES, "hectares", "Diện tích (ha)", ""}};
enum { NUMBER_COUNT = sizeof numbers / sizeof *numbers };

/* Words of tariffs, for people; what is not listed is shown as it is. */
static const char *const case_words[][2] = {{"KV1", "Khu vực I"},
                                            {"KV2", "Khu vực II"},
                                            {"KV3", "Khu vực III"},
                                            {"phuong", "Phường"},
                                            {"xa", "Xã"},
                                            {"urban", "Đô thị"},
                                            {"central_city", "Thành phố trực thuộc trung ương"},
                                            {"other", "Nơi khác"},
                                            {"new", "Cấp mới"},
                                            {"reissue", "Cấp lại"},
                                            {"extend", "Gia hạn"},
                                            {"giahan", "Gia hạn"},
                                            {"certify", "Chứng nhận"},
                                            {"copy", "Cấp bản sao"},
                                            {"pickup", "Xe bán tải"},
                                            {"van", "Xe tải van"}};

/* Who may pay less; the evidence is checked by the desk. The names are the contract's. */
static const char *const categories[][2] = {
    {"digital_citizen", "Công dân số (VNeID mức 2, giấy tờ đã tích hợp)"},
    {"child", "Trẻ em"},
    {"poor_household", "Hộ nghèo"},
    {"elderly", "Người cao tuổi"},
    {"disabled", "Người khuyết tật"},
    {"merit", "Người có công với cách mạng"},
    {"ethnic_minority_special_area", "Đồng bào dân tộc thiểu số ở xã đặc biệt khó khăn"},
    {"border_or_safe_zone_commune", "Xã biên giới, xã an toàn khu"},
    {"special_zone_resident", "Người dân đặc khu"}};
enum { CATEGORY_COUNT = sizeof categories / sizeof *categories };

static struct text field(struct page *page, struct text form, const char *name)
{
    return text_trim(form_field(page->arena, form, name));
}

static void read_numbers(struct page *page, struct text form, struct quote_form *ret)
{
    for (int i = 0; i < NUMBER_COUNT; i++) {
        struct text value = field(page, form, numbers[i].name);
        int64_t number;
        ret->typed[numbers[i].quantity] = value;
        if (!value.length)
            continue;
        if (text_to_int64(value, &number) && number >= 0 && number <= MONEY_MAX)
            ret->wanted.quantities[numbers[i].quantity] = number;
        else
            faults_add(&page->rq->faults, arena_printf(page->arena, "/quantities/%s", numbers[i].name),
                       ERR_FIELD_FORMAT, "%s: chỉ ghi chữ số", numbers[i].label);
    }
}

/* Adds the words behind `name` ("area=KV1|KV2") in a formula, each once. */
static void add_options(struct quote_options *options, struct text formula, const char *name)
{
    struct text mark = text_of(name);
    for (size_t at = text_find(formula, mark); at < formula.length; at = text_find(formula, mark)) {
        formula = text_slice(formula, at + mark.length, formula.length);
        size_t end = 0;
        while (end < formula.length && !strchr(" :;&)", formula.at[end]))
            end++;
        struct text words = text_slice(formula, 0, end);
        while (words.length) {
            struct text word = text_until(words, '|', &words);
            bool known = options->count == QUOTE_OPTIONS_MAX;
            for (size_t i = 0; !known && i < options->count; i++)
                known = text_equal(options->words[i], word);
            if (!known)
                options->words[options->count++] = word;
        }
    }
}

static bool mentions(struct text formula, const char *word)
{
    return text_find(formula, text_of(word)) < formula.length;
}

/* Which fields a fee depends on, as its formula's text says; only a hint, quote_compute decides. */
static void read_formula(struct quote_form *form, struct text formula)
{
    for (int i = 0; i < NUMBER_COUNT; i++)
        if (mentions(formula, numbers[i].name))
            form->asks[numbers[i].quantity] = true;
    if (text_starts(formula, "page("))
        form->asks[QUANTITY_COPIES] = form->asks[QUANTITY_PAGES] = true;
    add_options(&form->areas, formula, "area=");
    add_options(&form->legacy_areas, formula, "legacy=");
    add_options(&form->roles, formula, "role=");
}

static void read_formulas(const struct catalogue *catalogue, date_days day, struct quote_form *form)
{
    const struct procedure *procedure = catalogue_procedure(catalogue, form->wanted.procedure);
    for (size_t i = 0; procedure && i < procedure->usual_count; i++) {
        const struct fee *fee = catalogue_fee_on(catalogue, procedure->fees[i], day);
        struct text rest, base = fee ? text_until(fee->formula_text, '(', &rest) : TEXT_NONE;
        if (!fee)
            continue;
        read_formula(form, fee->formula_text);
        if (text_is(base, "percent_of"))
            fee = catalogue_fee_on(catalogue, text_trim(text_until(rest, ';', &rest)), day);
        if (fee)
            read_formula(form, fee->formula_text);
    }
}

void quote_form_read(struct page *page, struct text form, date_days filed_on, const struct catalogue *catalogue,
                     struct quote_form *ret)
{
    date_days today = date_of(page->rq->at);
    struct text channel = field(page, form, "channel");
    quote_request_init(&ret->wanted);
    ret->wanted.procedure = text_slice(field(page, form, "procedure"), 0, QUOTE_WORD_MAX);
    ret->wanted.area_class = text_slice(field(page, form, "area_class"), 0, QUOTE_WORD_MAX);
    ret->wanted.legacy_area = text_slice(field(page, form, "legacy_area"), 0, QUOTE_WORD_MAX);
    ret->wanted.role = text_slice(field(page, form, "role"), 0, QUOTE_WORD_MAX);
    for (int i = 0; i < CHANNEL_COUNT; i++)
        if (text_is(channel, channel_names[i]))
            ret->wanted.channel = (enum fee_channel)i;
    for (int i = 0; i < CATEGORY_COUNT; i++)
        if (form_field(page->arena, form, categories[i][0]).at)
            ret->wanted.categories[ret->wanted.category_count++] = text_of(categories[i][0]);
    read_numbers(page, form, ret);
    ret->wanted.filed_on = filed_on;
    ret->wanted.paid_on = filed_on == DATE_NONE ? DATE_NONE : today;
    ret->asked = ret->wanted.procedure.length > 0;
    read_formulas(catalogue, today, ret);
    if (!ret->asked || page->rq->faults.count)
        return;
    if (quote_compute(catalogue, &ret->wanted, today, page->arena, &page->rq->faults, &ret->quote))
        return;
    struct buf out = {0};
    struct json json = json_to(&out);
    quote_write(&json, &ret->quote);
    ret->json = arena_text(page->arena, buf_view(&out));
    buf_done(&out);
}

static const char *field_of(const struct fault *fault)
{
    const char *slash = strrchr(fault->where, '/');
    return slash ? slash + 1 : fault->where;
}

static bool faulty(const struct page *page, const char *name)
{
    for (size_t i = 0; i < page->rq->faults.count; i++)
        if (!strcmp(field_of(&page->rq->faults.list[i]), name))
            return true;
    return false;
}

void quote_form_faults(struct page *page, const struct quote_form *form)
{
    const struct faults *faults = &page->rq->faults;
    if (!form->asked || !faults->count)
        return;
    html(page->out, "<div class=\"errors\" role=\"alert\"><h2>Cần thêm thông tin để tính</h2>\n<ul>\n");
    for (size_t i = 0; i < faults->count; i++)
        html(page->out, "<li><a href=\"#%s\">%s</a></li>\n", field_of(&faults->list[i]), faults->list[i].detail);
    html(page->out, "</ul></div>\n");
}

static void put_number(struct page *page, const struct quote_form *form, int i)
{
    enum quantity quantity = numbers[i].quantity;
    bool wrong = faulty(page, numbers[i].name);
    if (!wrong && !form->asks[quantity] && !form->typed[quantity].length)
        return;
    html(page->out, "<div><label for=\"%s\">%s</label>", numbers[i].name, numbers[i].label);
    if (*numbers[i].hint)
        html(page->out, "<span class=\"hint\">%s</span>", numbers[i].hint);
    html(page->out,
         "<input id=\"%s\" name=\"%s\" inputmode=\"numeric\" maxlength=\"16\" autocomplete=\"off\" value=\"%.*s\"",
         numbers[i].name, numbers[i].name, TEXT_ARGS(form->typed[quantity]));
    if (wrong)
        html(page->out, " aria-invalid=\"true\"");
    html(page->out, "></div>\n");
}

static const char *case_of(struct arena *arena, struct text word)
{
    for (size_t i = 0; i < sizeof case_words / sizeof *case_words; i++)
        if (text_is(word, case_words[i][0]))
            return case_words[i][1];
    return arena_printf(arena, "%.*s", TEXT_ARGS(word));
}

struct choice {
    const char *name, *label;
    const struct quote_options *options;
    struct text chosen;
};

static void put_choice(struct page *page, const struct choice *choice)
{
    struct buf *out = page->out;
    if (!choice->options->count && !faulty(page, choice->name))
        return;
    html(out, "<div><label for=\"%s\">%s</label><select id=\"%s\" name=\"%s\"", choice->name, choice->label,
         choice->name, choice->name);
    if (faulty(page, choice->name))
        html(out, " aria-invalid=\"true\"");
    html(out, ">\n<option value=\"\">Chưa chọn</option>\n");
    for (size_t i = 0; i < choice->options->count; i++) {
        struct text word = choice->options->words[i];
        html(out, "<option value=\"%.*s\"", TEXT_ARGS(word));
        if (text_equal(word, choice->chosen))
            html(out, " selected");
        html(out, ">%s</option>\n", case_of(page->arena, word));
    }
    html(out, "</select></div>\n");
}

static void put_categories(struct page *page, const struct quote_form *form)
{
    struct buf *out = page->out;
    html(out, "<details class=\"more\" id=\"beneficiary_categories\"");
    if (form->wanted.category_count || faulty(page, "beneficiary_categories"))
        html(out, " open");
    html(out, "><summary>Đối tượng được miễn, giảm</summary>\n<fieldset><legend class=\"unseen\">Đối tượng được miễn, "
              "giảm</legend>\n");
    for (int i = 0; i < CATEGORY_COUNT; i++) {
        html(out, "<label class=\"box\"><input type=\"checkbox\" name=\"%s\" value=\"1\"", categories[i][0]);
        for (size_t k = 0; k < form->wanted.category_count; k++)
            if (text_is(form->wanted.categories[k], categories[i][0]))
                html(out, " checked");
        html(out, "> %s</label>\n", categories[i][1]);
    }
    html(out, "</fieldset>\n</details>\n");
}

void quote_form_fields(struct page *page, const struct quote_form *form)
{
    const struct choice choices[] = {
        {"area_class", "Khu vực", &form->areas, form->wanted.area_class},
        {"legacy_area", "Địa bàn trước sáp nhập", &form->legacy_areas, form->wanted.legacy_area},
        {"role", "Trường hợp", &form->roles, form->wanted.role}};
    html(page->out, "<div class=\"grid\">\n");
    for (int i = 0; i < NUMBER_COUNT; i++)
        put_number(page, form, i);
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        put_choice(page, &choices[i]);
    html(page->out, "</div>\n");
    put_categories(page, form);
}
