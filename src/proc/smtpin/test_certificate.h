/*
 * A self-signed certificate for mx.example.test with its key, for the test of this folder alone.
 */
#ifndef PROC_SMTPIN_TEST_CERTIFICATE_H
#define PROC_SMTPIN_TEST_CERTIFICATE_H

#define TEST_CERTIFICATE                                                                           \
	"-----BEGIN CERTIFICATE-----\n"                                                            \
	"MIIBjDCCATGgAwIBAgIUam85mNEK0WMPKqc2xf47fWTYecIwCgYIKoZIzj0EAwIw\n"                       \
	"GjEYMBYGA1UEAwwPbXguZXhhbXBsZS50ZXN0MCAXDTI2MTEyMjExMTIwMFoYDzIx\n"                       \
	"MjYxMDI5MTExMjAwWjAaMRgwFgYDVQQDDA9teC5leGFtcGxlLnRlc3QwWTATBgcq\n"                       \
	"hkjOPQIBBggqhkjOPQMBBwNCAASWmusGmdTjCk7PuASKCSz8bkGcBf9MbtKDXKkp\n"                       \
	"K1C8s4aUseoKe9Mu+lo8bDWIn12tpojNb0guMoA84ZyApTwFo1MwUTAdBgNVHQ4E\n"                       \
	"FgQU/6IaQ6Nm0qudXVjftDh2kDXervgwHwYDVR0jBBgwFoAU/6IaQ6Nm0qudXVjf\n"                       \
	"tDh2kDXervgwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA7/xt\n"                       \
	"TAeDmfXDHRw1YHeHJB+I+OYf/nLuTH9VqLxdTLYCIQCXfFRh4f+YVC6zwXz2XEkd\n"                       \
	"9JFNhE+Hn/j1zp1L0vP9fg==\n"                                                               \
	"-----END CERTIFICATE-----\n"
#define TEST_KEY                                                                                   \
	"-----BEGIN PRIVATE KEY-----\n"                                                            \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHYahGypUCqgbDgcM\n"                       \
	"DCi8CGQDlqJfFqhQeXEAuJbgn9GhRANCAASWmusGmdTjCk7PuASKCSz8bkGcBf9M\n"                       \
	"btKDXKkpK1C8s4aUseoKe9Mu+lo8bDWIn12tpojNb0guMoA84ZyApTwF\n"                               \
	"-----END PRIVATE KEY-----\n"

#endif
