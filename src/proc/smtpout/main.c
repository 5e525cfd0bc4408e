/* smtpout: the program. See README. */
#include "proc/smtpout/smtpout.h"

int
main(int argc, char **argv)
{
	return boot_main(argc, argv, &smtpout_process);
}
