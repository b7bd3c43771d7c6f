/* The interbank switch's transaction file (.dat): records HR, DR, TR of "[TAG]" and a value of fixed width, no
 * separators.
 *
 * Amounts have two implied decimals although đồng have none (000010000000 is 100,000 đồng). Days have no year: it is
 * the header's, or the one before for a December that is told in January. The nine fees are what banks and the switch
 * owe each other, never the collector's: they are read over. The checksums' algorithm is not published and not judged;
 * the trailer's count is. The file tells no pay-out, so its lines are evidence and no credit is expected of them. */
#include "reconciliation/statement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "reconciliation/mt940.h"
#include "reconciliation/table/table.h"

enum field {
    REV,
    DATE,
    MTI,
    F2,
    F3,
    SVC,
    TCC,
    F4,
    RTA,
    F49,
    F5,
    F50,
    F9,
    F6,
    RCA,
    F51,
    F10,
    F11,
    F12,
    F13,
    F15,
    F18,
    F22,
    F25,
    F41,
    ACQ,
    ISS,
    MID,
    BNB,
    F102,
    F103,
    SVFISSNP,
    IRFISSACQ,
    IRFISSBNB,
    SVFACQNP,
    IRFACQISS,
    IRFACQBNB,
    SVFBNBNP,
    IRFBNBISS,
    IRFBNBACQ,
    F37,
    F38,
    TRN,
    RRC,
    RSV1,
    RSV2,
    RSV3,
    CSR,
    NOT,
    CRE,
    TIME,
    CSF,
    FIELDS
};

static const struct {
    const char *name;
    size_t width;
} fields[FIELDS] = {
    [REV] = {"REV", 8},
    [DATE] = {"DATE", 8},
    [MTI] = {"MTI", 4},
    [F2] = {"F2", 19},
    [F3] = {"F3", 6},
    [SVC] = {"SVC", 10},
    [TCC] = {"TCC", 2},
    [F4] = {"F4", 12},
    [RTA] = {"RTA", 12},
    [F49] = {"F49", 3},
    [F5] = {"F5", 12},
    [F50] = {"F50", 3},
    [F9] = {"F9", 8},
    [F6] = {"F6", 12},
    [RCA] = {"RCA", 12},
    [F51] = {"F51", 3},
    [F10] = {"F10", 8},
    [F11] = {"F11", 6},
    [F12] = {"F12", 6},
    [F13] = {"F13", 4},
    [F15] = {"F15", 4},
    [F18] = {"F18", 4},
    [F22] = {"F22", 3},
    [F25] = {"F25", 2},
    [F41] = {"F41", 8},
    [ACQ] = {"ACQ", 8},
    [ISS] = {"ISS", 8},
    [MID] = {"MID", 15},
    [BNB] = {"BNB", 8},
    [F102] = {"F102", 28},
    [F103] = {"F103", 28},
    [SVFISSNP] = {"SVFISSNP", 12},
    [IRFISSACQ] = {"IRFISSACQ", 12},
    [IRFISSBNB] = {"IRFISSBNB", 12},
    [SVFACQNP] = {"SVFACQNP", 12},
    [IRFACQISS] = {"IRFACQISS", 12},
    [IRFACQBNB] = {"IRFACQBNB", 12},
    [SVFBNBNP] = {"SVFBNBNP", 12},
    [IRFBNBISS] = {"IRFBNBISS", 12},
    [IRFBNBACQ] = {"IRFBNBACQ", 12},
    [F37] = {"F37", 12},
    [F38] = {"F38", 6},
    [TRN] = {"TRN", 16},
    [RRC] = {"RRC", 4},
    [RSV1] = {"RSV1", 100},
    [RSV2] = {"RSV2", 100},
    [RSV3] = {"RSV3", 100},
    [CSR] = {"CSR", 32},
    [NOT] = {"NOT", 9},
    [CRE] = {"CRE", 20},
    [TIME] = {"TIME", 6},
    [CSF] = {"CSF", 32},
};

struct napas {
    struct statement_gate *gate;
    struct mt940_lines lines;
    int line;
    date_days on;               /* of the header */
    bool open, trailer, faulty; /* faulty: something was wrong, be it before the header */
    struct settlement_tail tail;
};

