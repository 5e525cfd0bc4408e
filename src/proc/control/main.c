/*
 * frank-control: see control.h and README.
 */
#include "proc/control/control.h"

int
main(int argc, char **argv)
{
	return boot_main(argc, argv, &control_process);
}
