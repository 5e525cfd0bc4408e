/*
 * frank-config: see config.c and README.
 */
#include "proc/config/config.h"

int
main(int argc, char **argv)
{
	return config_main(argc, argv);
}
