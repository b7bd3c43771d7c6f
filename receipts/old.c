/* Receipts of before July 2026 (01BLP, 02BLP under NĐ 123/2020): read, never issued. Their schema was not public and
 * each provider wrote its own, so a reader looks for what stands in every one of them: a form of the old kind, and
 * beside it symbol, number and day, under any of the names in use. What their signature says is not judged here. */
#include <string.h>
#include "receipts/tree.h"

/* Names in use for the same thing; the nearest documents are invoices of QĐ 1450/QĐ-TCT. */
static const char *const symbol_names[] = {"KHBLai", "KHHDon", "KyHieu", "KyHieuBienLai", "Symbol", "Serial", NULL};
static const char *const number_names[] = {"SBLai", "SHDon", "So", "SoBienLai", "InvNo", "No", NULL};
static const char *const day_names[] = {"NLap", "NgayLap", "NgayBienLai", "ArisingDate", NULL};
static const char *const tax_names[] = {"MST", "MaSoThue", "ComTaxCode", NULL};
static const char *const name_names[] = {"Ten", "TenDonVi", "ComName", NULL};
static const char *const total_names[] = {"TgTTTBSo", "TgTien", "TongTien", "SoTien", "Amount", NULL};

static bool digits(struct text text, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        if (i >= text.length || text.at[i] < '0' || text.at[i] > '9')
            return false;
    return true;
}

/* 01BLP, 01BLP0, 01BLP0-001 */
bool receipt_old_form(struct text form)
{
    if (!text_starts(form, "01BLP") && !text_starts(form, "02BLP"))
        return false;
    return form.length == 5 || (form.length == 6 && digits(form, 5, 1)) ||
           (form.length == 10 && digits(form, 5, 1) && form.at[6] == '-' && digits(form, 7, 3));
}

static struct text leaf(const xmlNode *node)
{
    const xmlNode *text = node->children;
    return text && text->type == XML_TEXT_NODE && !text->next ? text_trim(text_of((const char *)text->content))
                                                              : TEXT_NONE;
}

static bool named(const xmlNode *node, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (!strcmp((const char *)node->name, names[i]))
            return true;
    return false;
}

/* Next element in document order; NULL at the end. */
static xmlNode *next_of(xmlNode *node, const xmlNode *root)
{
    if (node->children)
        return node->children;
    while (node && node != root && !node->next)
        node = node->parent;
    return node && node != root ? node->next : NULL;
}

static void take(struct text *ret, const xmlNode *node, const char *const *names, struct arena *arena)
{
    struct text value = leaf(node);
    if (!ret->length && value.length && named(node, names))
        *ret = arena_text(arena, text_head(value, 400));
}

enum err receipt_old_read(struct text xml, struct receipt_old *ret_old, struct faults *faults)
{
    xmlDoc *doc;
    struct receipt_old old = {0};
    enum err err = tree_parse(xml, &doc, faults);
    if (err)
        return err;
    xmlNode *root = xmlDocGetRootElement(doc), *place = NULL;
    for (xmlNode *node = root; node && !place; node = next_of(node, root))
        if (node->type == XML_ELEMENT_NODE && receipt_old_form(leaf(node))) {
            old.form = arena_text(faults->arena, leaf(node));
            place = node->parent;
        }
    if (!place)
        return faults_add(faults, "", ERR_NOT_FOUND, "Không có mẫu số 01BLP, 02BLP.");
    for (xmlNode *node = place->children; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE) {
            take(&old.symbol, node, symbol_names, faults->arena);
            take(&old.number, node, number_names, faults->arena);
            take(&old.issued_on, node, day_names, faults->arena);
        }
    for (xmlNode *node = root; node; node = next_of(node, root))
        if (node->type == XML_ELEMENT_NODE) {
            take(&old.collector_tax_code, node, tax_names, faults->arena);
            take(&old.collector, node, name_names, faults->arena);
            take(&old.total, node, total_names, faults->arena);
            old.has_signature = old.has_signature || !strcmp((const char *)node->name, "SignatureValue");
        }
    if (!old.number.length || !old.symbol.length)
        return faults_add(faults, "", ERR_INVALID, "Biên lai cũ thiếu ký hiệu hoặc số.");
    *ret_old = old;
    return OK;
}

void receipt_old_write(struct json *json, const struct receipt_old *old)
{
    json_put_object(json, NULL);
    json_put_string(json, "kind", "old_receipt");
    json_put_string(json, "law", "NĐ 123/2020/NĐ-CP, hết hiệu lực từ 01/7/2026");
    json_put_text(json, "form", old->form);
    json_put_text(json, "symbol", old->symbol);
    json_put_text(json, "number", old->number);
    json_put_text_or_null(json, "issued_on", old->issued_on);
    json_put_text_or_null(json, "collector", old->collector);
    json_put_text_or_null(json, "collector_tax_code", old->collector_tax_code);
    json_put_text_or_null(json, "total", old->total);
    json_put_string(json, "signature", old->has_signature ? "present, not judged" : "absent");
    json_put_end(json);
}
