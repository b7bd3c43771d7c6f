/* From the tree to the document: every element in its place, nothing beside it. */
#include "receipts/tree.h"

#include <string.h>

static struct text take(struct tree_cursor *in, enum receipt_element element)
{
    return tree_take_text(in, receipt_element_name(element));
}

static struct text take_optional(struct tree_cursor *in, enum receipt_element element)
{
    return tree_is_next(in, receipt_element_name(element)) ? take(in, element) : TEXT_NONE;
}

static xmlNode *take_node(struct tree_cursor *in, enum receipt_element element)
{
    return tree_take(in, receipt_element_name(element), NULL);
}

static struct tree_cursor enter(struct tree_cursor *outer, enum receipt_element element)
{
    xmlNode *node = take_node(outer, element);
    return tree_enter(node, NULL, outer->faults, outer->err, outer->code);
}

/* One way to write a number: no sign, no leading zero. */
static int64_t take_int(struct tree_cursor *in, enum receipt_element element)
{
    struct text text = take(in, element);
    int64_t value = 0;
    if (*in->err)
        return 0;
    if (!text_to_int64(text, &value) || value < 0 || (text.length > 1 && text.at[0] == '0'))
        tree_fail(in, receipt_element_name(element), "Không phải số nguyên.");
    return value;
}

static date_days take_date(struct tree_cursor *in, enum receipt_element element)
{
    struct text text = take(in, element);
    date_days date = DATE_NONE;
    if (!*in->err && !date_parse(text, &date))
        tree_fail(in, receipt_element_name(element), "Không phải ngày.");
    return date;
}

static void take_exact(struct tree_cursor *in, enum receipt_element element, const char *expected)
{
    struct text text = take(in, element);
    if (!*in->err && !text_is(text, expected))
        tree_fail(in, receipt_element_name(element), "Giá trị khác quy định.");
}

static void read_party(struct tree_cursor *outer, enum receipt_element element, struct receipt_party *ret)
{
    struct tree_cursor in = enter(outer, element);
    ret->name = take(&in, EL_NAME);
    ret->tax_code = take_optional(&in, EL_TAX_CODE);
    ret->address = take_optional(&in, EL_ADDRESS);
    ret->phone = take_optional(&in, EL_PHONE);
    ret->account = take_optional(&in, EL_ACCOUNT);
    ret->id_number = take_optional(&in, EL_ID_NUMBER);
    ret->passport = take_optional(&in, EL_PASSPORT);
    tree_leave(&in);
}

static void read_general(struct tree_cursor *outer, struct receipt_document *ret)
{
    struct tree_cursor in = enter(outer, EL_GENERAL);
    take_exact(&in, EL_VERSION, RECEIPT_VERSION);
    take_exact(&in, EL_TITLE, RECEIPT_TITLE);
    ret->form = take(&in, EL_FORM);
    ret->symbol = take(&in, EL_SYMBOL);
    ret->number = take_int(&in, EL_NUMBER);
    ret->issued_on = take_date(&in, EL_ISSUED_ON);
    take_exact(&in, EL_CURRENCY, "VND");
    ret->dossier = take_optional(&in, EL_DOSSIER);
    ret->applicant = take_optional(&in, EL_APPLICANT);
    ret->reference = take_optional(&in, EL_REFERENCE);
    ret->lookup_code = take_optional(&in, EL_LOOKUP_CODE);
    if (tree_is_next(&in, receipt_element_name(EL_RELATED))) {
        struct tree_cursor related = enter(&in, EL_RELATED);
        ret->replaces.form = take(&related, EL_FORM);
        ret->replaces.symbol = take(&related, EL_SYMBOL);
        ret->replaces.number = take(&related, EL_NUMBER);
        ret->replaces.issued_on = take_date(&related, EL_ISSUED_ON);
        ret->replaces.reason = take(&related, EL_REASON);
        tree_leave(&related);
    }
    tree_leave(&in);
}

