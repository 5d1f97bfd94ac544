#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
