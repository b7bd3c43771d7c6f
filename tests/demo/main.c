/* One working day of a provincial centre, through the real program. */
#include "tests/demo/day.h"

#include <stdio.h>
#include <stdlib.h>

enum { WRONG_MAX = 25 };

int main(void)
{
    static struct day day;
    struct world world;
    world_open(&world);
    struct {
        const char *hour;
        void (*part)(struct world *world, struct day *day);
    } parts[] = {
        {"07:30  Hồ sơ đến: registered, quoted, requested, scanned", day_file_dossiers},
        {"09:00  Người dân nộp tiền: the bank moves money and calls back", day_pay},
        {"10:00  Xác nhận: confirmation, ledger", day_confirm},
        {"11:00  Biên lai: receipts signed and verified", day_receipts},
        {"14:00  Bưu chính: results to the post office", day_post},
        {"17:00  Sao kê và đối soát: statements and reconciliation", day_reconcile},
        {"18:00  Sổ ngày: the book of the day", day_balance},
        {"22:30  Cơ quan thuế: 01/TH-BLĐT of the day", day_tax},
        {"22:45  Báo tin: webhooks to the one-stop-shop system, messages to people", day_told},
        {"23:00  Quầy thu: a shift, a card terminal, a blind count", day_counter},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        printf("\n%s\n", parts[i].hour);
        parts[i].part(&world, &day);
        /* What follows stands on this: a day that has gone to pieces is not walked to its end. */
        if (world.steps - world.good > WRONG_MAX)
            break;
    }
    printf("\ndemo: %d steps, %d ok\n", world.steps, world.good);
    int status = world.steps == world.good ? EXIT_SUCCESS : EXIT_FAILURE;
    world_close(&world);
    return status;
}
