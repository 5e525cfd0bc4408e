/*
 * frank-super: see arguments.c and README.
 */
#include "proc/super/super.h"

int
main(int argc, char **argv)
{
	return super_main(argc, argv);
}
