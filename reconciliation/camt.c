/* camt.052, .053, .054 in a stream: expat's events, a stack of known elements, one entry in memory at a time.
 *
 * Versions .02 to .14 differ in a few wrappers only (Sts/Cd, Pty), so elements are known by local name and by what
 * they stand in; name spaces and message wrappers (SOAP, AppHdr) are looked through. A DOCTYPE is refused. */
#include "reconciliation/camt.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, PIECE_MAX = 1 << 20, USTRD_FULL = 140 };

/* Elements that mean something, sorted by name. */
// clang-format off
#define ELEMENTS(X)                                                                                                    \
    X(Acct)                                                                                                            \
    X(AcctSvcrRef)                                                                                                     \
    X(AddtlNtryInf)                                                                                                    \
    X(AddtlTxInf)                                                                                                      \
    X(Amt)                                                                                                             \
    X(AmtDtls) X(Bal) X(BkTxCd) X(BookgDt) X(Ccy) X(Cd) X(CdOrPrtry) X(CdtDbtInd) X(Cdtr) X(CdtrAcct) X(CdtrRefInf)    \
        X(Dbtr) X(DbtrAcct) X(Domn) X(Dt) X(DtTm) X(EndToEndId) X(Fmly) X(IBAN) X(Id) X(InstrId) X(NbOfNtries) X(Nm)   \
            X(Ntfctn) X(Ntry) X(NtryDtls) X(NtryRef) X(Othr) X(Prtry) X(Pty) X(Ref) X(Refs) X(RltdPties) X(RmtInf)     \
                X(Rpt) X(RvslInd) X(Stmt) X(Strd) X(Sts) X(SubFmlyCd) X(Tp) X(TtlNtries) X(TxAmt) X(TxDtls) X(TxId)    \
                    X(TxsSummry) X(UltmtCdtr) X(UltmtDbtr) X(Ustrd) X(ValDt)
// clang-format on

enum element {
    NOTHING,
#define X(name) EL_##name,
    ELEMENTS(X)
#undef X
};

static const char *const element_names[] = {
#define X(name) #name,
    ELEMENTS(X)
#undef X
};

struct balance {
    struct short_text code, currency;
    bool has_amount;
    int64_t amount;
    date_days on;
    enum camt_side side;
};

struct camt {
    struct statement_gate *gate;
    XML_Parser parser;
    int depth;
    uint8_t stack[DEPTH_MAX];
    struct buf text;
    struct short_text amount_currency; /* Ccy of the Amt under way */
    bool refused;
    /* the statement */
    bool in_statement, begun, has_opening, has_closing, opening_booked, closing_booked;
    date_days closing_on;
    int64_t opening, closing, entries, entries_said, ordinal;
    struct short_text account, currency, number;
    struct balance balance;
    struct camt_entry entry;
    bool in_entry, in_detail;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, *(const char *const *)b);
}

static enum element element_of(const char *name)
{
    const char *colon = strrchr(name, ':');
    const char *const *found =
        bsearch(colon ? colon + 1 : name, element_names, sizeof element_names / sizeof *element_names,
                sizeof *element_names, compare_names);
    return found ? (enum element)(found - element_names + 1) : NOTHING;
}

/* The element `up` levels above the one that ends. */
static enum element above(const struct camt *c, int up)
{
    int at = c->depth - 1 - up;
    return at >= 0 && at < DEPTH_MAX ? (enum element)c->stack[at] : NOTHING;
}

static bool is_statement(enum element element)
{
    return element == EL_Stmt || element == EL_Rpt || element == EL_Ntfctn;
}

static int line_now(const struct camt *c)
{
    return (int)XML_GetCurrentLineNumber(c->parser);
}

/* xs:decimal: digits and one point; what the currency cannot hold must be zero. */
static bool decimal_parse(struct text text, int decimals, int64_t *ret_minor)
{
    bool negative = text_starts(text, "-");
    if (negative || text_starts(text, "+"))
        text = text_slice(text, 1, text.length);
    int64_t value = 0;
    int after = -1, digits = 0;
    for (size_t i = 0; i < text.length; i++) {
        char ch = text.at[i];
        if (ch == '.' && after < 0) {
            after = 0;
            continue;
        }
        if (ch < '0' || ch > '9')
            return false;
        digits++;
        if (after >= decimals) {
            if (ch != '0')
                return false;
            continue;
        }
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, ch - '0', &value))
            return false;
        after += after >= 0;
    }
    for (after = after < 0 ? 0 : after; after < decimals; after++)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    *ret_minor = negative ? -value : value;
    return digits > 0;
}

