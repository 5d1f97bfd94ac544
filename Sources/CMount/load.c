// Each function of libmount that is used here is a jump to the one that the library has. What is defined here is hidden,
// so that the library calls its own.
#include "CMount.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#define FUNCTIONS(F)                                                                                                   \
    F(struct libmnt_context *, mnt_new_context, (void), ())                                                            \
    F(void, mnt_free_context, (struct libmnt_context *context), (context))                                             \
    F(int, mnt_context_set_source, (struct libmnt_context *context, const char *text), (context, text))                \
    F(int, mnt_context_set_target, (struct libmnt_context *context, const char *text), (context, text))                \
    F(int, mnt_context_set_fstype, (struct libmnt_context *context, const char *text), (context, text))                \
    F(int, mnt_context_set_options, (struct libmnt_context *context, const char *text), (context, text))               \
    F(int, mnt_context_mount, (struct libmnt_context *context), (context))                                             \
    F(int, mnt_context_umount, (struct libmnt_context *context), (context))                                            \
    F(int, mnt_context_syscall_called, (struct libmnt_context *context), (context))                                    \
    F(int, mnt_context_get_syscall_errno, (struct libmnt_context *context), (context))                                 \
    F(int, mnt_context_get_excode, (struct libmnt_context *context, int code, char *text, size_t size),                \
      (context, code, text, size))                                                                                     \
    F(struct libmnt_table *, mnt_new_table_from_file, (const char *path), (path))                                      \
    F(void, mnt_unref_table, (struct libmnt_table *table), (table))                                                    \
    F(int, mnt_table_next_fs, (struct libmnt_table *table, struct libmnt_iter *iterator, struct libmnt_fs **entry),    \
      (table, iterator, entry))                                                                                        \
    F(struct libmnt_iter *, mnt_new_iter, (int direction), (direction))                                                \
    F(void, mnt_free_iter, (struct libmnt_iter *iterator), (iterator))                                                 \
    F(int, mnt_fs_get_id, (struct libmnt_fs *entry), (entry))                                                          \
    F(dev_t, mnt_fs_get_devno, (struct libmnt_fs *entry), (entry))                                                     \
    F(const char *, mnt_fs_get_source, (struct libmnt_fs *entry), (entry))                                             \
    F(const char *, mnt_fs_get_target, (struct libmnt_fs *entry), (entry))                                             \
    F(char *, mnt_resolve_spec, (const char *spec, struct libmnt_cache *cache), (spec, cache))

#define DEFINE(result, name, parameters, arguments)                                                                    \
    static result (*library_##name) parameters;                                                                        \
    __attribute__((visibility("hidden"))) result name parameters { return library_##name arguments; }
FUNCTIONS(DEFINE)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[256];

static void *find(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (!function) snprintf(failure, sizeof failure, "%s", dlerror());
    return function;
}

static void load(void) {
    void *library = dlopen("libmount.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(failure, sizeof failure, "%s", dlerror());
        return;
    }
#define FIND(result, name, parameters, arguments)                                                                      \
    if (!failure[0]) library_##name = (result(*) parameters) find(library, #name);
    FUNCTIONS(FIND)
}

const char *libmount_load(void) {
    pthread_once(&once, load);
    return failure[0] ? failure : NULL;
}
