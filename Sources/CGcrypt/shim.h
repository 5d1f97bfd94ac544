#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <gcrypt.h>

/* Prepares the library unless somebody in this process has; 0 where it is too old. gcry_control is variadic, which
   Swift cannot call. Keys need no memory of their own kind: the process that has them locks all of its memory. */
static inline int cl_gcrypt_prepare(void) {
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) return 1;
    if (!gcry_check_version("1.8.0")) return 0;
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    return 1;
}

/* gcry_md_final is a macro around gcry_md_ctl; reading ends the digest, too. */
static inline const unsigned char *cl_gcrypt_digest(
    gcry_md_hd_t context, const void *bytes, size_t count) {
    gcry_md_reset(context);
    gcry_md_write(context, bytes, count);
    return gcry_md_read(context, 0);
}