static void take_currency(struct camt *c, const struct short_text *said)
{
    if (!c->currency.length && said->length)
        c->currency = *said;
}

static void statement_begin(struct camt *c)
{
    if (c->begun)
        return;
    c->begun = true;
    struct statement_head head = {
        .line = line_now(c),
        .account = short_text_view(&c->account),
        .currency = short_text_view(&c->currency),
        .number = short_text_view(&c->number),
        .has_opening = c->has_opening,
        .opening = c->opening,
    };
    gate_begin(c->gate, &head);
}

static void statement_end(struct camt *c)
{
    if (!c->in_statement)
        return;
    statement_begin(c);
    if (c->has_closing)
        gate_closing(c->gate, c->closing, c->closing_on);
    if (c->has_opening && !c->gate->tail.has_opening) { /* a balance behind the entries */
        c->gate->tail.has_opening = true;
        c->gate->tail.opening = c->opening;
    }
    if (c->entries_said >= 0 && c->entries_said != c->entries)
        gate_warn(c->gate, line_now(c), "total_mismatch", "TxsSummry says %lld entries, there are %lld",
                  (long long)c->entries_said, (long long)c->entries);
    gate_end(c->gate, line_now(c));
    c->in_statement = false;
}

static void statement_start(struct camt *c, enum element element)
{
    statement_end(c);
    c->in_statement = true;
    c->begun = c->has_opening = c->has_closing = c->opening_booked = c->closing_booked = false;
    c->entries = c->ordinal = 0;
    c->entries_said = -1;
    c->account.length = c->currency.length = c->number.length = 0;
    c->gate->interim = element != EL_Stmt;
}

/* OPBD or PRCD opens, CLBD closes; ITBD of a page takes whichever place is free, the first opens. */
static void balance_end(struct camt *c)
{
    struct balance *b = &c->balance;
    struct text code = short_text_view(&b->code);
    take_currency(c, &b->currency);
    bool same = !b->currency.length || text_equal(short_text_view(&b->currency), short_text_view(&c->currency));
    bool opens = text_is(code, "OPBD"), closes = text_is(code, "CLBD"), before = text_is(code, "PRCD");
    bool page = text_is(code, "ITBD");
    if (!same || !(opens || closes || before || page))
        return;
    if (!b->has_amount || b->side == CAMT_UNSAID) {
        gate_break(c->gate, line_now(c), "bad_balance", "%.*s cannot be read", TEXT_ARGS(code));
        return;
    }
    int64_t amount = b->side == CAMT_DEBIT ? -b->amount : b->amount;
    if (opens || (before && !c->opening_booked) || (page && !c->has_opening)) {
        c->opening_booked = c->opening_booked || opens;
        c->opening = amount;
        c->has_opening = true;
    } else if (closes || (page && !c->closing_booked)) {
        c->closing_booked = c->closing_booked || closes;
        c->closing = amount;
        c->closing_on = b->on;
        c->has_closing = true;
    }
}

static enum camt_side side_of(struct text text)
{
    return text_is(text, "CRDT") ? CAMT_CREDIT : text_is(text, "DBIT") ? CAMT_DEBIT : CAMT_UNSAID;
}

static void put_text(struct buf *to, struct text text, enum element element)
{
    if (!text.length || to->length + text.length > STATEMENT_MEMO_MAX)
        return;
    if (to->length && element != EL_Ustrd)
        return; /* the first one counts; remittance lines add up */
    if (to->length && to->length % USTRD_FULL)
        buf_char(to, ' ');
    text_put_clean(to, text);
}

