/* What LeakSanitizer must not report: caches that libraries keep as long as the process lives. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\nleak:libpango\n";
}
