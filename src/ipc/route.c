/*
 * Roles by name, and who may send what to whom, from def/roles.def and def/routes.def.
 */
#include "ipc/codec.h"

struct route {
	uint8_t from, to, type;
};

static const struct route routes[] = {
#define ROUTE(FROM, TO, NAME) {IPC_ROLE_##FROM, IPC_ROLE_##TO, IPC_##NAME},
#include "def/routes.def"
#undef ROUTE
};

static const struct {
	const char *name;
	unsigned trust;
} roles[] = {
#define ROLE(NAME, name, trust, help) {name, trust},
#include "def/roles.def"
#undef ROLE
};

const char *
ipc_role_str(unsigned role)
{
	return role < IPC_ROLE_MAX ? roles[role].name : "unknown";
}

unsigned
ipc_role_trust(unsigned role)
{
	return role < IPC_ROLE_MAX ? roles[role].trust : 0;
}

bool
ipc_roles_speak(unsigned a, unsigned b)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if ((routes[i].from == a && routes[i].to == b) ||
		    (routes[i].from == b && routes[i].to == a))
			return true;
	return false;
}

struct ipc_routes
ipc_routes_between(enum ipc_role from, enum ipc_role to)
{
	struct ipc_routes found = {0};

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (routes[i].from == from && routes[i].to == to)
			found.bits[routes[i].type / 64] |= (uint64_t)1 << routes[i].type % 64;
	return found;
}

bool
ipc_routes_have(const struct ipc_routes *between, unsigned type)
{
	return type < IPC_TYPE_MAX && between->bits[type / 64] >> type % 64 & 1;
}
