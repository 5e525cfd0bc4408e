/*
 * frank-queue: see queue.h.
 */
#include "proc/queue/queue.h"

int
main(int argc, char **argv)
{
	return boot_main(argc, argv, &queue_process);
}