/* "[TAG]value" again and again; each value as wide as its tag says, each tag once. False: not of this layout. */
static bool record_read(struct text record, struct text ret_values[FIELDS])
{
    memset(ret_values, 0, FIELDS * sizeof *ret_values);
    while (record.length) {
        struct text rest, tag = text_until(record, ']', &rest);
        size_t i = 0;
        while (i < FIELDS &&
               !(tag.length && tag.at[0] == '[' && text_is(text_slice(tag, 1, tag.length), fields[i].name)))
            i++;
        if (i == FIELDS || ret_values[i].at || rest.length < fields[i].width)
            return false;
        ret_values[i] = text_slice(rest, 0, fields[i].width);
        record = text_slice(rest, fields[i].width, rest.length);
    }
    return true;
}

/* Exactly these digits as a number; -1 when they are none. */
static int64_t digits(struct text text)
{
    int64_t number = -1;
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
    return text_to_int64(text, &number) ? number : -1;
}

static bool day_read(struct text ddmmyyyy, date_days *ret_day)
{
    int64_t day = digits(text_slice(ddmmyyyy, 0, 2)), month = digits(text_slice(ddmmyyyy, 2, 2)),
            year = digits(text_slice(ddmmyyyy, 4, 4));
    return ddmmyyyy.length == 8 && year >= 2000 && date_of_parts((int)year, (int)month, (int)day, ret_day) == DATE_GOOD;
}

/* mmdd of the header's year, or of the year before. */
static date_days day_near(const struct napas *r, struct text mmdd)
{
    int64_t month = digits(text_slice(mmdd, 0, 2)), day = digits(text_slice(mmdd, 2, 2));
    struct civil head = civil_of_date(r->on);
    date_days found = DATE_NONE;
    if (mmdd.length != 4 || month < 1 || day < 1 ||
        date_of_parts(month > head.month ? head.year - 1 : head.year, (int)month, (int)day, &found) != DATE_GOOD)
        return DATE_NONE;
    return found;
}

static int second_of(struct text hhmmss)
{
    int64_t h = digits(text_slice(hhmmss, 0, 2)), m = digits(text_slice(hhmmss, 2, 2)),
            s = digits(text_slice(hhmmss, 4, 2));
    return hhmmss.length == 6 && h >= 0 && h < 24 && m >= 0 && m < 60 && s >= 0 && s < 60 ? (int)(h * 3600 + m * 60 + s)
                                                                                          : -1;
}

static void bad(struct napas *r, const char *code, const char *why)
{
    gate_warn(r->gate, r->line, code, "%s", why);
    r->faulty = true;
}

static void header_read(struct napas *r, const struct text *v)
{
    if (r->open || !day_read(v[DATE], &r->on)) {
        bad(r, r->open ? "bad_line" : "bad_date", r->open ? "a second header" : "the header has no day");
        return;
    }
    r->open = true;
    r->tail = (struct settlement_tail){0};
    r->gate->statements++;
    const struct settlement_head head = {.line = r->line,
                                         .kind = SETTLEMENT_GATEWAY,
                                         .issuer = TEXT("NAPAS"),
                                         .profile = TEXT("napas-dat"),
                                         .currency = TEXT("VND"),
                                         .from = r->on,
                                         .to = r->on};
    if (r->gate->sink.settlement_begin)
        r->gate->sink.settlement_begin(r->gate->sink.with, &head);
}

/* Texts of a line are clean UTF-8 in one buffer, so that they live until the event returns. */
static struct text clean(struct buf *room, struct text raw)
{
    size_t from = room->length;
    grid_text_put(room, text_trim(raw));
    return text_slice(buf_view(room), from, room->length);
}

