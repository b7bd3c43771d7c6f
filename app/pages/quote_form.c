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

static const char *const areas[][2] = {{"", "Không chọn"},     {"KV1", "Khu vực I"}, {"KV2", "Khu vực II"},
                                       {"KV3", "Khu vực III"}, {"phuong", "Phường"}, {"xa", "Xã"},
                                       {"urban", "Đô thị"},    {"other", "Nơi khác"}};
enum { AREA_COUNT = sizeof areas / sizeof *areas };

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
        if (!value.length)
            continue;
        if (text_to_int64(value, &number) && number >= 0 && number <= MONEY_MAX)
            ret->wanted.quantities[numbers[i].quantity] = number;
        else
            faults_add(&page->rq->faults, arena_printf(page->arena, "/quantities/%s", numbers[i].name),
                       ERR_FIELD_FORMAT, "%s: chỉ ghi chữ số", numbers[i].label);
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
    int64_t value = form->wanted.quantities[numbers[i].quantity];
    html(page->out, "<div><label for=\"%s\">%s</label>", numbers[i].name, numbers[i].label);
    if (*numbers[i].hint)
        html(page->out, "<span class=\"hint\">%s</span>", numbers[i].hint);
    html(page->out, "<input id=\"%s\" name=\"%s\" inputmode=\"numeric\" maxlength=\"16\" autocomplete=\"off\"",
         numbers[i].name, numbers[i].name);
    if (faulty(page, numbers[i].name))
        html(page->out, " aria-invalid=\"true\"");
    if (value != QUANTITY_NONE)
        html(page->out, " value=\"%lld\"", (long long)value);
    html(page->out, "></div>\n");
}

void quote_form_fields(struct page *page, const struct quote_form *form)
{
    struct buf *out = page->out;
    bool open = page->rq->faults.count || form->wanted.category_count || form->wanted.area_class.length;
    for (int i = 0; i < NUMBER_COUNT; i++)
        open = open || form->wanted.quantities[numbers[i].quantity] != QUANTITY_NONE;
    html(out, "<details class=\"more\"");
    if (open)
        html(out, " open");
    html(out, "><summary>Số lượng, khu vực, đối tượng được giảm</summary>\n<div class=\"grid\">\n");
    for (int i = 0; i < NUMBER_COUNT; i++)
        put_number(page, form, i);
    html(out, "<div><label for=\"area_class\">Khu vực</label><select id=\"area_class\" name=\"area_class\">\n");
    for (int i = 0; i < AREA_COUNT; i++) {
        html(out, "<option value=\"%s\"", areas[i][0]);
        if (text_is(form->wanted.area_class, areas[i][0]))
            html(out, " selected");
        html(out, ">%s</option>\n", areas[i][1]);
    }
    html(out,
         "</select></div>\n<div><label for=\"role\">Trường hợp</label><span class=\"hint\">Mã trường hợp của biểu phí, "
         "nếu có</span><input id=\"role\" name=\"role\" maxlength=\"40\" value=\"%.*s\"></div>\n</div>\n",
         TEXT_ARGS(form->wanted.role));
    html(out, "<fieldset id=\"beneficiary_categories\"><legend>Đối tượng được miễn, giảm</legend>\n");
    for (int i = 0; i < CATEGORY_COUNT; i++) {
        html(out, "<label class=\"box\"><input type=\"checkbox\" name=\"%s\" value=\"1\"", categories[i][0]);
        for (size_t k = 0; k < form->wanted.category_count; k++)
            if (text_is(form->wanted.categories[k], categories[i][0]))
                html(out, " checked");
        html(out, "> %s</label>\n", categories[i][1]);
    }
    html(out, "</fieldset>\n</details>\n");
}
