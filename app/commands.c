/* Which word does what. Rooms bring their own commands; those that only turn a core knob are in people.c and upkeep.c.
 */
#include "app/app.h"
#include "payments/fees/fees.h"
#include "payments/requests/requests.h"
#include "payments/sources/sources.h"

const struct command commands[] = {
    {"serve", "", "HTTP service and background workers", NULL, command_serve},
    {"migrate", "", "brings the database to this binary's version",
     "Safe to run again and from two hosts at once. Refuses a migration that was changed or is missing.",
     command_migrate},
    {"catalogue",
     "check FILE…|FOLDER | import FILE…|FOLDER [--dry-run] [--json] [--by LOGIN] [--note TEXT] | approve VERSION --by "
     "LOGIN | withdraw VERSION --by LOGIN --note TEXT | list | requote QUOTE",
     "checks, compares and publishes the fee catalogue",
     "import shows the difference to the version in force and stores a draft; files not given stay as they are. "
     "Publishing takes two members of staff: the proposer (import --by LOGIN) and whoever approves; a draft brought in "
     "without --by needs two approvals. With --by the password is read from standard input. requote computes an old "
     "quote again under the version that made it.",
     command_catalogue},
    {"simulate", "--catalogue FOLDER|VERSION --from D --to D [--as-of D]",
     "prices the real quotes of a period again under a draft catalogue; JSON",
     "Revenue before and after, and how many people pay another sum, by fee, agency, commune and category. --as-of "
     "takes "
     "all quotes as if filed and paid on that day: for rules that begin later.",
     command_simulate},
    {"quote", "FILE|- [--catalogue PATH]", "JSON quote request in, JSON quote out",
     "The request is that of POST /v1/quotes. With --catalogue no database is needed; the shipped one is "
     "payments/catalogue/.",
     fees_quote_command},
    {"reference", "new | read TEXT", "makes a payment reference, or finds and repairs one in a bank memo", NULL,
     command_reference},
    {"vietqr",
     "encode --bank BIN --account NO [--amount N] [--memo TEXT] [--bill TEXT] [--service QRIBFTTA|QRIBFTTC] [--svg "
     "FILE]"
     " [--png FILE] | decode PAYLOAD",
     "writes or reads a VietQR payload", NULL, command_vietqr},
    {"notification", "check SOURCE [--header 'Name: value']… [--query STRING] [--body FILE] [--at RFC3339]",
     "says whether a call-back is genuine and what it says", NULL, command_notification},
    {"statement", "parse FILE [--format F] | import FILE | fetch [NAME] | mapping FILE …",
     "reads a bank statement, imports it, or fetches what is new",
     "parse needs no database. mapping shows the headers of a layout nobody knows, what columns would read, and keeps "
     "them.\nimport takes what proves itself (opening + lines = closing) and quarantines the rest.\nfetch takes new "
     "files from "
     "the drops of the configuration ([drop.NAME], SFTP or HTTPS).",
     command_statement},
    {"reconcile", "[--date D]", "the nightly run for a business day (default: yesterday); JSON summary",
     "May be repeated and killed at any moment.", command_reconcile},
    {"receipt",
     "show FILE | verify FILE.xml [--trust FILE.pem] | sign FILE.xml --key FILE|pkcs11:URI --cert FILE | open … | "
     "ranges | "
     "delegate … | outlet … | close … | import FILE.csv | summary DATE | erase BEFORE",
     "shows, verifies or signs a receipt; number ranges, delegates' lists, the day's summary",
     "open COLLECTOR [LETTERS [FIRST LAST]]  gives a collector numbers of form EBL01 under this year's symbol\n"
     "delegate COLLECTOR LETTERS OUTLET FIRST LAST us|delegate NAME TAX_CODE ADDRESS AGREEMENT FROM TO NOTIFIED_ON\n"
     "                      gives a delegate's outlet numbers, by our jobs or by software of its own (NĐ 254/2026 art. "
     "25)\n"
     "outlet COLLECTOR actor|account|method VALUE OUTLET   whose requests are receipted where\n"
     "close RANGE REASON    gives up the unused end of a range, by record\n"
     "import FILE.csv       takes a delegate's list\n"
     "summary DATE          makes 01/TH-BLĐT of a day now, when there is something new\n"
     "erase BEFORE          takes personal data out of receipts signed before that day, past the years of retention",
     command_receipt},
    {"report",
     "NAME [--date D | --from D --to D | --period P] [--lines] [--format json|csv|xlsx|pdf] | ledger [--date D]",
     "the books: of a day, a month, a quarter or a year; the ledger's balances",
     "daily --date D         the day's books; with --lines what stands behind each figure\n"
     "collections, indicators --from D --to D (or --period 2026-11, 2026-Q4, 2026) [--lines]\n"
     "charges --from D --to D  bank charges and gateway fees to claim, interest\n"
     "treasury, suspense --date D\n"
     "breaks                 where dossiers, receipts and money do not agree",
     command_report},
    {"day", "show DATE | close DATE", "what a closed day had open and what became of it; closes a day", NULL,
     command_day},
    {"province", "import FOLDER", "agencies, receiving accounts, calendar, communes from CSV files", NULL,
     command_province},
    {"staff", "add LOGIN NAME ROLE | disable LOGIN | reset LOGIN", "staff accounts",
     "The password is read from standard input, one line of at least 10 characters. Roles: cashier, supervisor, "
     "finance, auditor, admin.",
     command_staff},
    {"key", "add NAME SCOPE… | revoke NAME", "API keys of systems",
     "Prints the new key once. The scope `all` allows everything.", command_key},
    {"check", "", "configuration, database, key, clock, disk: one line each", NULL, command_check},
};
const size_t command_count = sizeof commands / sizeof *commands;
