/*
 * frank-postoffice: see postoffice.h and README.
 */
#include "proc/postoffice/postoffice.h"

int
main(int argc, char **argv)
{
	return boot_main(argc, argv, &postoffice_process);
}
