/* Names of banks by NAPAS BIN, as citizens know them; what is not listed is shown by its BIN. Source: the public
 * participants' list of NAPAS247. */
#include <string.h>
#include "app/pages/layout.h"

static const struct {
    char bin[7];
    const char *name;
} banks[] = {
    {"970400", "Saigonbank"},   {"970403", "Sacombank"},  {"970405", "Agribank"},     {"970407", "Techcombank"},
    {"970408", "GPBank"},       {"970409", "Bac A Bank"}, {"970412", "PVcomBank"},    {"970414", "MBV"},
    {"970415", "VietinBank"},   {"970416", "ACB"},        {"970418", "BIDV"},         {"970419", "NCB"},
    {"970422", "MB"},           {"970423", "TPBank"},     {"970424", "Shinhan Bank"}, {"970425", "ABBANK"},
    {"970426", "MSB"},          {"970427", "VietABank"},  {"970428", "Nam A Bank"},   {"970429", "SCB"},
    {"970430", "PGBank"},       {"970431", "Eximbank"},   {"970432", "VPBank"},       {"970433", "VietBank"},
    {"970436", "Vietcombank"},  {"970437", "HDBank"},     {"970438", "BaoViet Bank"}, {"970440", "SeABank"},
    {"970441", "VIB"},          {"970443", "SHB"},        {"970448", "OCB"},          {"970449", "LPBank"},
    {"970452", "KienlongBank"}, {"970454", "BVBank"},     {"970457", "Woori Bank"}};

const char *bank_name(struct arena *arena, struct text bin)
{
    for (size_t i = 0; i < sizeof banks / sizeof *banks; i++)
        if (text_is(bin, banks[i].bin))
            return banks[i].name;
    return arena_printf(arena, "%.*s", TEXT_ARGS(bin));
}