static void line_tell(struct napas *r, const struct text *v, int64_t amount)
{
    struct buf room = {0};
    buf_room(&room,
             4096); /* texts stay where they are: a record has some 400 bytes of them, three times that as UTF-8 */
    bool payment = text_is(v[MTI], "0210"), approved = text_is(v[RRC], "0000");
    struct settlement_line line = {
        .line = r->line,
        .table = 1,
        .ordinal = ++r->tail.lines,
        .status = approved ? SETTLEMENT_PAID : SETTLEMENT_UNSAID,
        .operation = payment ? SETTLEMENT_PAYMENT : SETTLEMENT_OTHER,
        .paid_on = day_near(r, v[F13]),
        .settled_on = day_near(r, v[F15]),
        .paid_at_s = second_of(v[F12]),
        .gross = amount,
        .net = amount,
        .external_id = clean(&room, v[F37]),
        .order = clean(&room, v[TRN]),
        .trace = clean(&room, v[F11]),
        .approval = clean(&room, v[F38]),
        .terminal = clean(&room, v[F41]),
        .store = clean(&room, v[MID]),
        .account = clean(&room, v[F103]),
        .method = clean(&room, v[SVC]),
        .status_text = clean(&room, v[RRC]),
    };
    if (line.paid_on == DATE_NONE)
        bad(r, "bad_date", "F13 is no day");
    if (payment) {
        r->tail.unsaid += !approved;
        r->tail.gross += amount; /* 12 digits a line: no sum of a file overflows */
        r->tail.net = r->tail.gross;
    } else {
        r->tail.others++;
    }
    if (r->gate->sink.settlement_line)
        r->gate->sink.settlement_line(r->gate->sink.with, &line);
    buf_done(&room);
}

static void transaction_read(struct napas *r, const struct text *v)
{
    int64_t minor = digits(v[F4]);
    if (!r->open || r->trailer)
        bad(r, "bad_line", "a transaction outside the file's header and trailer");
    else if (!v[MTI].at || !v[F37].length || !v[F13].at)
        bad(r, "bad_line", "MTI, F13 or F37 is missing");
    else if (!text_is(v[F49], "704"))
        bad(r, "currency_mismatch", "F49 is not 704 (VND)");
    else if (minor < 0 || minor % 100)
        bad(r, "bad_amount", "F4 is no whole number of đồng with two implied decimals");
    else
        line_tell(r, v, minor / 100);
}

static void close_open(struct napas *r)
{
    if (!r->open)
        return;
    if (!r->trailer)
        bad(r, "closing_missing", "the file has no trailer: it may have been cut");
    r->tail.line = r->line;
    r->tail.complete = !r->faulty;
    r->open = false;
    if (r->gate->sink.settlement_end)
        r->gate->sink.settlement_end(r->gate->sink.with, &r->tail);
}

static void trailer_read(struct napas *r, const struct text *v)
{
    int64_t count = digits(v[NOT]);
    if (!r->open || r->trailer) {
        bad(r, "bad_line", "a trailer without its header");
        return;
    }
    r->trailer = true;
    if (count != r->tail.lines) {
        gate_warn(r->gate, r->line, "total_mismatch",
                  "the trailer says %" PRId64 " transactions, %" PRId64 " were read", count, r->tail.lines);
        r->faulty = true;
    }
}

static void record(void *with, struct text text)
{
    struct napas *r = with;
    struct text values[FIELDS];
    r->line++;
    if (!text_trim(text).length)
        return;
    struct text kind = text_slice(text, 0, 2);
    if (text.length > MT940_LINE_MAX || !record_read(text_slice(text, 2, text.length), values))
        bad(r, "bad_line", "no record of \"[TAG]\" and values of fixed width");
    else if (text_is(kind, "HR"))
        header_read(r, values);
    else if (text_is(kind, "DR"))
        transaction_read(r, values);
    else if (text_is(kind, "TR"))
        trailer_read(r, values);
    else
        bad(r, "bad_line", "neither HR, DR nor TR");
}

static bool never_waits(void *with, struct text line)
{
    return false;
}

static void *napas_make(struct statement_gate *gate)
{
    struct napas *r = memory_new(sizeof *r);
    r->gate = gate;
    r->lines = (struct mt940_lines){.with = r, .waits = never_waits, .arrived = record};
    return r;
}

static enum err napas_feed(void *reader, struct text bytes)
{
    struct napas *r = reader;
    mt940_lines_feed(&r->lines, bytes);
    return OK;
}

static enum err napas_end(void *reader)
{
    struct napas *r = reader;
    mt940_lines_end(&r->lines);
    close_open(r);
    return OK;
}

static void napas_free(void *reader)
{
    struct napas *r = reader;
    mt940_lines_done(&r->lines);
    free(r);
}

const struct statement_reader_vtable napas_reader = {napas_make, napas_feed, napas_end, napas_free, NULL};
