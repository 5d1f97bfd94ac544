// libmount, loaded when a filesystem is first looked at: it brings four more libraries with it, and most processes of a
// node never see a mount. The functions below are those of libmount.h, found there then.
#ifndef HEARTBEAT_CMOUNT_H
#define HEARTBEAT_CMOUNT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <libmount/libmount.h>

/// Loads libmount, where that has not been done. Returns NULL, or why it cannot be used; nothing else of libmount may be
/// called then. Any thread may call it.
const char *libmount_load(void);

#endif
