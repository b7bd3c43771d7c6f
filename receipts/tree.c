#include "receipts/tree.h"
#include "receipts/envelope.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 16 };

static void free_document(void *doc)
{
    xmlFreeDoc(doc);
}

/* Elements and texts only, bounded in depth and number. Iterative: the input chooses the depth. */
static const char *forbidden_in(xmlDoc *doc, int nodes_max)
{
    if (doc->intSubset || doc->extSubset)
        return "DTD không được phép.";
    for (xmlNode *top = doc->children; top; top = top->next)
        if (top->type != XML_ELEMENT_NODE)
            return "Ngoài phần tử gốc không được có gì khác.";
    int depth = 0, nodes = 0;
    xmlNode *node = xmlDocGetRootElement(doc);
    while (node) {
        if (node->type != XML_ELEMENT_NODE && node->type != XML_TEXT_NODE)
            return "Chỉ phần tử và văn bản được phép (không chú thích, CDATA, chỉ thị, thực thể).";
        if (++nodes > nodes_max || depth > DEPTH_MAX)
            return "Cấu trúc quá sâu hoặc quá nhiều phần tử.";
        if (node->type == XML_ELEMENT_NODE && node->children) {
            node = node->children;
            depth++;
            continue;
        }
        while (node && !node->next) {
            node = node->parent && node->parent->type == XML_ELEMENT_NODE ? node->parent : NULL;
            depth--;
        }
        node = node ? node->next : NULL;
    }
    return NULL;
}

/* The bytes are UTF-8; a declaration that says otherwise would be read otherwise by other programs. */
static bool declares_utf8(struct text xml)
{
    struct text head = text_starts(xml, "<?xml") ? text_slice(xml, 0, text_find(xml, TEXT("?>"))) : TEXT("");
    size_t at = text_find(head, TEXT("encoding"));
    struct text value = text_slice(head, at, head.length);
    size_t quote = 0;
    while (quote < value.length && value.at[quote] != '"' && value.at[quote] != '\'')
        quote++;
    return at == head.length || (value.length > quote + 6 && !strncasecmp(value.at + quote + 1, "utf-8", 5) &&
                                 value.at[quote + 6] == value.at[quote]);
}

enum err tree_parse(struct text xml, xmlDoc **ret_doc, struct faults *faults)
{
    return tree_parse_within(xml, receipt_envelope.bytes_max, receipt_envelope.nodes_max, ret_doc, faults);
}

enum err tree_parse_within(struct text xml, size_t bytes_max, int nodes_max, xmlDoc **ret_doc, struct faults *faults)
{
    if (xml.length >= 3 && !memcmp(xml.at, "\xEF\xBB\xBF", 3))
        xml = text_slice(xml, 3, xml.length);
    if (!xml.length || xml.length > bytes_max)
        return faults_add(faults, "", ERR_XML_SYNTAX, "Tệp rỗng hoặc lớn hơn %zu byte.", bytes_max);
    if (!text_is_utf8(xml) || !declares_utf8(xml))
        return faults_add(faults, "", ERR_XML_SYNTAX, "Tệp không phải UTF-8.");
    /* A '<' of text is always escaped and comments and CDATA are refused: so this stands in no receipt, and entities
     * are refused before a parser has seen them. */
    if (text_find(xml, TEXT("<!")) < xml.length)
        return faults_add(faults, "", ERR_XML_SYNTAX, "DTD, chú thích và CDATA không được phép.");
    xmlDoc *doc = xmlReadMemory(xml.at, (int)xml.length, NULL, "UTF-8",
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
    if (!doc)
        return faults_add(faults, "", ERR_XML_SYNTAX, NULL);
    arena_on_done(faults->arena, free_document, doc);
    const char *forbidden = forbidden_in(doc, nodes_max);
    if (forbidden)
        return faults_add(faults, "", ERR_XML_SYNTAX, "%s", forbidden);
    *ret_doc = doc;
    return OK;
}

static bool is_blank(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE && !text_trim(text_of((const char *)node->content)).length;
}

static void skip_blanks(struct tree_cursor *cursor)
{
    while (cursor->next && is_blank(cursor->next))
        cursor->next = cursor->next->next;
}

struct tree_cursor tree_enter(xmlNode *parent, const char *namespace, struct faults *faults, enum err *err,
                              enum err code)
{
    struct tree_cursor cursor = {parent, parent ? parent->children : NULL, namespace, faults, err, code};
    skip_blanks(&cursor);
    return cursor;
}

void tree_fail(struct tree_cursor *cursor, const char *name, const char *words)
{
    if (*cursor->err)
        return;
    char where[128];
    snprintf(where, sizeof where, "%s/%s", cursor->parent ? (const char *)cursor->parent->name : "", name);
    *cursor->err = faults_add(cursor->faults, where, cursor->code, "%s", words);
}

bool tree_is_next(const struct tree_cursor *cursor, const char *name)
{
    const xmlNode *node = cursor->next;
    if (*cursor->err || !node || node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, name))
        return false;
    if (!cursor->namespace)
        return !node->ns;
    return node->ns && !strcmp((const char *)node->ns->href, cursor->namespace);
}

