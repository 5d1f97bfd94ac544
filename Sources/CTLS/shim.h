// OpenSSL's TLS, with its macros under names that can be called from Swift.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline long ctls_set_server_name(SSL *ssl, const char *name)
{
    return SSL_set_tlsext_host_name(ssl, name);
}
