#include "payments/requests/reference.h"

#include <stdio.h>
#include <string.h>

int reference_command(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "new")) {
        struct reference made;
        reference_new(reference_prefix(), &made);
        printf("%s\n", made.text);
        return 0;
    }
    if (argc != 3 || strcmp(argv[1], "read")) {
        fputs("Usage: lephi reference new | read TEXT\n", stderr);
        return 2;
    }
    struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    if (!reference_candidates(text_of(argv[2]), found)) {
        fputs("lephi: không có mã nộp tiền nào trong nội dung này (no reference in this text)\n", stderr);
        return 1;
    }
    printf("{\"reference\": \"%s\", \"repaired\": %d}\n", found[0].reference.text, found[0].edits);
    return 0;
}