static bool attributes_allowed(const xmlNode *node, const char *const *attributes)
{
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
        bool known = false;
        for (size_t i = 0; attributes && attributes[i] && !known; i++)
            known = !attribute->ns && !strcmp((const char *)attribute->name, attributes[i]);
        if (!known)
            return false;
    }
    return true;
}

xmlNode *tree_take(struct tree_cursor *cursor, const char *name, const char *const *attributes)
{
    if (!tree_is_next(cursor, name)) {
        tree_fail(cursor, name, "Thiếu phần tử, sai tên, sai thứ tự hoặc sai không gian tên.");
        return NULL;
    }
    xmlNode *node = cursor->next;
    if (!attributes_allowed(node, attributes)) {
        tree_fail(cursor, name, "Có thuộc tính không được phép.");
        return NULL;
    }
    /* Only the signature brings a namespace, so no declaration may stand anywhere else. */
    if (node->nsDef && (!cursor->namespace || strcmp(name, "Signature") != 0)) {
        tree_fail(cursor, name, "Khai báo không gian tên không được phép ở đây.");
        return NULL;
    }
    cursor->next = node->next;
    skip_blanks(cursor);
    return node;
}

struct text tree_take_text(struct tree_cursor *cursor, const char *name)
{
    xmlNode *node = tree_take(cursor, name, NULL);
    if (!node || !node->children)
        return TEXT_NONE;
    if (node->children->type != XML_TEXT_NODE || node->children->next) {
        tree_fail(cursor, name, "Chỉ văn bản được phép ở đây.");
        return TEXT_NONE;
    }
    return arena_text(cursor->faults->arena, text_of((const char *)node->children->content));
}

struct text tree_attribute(const xmlNode *node, const char *name)
{
    for (const xmlAttr *attribute = node ? node->properties : NULL; attribute; attribute = attribute->next)
        if (!attribute->ns && !strcmp((const char *)attribute->name, name) && attribute->children &&
            !attribute->children->next)
            return text_of((const char *)attribute->children->content);
    return TEXT_NONE;
}

void tree_leave(struct tree_cursor *cursor)
{
    if (!*cursor->err && cursor->next)
        tree_fail(cursor, cursor->next->name ? (const char *)cursor->next->name : "", "Có phần tử hoặc văn bản thừa.");
}

bool signing_time_parse(struct text text, instant_us *ret_at)
{
    char local[64];
    if (text.length == 19) {
        snprintf(local, sizeof local, "%.*s+07:00", TEXT_ARGS(text));
        text = text_of(local);
    }
    return instant_parse(text, ret_at);
}
