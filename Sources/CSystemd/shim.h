#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
