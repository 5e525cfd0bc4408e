#include "programs.h"

#include "proc/bounce/bounce.h"
#include "proc/config/config.h"
#include "proc/control/control.h"
#include "proc/directory/directory.h"
#include "proc/dns/dns.h"
#include "proc/postoffice/postoffice.h"
#include "proc/queue/queue.h"
#include "proc/smtpin/smtpin.h"
#include "proc/smtpout/smtpout.h"
#include "proc/super/super.h"

#define CHILD(name)                                                                                \
	static int name##_main(int argc, char **argv)                                              \
	{                                                                                          \
		return boot_main(argc, argv, &name##_process);                                     \
	}

CHILD(bounce)
CHILD(control)
CHILD(directory)
CHILD(dns)
CHILD(postoffice)
CHILD(queue)
CHILD(smtpin)
CHILD(smtpout)

const struct sim_program sim_programs[SIM_PROGRAM_COUNT] = {
	{"frank-super", super_main},	       {"frank-config", config_main},
	{"frank-bounce", bounce_main},	       {"frank-control", control_main},
	{"frank-directory", directory_main},   {"frank-dns", dns_main},
	{"frank-postoffice", postoffice_main}, {"frank-queue", queue_main},
	{"frank-smtpin", smtpin_main},	       {"frank-smtpout", smtpout_main},
};
