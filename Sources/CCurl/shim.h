#include <curl/curl.h>

/* curl_easy_setopt and curl_easy_getinfo are variadic, which Swift does not import. */
static inline CURLcode curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode curl_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode curl_set_headers(CURL *handle, struct curl_slist *list) {
    return curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
}
static inline CURLcode curl_set_write(CURL *handle, size_t (*body)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, body);
}
static inline CURLcode curl_get_code(CURL *handle, long *code) {
    return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, code);
}
static inline CURLoption curl_option_url(void) { return CURLOPT_URL; }
static inline CURLoption curl_option_body(void) { return CURLOPT_COPYPOSTFIELDS; }
static inline CURLoption curl_option_agent(void) { return CURLOPT_USERAGENT; }
static inline CURLoption curl_option_protocols(void) { return CURLOPT_PROTOCOLS_STR; }
static inline CURLoption curl_option_timeout(void) { return CURLOPT_TIMEOUT; }
static inline CURLoption curl_option_connect_timeout(void) { return CURLOPT_CONNECTTIMEOUT; }
static inline CURLoption curl_option_no_signal(void) { return CURLOPT_NOSIGNAL; }