static void date_take(struct camt *c, struct text text, date_days *to)
{
    if (date_parse(text_slice(text, 0, 10), to))
        return;
    *to = DATE_NONE;
    gate_warn(c->gate, line_now(c), "bad_date", "there is no such date: %.*s", TEXT_ARGS(text));
}

/* What a leaf inside TxDtls or the entry speaks of; CAMT_TEXTS when of nothing we tell. */
static enum camt_text text_kind(const struct camt *c, enum element element)
{
    enum element parent = above(c, 1), grand = above(c, 2);
    bool party_id = element == EL_IBAN ? parent == EL_Id : element == EL_Id && parent == EL_Othr && grand == EL_Id;
    enum element owner = element == EL_IBAN ? grand : above(c, 3);
    switch (element) {
    case EL_EndToEndId: return parent == EL_Refs ? CAMT_END_TO_END : CAMT_TEXTS;
    case EL_InstrId: return parent == EL_Refs ? CAMT_INSTRUCTION : CAMT_TEXTS;
    case EL_TxId: return parent == EL_Refs ? CAMT_TRANSACTION : CAMT_TEXTS;
    case EL_NtryRef: return parent == EL_Ntry ? CAMT_INSTRUCTION : CAMT_TEXTS;
    case EL_AcctSvcrRef: return parent == EL_Refs || parent == EL_Ntry ? CAMT_BANK_REFERENCE : CAMT_TEXTS;
    case EL_Ustrd: return parent == EL_RmtInf ? CAMT_MEMO : CAMT_TEXTS;
    case EL_Ref: return parent == EL_CdtrRefInf ? CAMT_STRUCTURED : CAMT_TEXTS;
    case EL_AddtlTxInf:
    case EL_AddtlNtryInf: return CAMT_ADDITIONAL;
    case EL_SubFmlyCd: return parent == EL_Fmly ? CAMT_TYPE : CAMT_TEXTS;
    case EL_Nm: {
        enum element who = parent == EL_Pty ? grand : parent;
        bool debtor = who == EL_Dbtr || who == EL_UltmtDbtr, creditor = who == EL_Cdtr || who == EL_UltmtCdtr;
        return debtor ? CAMT_DEBTOR : creditor ? CAMT_CREDITOR : CAMT_TEXTS;
    }
    case EL_IBAN:
    case EL_Id:
        if (party_id && owner == EL_DbtrAcct)
            return CAMT_DEBTOR_ACCOUNT;
        return party_id && owner == EL_CdtrAcct ? CAMT_CREDITOR_ACCOUNT : CAMT_TEXTS;
    default: return CAMT_TEXTS;
    }
}

static void entry_amount(struct camt *c, struct text text)
{
    struct camt_entry *entry = &c->entry;
    enum element parent = above(c, 1), grand = above(c, 2);
    bool of_entry = parent == EL_Ntry;
    bool of_detail = parent == EL_TxDtls || (parent == EL_TxAmt && grand == EL_AmtDtls && above(c, 3) == EL_TxDtls);
    if (!of_entry && !(of_detail && c->in_detail))
        return;
    if (of_entry) {
        entry->currency = c->amount_currency;
        take_currency(c, &entry->currency);
    }
    struct text currency = short_text_view(&c->amount_currency);
    bool same = !currency.length || text_equal(currency, short_text_view(of_entry ? &c->currency : &entry->currency));
    int64_t amount;
    if (of_detail) {
        bool better = parent == EL_TxDtls || !entry->current.has_amount;
        if (same && better && decimal_parse(text, currency_decimals(currency), &amount)) {
            entry->current.amount = amount;
            entry->current.has_amount = true;
        }
        return;
    }
    if (!same)
        gate_break(c->gate, line_now(c), "currency_mismatch", "an entry in %.*s on an account in %.*s",
                   TEXT_ARGS(currency), TEXT_ARGS(short_text_view(&c->currency)));
    else if (!decimal_parse(text, currency_decimals(currency), &amount))
        gate_break(c->gate, line_now(c), "bad_amount", "'%.*s' is no amount of currency '%.*s'", TEXT_ARGS(text),
                   TEXT_ARGS(currency));
    else {
        if (amount < 0)
            gate_warn(c->gate, line_now(c), "negative_amount", "%.*s: taken with its sign", TEXT_ARGS(text));
        entry->amount = amount;
        entry->has_amount = true;
    }
}