static void read_lines(struct tree_cursor *outer, struct receipt_document *ret)
{
    struct tree_cursor in = enter(outer, EL_LINES);
    size_t count = 0;
    for (xmlNode *node = in.next; node; node = node->next)
        count += node->type == XML_ELEMENT_NODE;
    if (count > RECEIPT_LINES_MAX) {
        tree_fail(&in, receipt_element_name(EL_LINE), "Quá nhiều khoản thu.");
        return;
    }
    struct receipt_line *lines = ARENA_ARRAY(in.faults->arena, struct receipt_line, count + 1);
    for (size_t i = 0; i < count && !*in.err; i++) {
        struct tree_cursor line = enter(&in, EL_LINE);
        if (take_int(&line, EL_ORDINAL) != (int64_t)i + 1)
            tree_fail(&line, receipt_element_name(EL_ORDINAL), "Số thứ tự sai.");
        lines[i].fee = take(&line, EL_FEE);
        lines[i].name = take(&line, EL_FEE_NAME);
        struct text kind = take(&line, EL_KIND);
        lines[i].kind = text_is(kind, "phi") ? RECEIPT_PHI : RECEIPT_LE_PHI;
        if (lines[i].kind == RECEIPT_LE_PHI && !text_is(kind, "le_phi"))
            tree_fail(&line, receipt_element_name(EL_KIND), "Loại phải là phi hoặc le_phi.");
        lines[i].quantity = take_optional(&line, EL_QUANTITY);
        lines[i].amount = take_int(&line, EL_AMOUNT);
        tree_leave(&line);
    }
    tree_leave(&in);
    ret->lines = lines;
    ret->line_count = count;
}

static void read_payment(struct tree_cursor *outer, struct receipt_document *ret)
{
    struct tree_cursor in = enter(outer, EL_PAYMENT);
    ret->total = take_int(&in, EL_TOTAL);
    struct text words = take(&in, EL_WORDS);
    char expected[RECEIPT_WORDS_SIZE] = "";
    if (ret->total < 0 || ret->total > MONEY_MAX)
        tree_fail(&in, receipt_element_name(EL_TOTAL), "Số tiền ngoài giới hạn.");
    else
        receipt_amount_in_words(ret->total, expected);
    if (!*in.err && !text_is(words, expected))
        tree_fail(&in, receipt_element_name(EL_WORDS), "Số tiền bằng chữ khác số tiền bằng số.");
    struct text method = take(&in, EL_METHOD);
    if (!*in.err && !receipt_method_find(method, &ret->method))
        tree_fail(&in, receipt_element_name(EL_METHOD), "Không rõ hình thức thanh toán.");
    ret->collected_on = take_date(&in, EL_COLLECTED_ON);
    tree_leave(&in);
}

enum err document_from_tree(xmlNode *data, struct receipt_document *ret_document, struct faults *faults)
{
    enum err err = OK;
    struct tree_cursor in = tree_enter(data, NULL, faults, &err, ERR_INVALID);
    struct receipt_document document = {.signed_at = INSTANT_NONE, .replaces.issued_on = DATE_NONE};
    read_general(&in, &document);
    read_party(&in, EL_COLLECTOR, &document.collector);
    if (tree_is_next(&in, receipt_element_name(EL_DELEGATE)))
        read_party(&in, EL_DELEGATE, &document.delegate);
    read_party(&in, EL_PAYER, &document.payer);
    read_lines(&in, &document);
    read_payment(&in, &document);
    tree_leave(&in);
    if (err)
        return err;
    err = receipt_document_check(&document, faults);
    if (!err)
        *ret_document = document;
    return err;
}

/* Only where the time stands; whether it may be believed is receipt_verify's business. */
static instant_us claimed_signing_time(const xmlNode *root)
{
    const xmlNode *node = root;
    while (node) {
        instant_us at;
        if (node->type == XML_ELEMENT_NODE && !strcmp((const char *)node->name, "SigningTime") && node->children &&
            node->children->type == XML_TEXT_NODE &&
            signing_time_parse(text_of((const char *)node->children->content), &at))
            return at;
        if (node->type == XML_ELEMENT_NODE && node->children) {
            node = node->children;
            continue;
        }
        while (node && node != root && !node->next)
            node = node->parent;
        node = node && node != root ? node->next : NULL;
    }
    return INSTANT_NONE;
}

enum err receipt_document_read(struct text xml, struct receipt_document *ret_document, struct faults *faults)
{
    xmlDoc *doc;
    enum err err = tree_parse(xml, &doc, faults);
    if (err)
        return err;
    static const char *const id_only[] = {"Id", NULL};
    xmlNode *root = xmlDocGetRootElement(doc);
    struct tree_cursor top = {root, root, NULL, faults, &err, ERR_INVALID};
    if (root && root->next)
        tree_fail(&top, "", "Có hơn một phần tử gốc.");
    struct tree_cursor in = enter(&top, EL_ROOT);
    xmlNode *data = tree_take(&in, receipt_element_name(EL_DATA), id_only);
    bool is_signed = tree_is_next(&in, receipt_element_name(EL_SIGNATURES));
    if (!is_signed)
        tree_leave(&in);
    if (err)
        return err;
    err = document_from_tree(data, ret_document, faults);
    if (!err && is_signed) {
        ret_document->signed_at = claimed_signing_time(root);
        if (ret_document->signed_at == INSTANT_NONE)
            err = faults_add(faults, receipt_element_name(EL_SIGNATURES), ERR_SIGNATURE_PROFILE, NULL);
    }
    return err;
}
