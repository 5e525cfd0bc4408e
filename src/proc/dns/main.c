/*
 * frank-dns: see dns.h.
 */
#include "proc/dns/dns.h"

int
main(int argc, char **argv)
{
	return boot_main(argc, argv, &dns_process);
}
