/*
 * frank-bounce: see bounce.h and README.
 */
#include "proc/bounce/bounce.h"

int
main(int argc, char **argv)
{
	return boot_main(argc, argv, &bounce_process);
}