static void entry_leaf(struct camt *c, enum element element, struct text text)
{
    struct camt_entry *entry = &c->entry;
    enum element parent = above(c, 1), grand = above(c, 2);
    if (element == EL_Amt) {
        entry_amount(c, text);
    } else if (element == EL_CdtDbtInd && parent == EL_Ntry) {
        entry->side = side_of(text);
    } else if (element == EL_CdtDbtInd && parent == EL_TxDtls) {
        entry->current.side = side_of(text);
    } else if (element == EL_RvslInd && parent == EL_Ntry) {
        entry->reversal = text_is(text, "true") || text_is(text, "1");
    } else if ((element == EL_Sts && parent == EL_Ntry) || (element == EL_Cd && parent == EL_Sts && grand == EL_Ntry)) {
        if (text.length)
            entry->booked = text_is(text, "BOOK");
    } else if ((element == EL_Dt || element == EL_DtTm) && grand == EL_Ntry &&
               (parent == EL_BookgDt || parent == EL_ValDt)) {
        date_take(c, text, parent == EL_BookgDt ? &entry->booked_on : &entry->value_on);
    } else {
        enum camt_text kind = text_kind(c, element);
        if (kind != CAMT_TEXTS)
            put_text(c->in_detail ? &entry->detail_texts[kind] : &entry->texts[kind], text, element);
    }
}

static void balance_leaf(struct camt *c, enum element element, struct text text)
{
    struct balance *b = &c->balance;
    enum element parent = above(c, 1);
    if ((element == EL_Dt || element == EL_DtTm) && parent == EL_Dt && above(c, 2) == EL_Bal)
        (void)date_parse(text_slice(text, 0, 10), &b->on);
    else if (element == EL_Cd && parent == EL_CdOrPrtry && above(c, 2) == EL_Tp && above(c, 3) == EL_Bal)
        short_text_set(&b->code, text, 4);
    else if (element == EL_CdtDbtInd && parent == EL_Bal)
        b->side = side_of(text);
    else if (element == EL_Amt && parent == EL_Bal) {
        b->currency = c->amount_currency;
        b->has_amount = decimal_parse(text, currency_decimals(short_text_view(&b->currency)), &b->amount);
    }
}

static void statement_leaf(struct camt *c, enum element element, struct text text)
{
    enum element parent = above(c, 1), grand = above(c, 2);
    if (element == EL_Id && is_statement(parent))
        short_text_set(&c->number, text, STATEMENT_NUMBER_MAX);
    else if (element == EL_IBAN && parent == EL_Id && grand == EL_Acct && is_statement(above(c, 3)))
        short_text_set(&c->account, text, STATEMENT_ACCOUNT_MAX);
    else if (element == EL_Id && parent == EL_Othr && grand == EL_Id && above(c, 3) == EL_Acct && !c->account.length)
        short_text_set(&c->account, text, STATEMENT_ACCOUNT_MAX);
    else if (element == EL_Ccy && parent == EL_Acct)
        short_text_set(&c->currency, text, STATEMENT_CURRENCY_MAX);
    else if (element == EL_NbOfNtries && parent == EL_TtlNtries && !text_to_int64(text, &c->entries_said))
        c->entries_said = -1;
}

static void XMLCALL on_start(void *with, const XML_Char *name, const XML_Char **attributes)
{
    struct camt *c = with;
    if (c->depth >= DEPTH_MAX) {
        c->refused = true;
        XML_StopParser(c->parser, XML_FALSE);
        return;
    }
    enum element element = element_of(name);
    c->stack[c->depth++] = (uint8_t)element;
    buf_clear(&c->text);
    if (is_statement(element)) {
        statement_start(c, element);
    } else if (!c->in_statement) {
        return;
    } else if (element == EL_Ntry) {
        statement_begin(c);
        camt_entry_clear(&c->entry);
        c->entry.line = line_now(c);
        c->in_entry = true;
        c->entries++;
    } else if (element == EL_TxDtls && c->in_entry) {
        camt_detail_begin(&c->entry);
        c->in_detail = true;
    } else if (element == EL_Bal) {
        c->balance = (struct balance){.on = DATE_NONE};
    } else if (element == EL_Amt) {
        c->amount_currency.length = 0;
        for (size_t i = 0; attributes[i]; i += 2)
            if (!strcmp(attributes[i], "Ccy"))
                short_text_set(&c->amount_currency, text_of(attributes[i + 1]), STATEMENT_CURRENCY_MAX);
    }
}

