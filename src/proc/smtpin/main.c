/*
 * frank-smtpin: see smtpin.h and README.
 */
#include "proc/smtpin/smtpin.h"

int
main(int argc, char **argv)
{
	return boot_main(argc, argv, &smtpin_process);
}
