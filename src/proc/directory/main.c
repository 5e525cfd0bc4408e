/*
 * frank-directory: see directory.h.
 */
#include "proc/directory/directory.h"

int
main(int argc, char **argv)
{
	return boot_main(argc, argv, &directory_process);
}