static void entry_end(struct camt *c)
{
    c->in_entry = false;
    if (c->entry.booked)
        camt_entry_tell(&c->entry, c->gate, &c->ordinal);
    else
        gate_warn(c->gate, c->entry.line, "not_booked", "an entry that is announced but not booked is left out");
}

static void XMLCALL on_end(void *with, const XML_Char *name)
{
    struct camt *c = with;
    enum element element = above(c, 0);
    struct text text = text_trim(buf_view(&c->text));
    if (c->in_statement && element != NOTHING) {
        if (is_statement(element))
            statement_end(c);
        else if (element == EL_Ntry)
            entry_end(c);
        else if (element == EL_TxDtls && c->in_detail) {
            camt_detail_end(&c->entry);
            c->in_detail = false;
        } else if (c->in_entry)
            entry_leaf(c, element, text);
        else if (element == EL_Bal)
            balance_end(c);
        else {
            balance_leaf(c, element, text);
            statement_leaf(c, element, text);
        }
    }
    c->depth--;
    buf_clear(&c->text);
}

static void XMLCALL on_text(void *with, const XML_Char *at, int length)
{
    struct camt *c = with;
    if (c->in_statement && above(c, 0) != NOTHING && c->text.length < STATEMENT_MEMO_MAX)
        buf_put(&c->text, at, (size_t)length);
}

/* Statements have no document type; those who send one mean harm (entity bombs, outside files). */
static void XMLCALL on_doctype(void *with, const XML_Char *name, const XML_Char *system, const XML_Char *public_id,
                               int has_internal)
{
    struct camt *c = with;
    c->refused = true;
    XML_StopParser(c->parser, XML_FALSE);
}

static void *camt_make(struct statement_gate *gate)
{
    struct camt *c = memory_new(sizeof *c);
    c->gate = gate;
    c->entry.booked = true;
    c->parser = XML_ParserCreate(NULL);
    if (!c->parser)
        abort(); /* out of memory: see core/base/err.h */
    XML_SetUserData(c->parser, c);
    XML_SetElementHandler(c->parser, on_start, on_end);
    XML_SetCharacterDataHandler(c->parser, on_text);
    XML_SetStartDoctypeDeclHandler(c->parser, on_doctype);
    return c;
}

static enum err parse_piece(struct camt *c, struct text piece, int is_final)
{
    if (XML_Parse(c->parser, piece.at ? piece.at : "", (int)piece.length, is_final) != XML_STATUS_ERROR)
        return OK;
    gate_break(c->gate, line_now(c), "bad_xml", "%s",
               c->refused ? "a document type or nesting deeper than 64 is refused"
                          : XML_ErrorString(XML_GetErrorCode(c->parser)));
    return ERR_STATEMENT_SYNTAX;
}

static enum err camt_feed(void *reader, struct text bytes)
{
    struct camt *c = reader;
    enum err err = OK;
    for (size_t at = 0; at < bytes.length && !err; at += PIECE_MAX)
        err = parse_piece(c, text_slice(bytes, at, PIECE_MAX), 0);
    return err;
}

static enum err camt_end(void *reader)
{
    struct camt *c = reader;
    XML_ParsingStatus status;
    XML_GetParsingStatus(c->parser, &status);
    enum err err = status.parsing == XML_FINISHED ? OK : parse_piece(c, TEXT_NONE, 1);
    statement_end(c);
    return err;
}

static void camt_free(void *reader)
{
    struct camt *c = reader;
    XML_ParserFree(c->parser);
    camt_entry_done(&c->entry);
    buf_done(&c->text);
    free(c);
}

const struct statement_reader_vtable camt_reader = {camt_make, camt_feed, camt_end, camt_free, NULL};
