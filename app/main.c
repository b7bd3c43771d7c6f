/* The command table: one binary, one word, one act. */
#include <stdio.h>

int main(int argc, char **argv)
{
    fprintf(stderr, "Usage: %s COMMAND\n", argv[0]);
    return 2;
}
