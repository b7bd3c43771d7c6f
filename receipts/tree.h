/* Reading XML from outside: a tree of elements and texts, nothing else, and readers that take nodes in order. */
#ifndef LEPHI_RECEIPTS_TREE_H
#define LEPHI_RECEIPTS_TREE_H

#include <libxml/tree.h>
#include "receipts/profile.h"
#include "receipts/receipts.h"

/* Parses without network, entities or DTD; refuses comments, processing instructions, CDATA, more than
 * RECEIPT_XML_MAX bytes and depth over a receipt's. The document is freed with the arena of `faults`. */
MUST_CHECK enum err tree_parse(struct text xml, xmlDoc **ret_doc, struct faults *faults);
/* The same with other bounds. */
MUST_CHECK enum err tree_parse_within(struct text xml, size_t bytes_max, int nodes_max, xmlDoc **ret_doc,
                                      struct faults *faults);

/* Walks the children of one element in order. After a fault every taker does nothing and gives NULL or empty. */
struct tree_cursor {
    xmlNode *parent, *next;
    const char *namespace; /* NULL: none */
    struct faults *faults;
    enum err *err; /* shared by the cursors of one reading; the first fault stays */
    enum err code; /* what a fault at this level means */
};

struct tree_cursor tree_enter(xmlNode *parent, const char *namespace, struct faults *faults, enum err *err,
                              enum err code);
void tree_fail(struct tree_cursor *cursor, const char *name, const char *words);
bool tree_is_next(const struct tree_cursor *cursor, const char *name);
/* The next element, which must have this name and only attributes of `attributes` (NULL-terminated, NULL: none). */
xmlNode *tree_take(struct tree_cursor *cursor, const char *name, const char *const *attributes);
/* A leaf: its text in the arena. */
struct text tree_take_text(struct tree_cursor *cursor, const char *name);
/* The value of an attribute without namespace; TEXT_NONE when absent. Lives as long as the tree. */
struct text tree_attribute(const xmlNode *node, const char *name);
/* No element may be left. */
void tree_leave(struct tree_cursor *cursor);

/* The data element's content; `data` was taken by the caller. Ends with receipt_document_check. */
MUST_CHECK enum err document_from_tree(xmlNode *data, struct receipt_document *ret_document, struct faults *faults);

/* "2026-11-23T08:15:00" is local time of Vietnam (as tax documents write it); an offset is understood too. */
bool signing_time_parse(struct text text, instant_us *ret_at);

#endif
