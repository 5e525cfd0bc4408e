/*
 * networks: one budget per client network (the first bits of the address, as configured). Networks
 * that hold nothing are forgotten in a sweep; when there are too many, new ones are refused rather
 * than let in uncounted.
 */
#include <string.h>

#include "proc/smtpin/smtpin.h"

struct key {
	uint8_t bytes[18];
};

static struct key
key_of(const struct config *config, const struct net_addr *client)
{
	struct net_addr addr = net_addr_unmap(client);
	struct net_addr net = net_addr_masked(
		&addr, (unsigned)(addr.family == NET_FAMILY_4 ? config->client_network_bits4
							      : config->client_network_bits6));
	struct key key = {{net.family}};

	memcpy(key.bytes + 1, net.bytes, sizeof(net.bytes));
	return key;
}

static bool
network_matches(const struct map_node *node, struct slice key)
{
	const struct network *network = CONTAINER_OF(node, struct network, map_node);

	return slice_eq(slice_of(network->key, sizeof(network->key)), key);
}

static struct network *
network_make(struct smtpin *in, const struct key *key)
{
	struct mem *mem = rt_mem(in->boot->rt);
	struct network *network;

	if (in->network_count >= SMTPIN_NETWORKS_MAX)
		return NULL;
	network = MEM_NEW(mem, struct network);
	if (!network)
		return NULL;
	memcpy(network->key, key->bytes, sizeof(network->key));
	if (map_insert(&in->network_map, &network->map_node,
		       slice_of(network->key, sizeof(network->key)))) {
		mem_give(mem, network, sizeof(*network));
		return NULL;
	}
	list_push_back(&in->networks, &network->node);
	in->network_count++;
	return network;
}

enum admit_reason
networks_open(struct smtpin *in, const struct net_addr *client, const struct admit_limits *limits,
	      struct network **ret_network)
{
	struct key key = key_of(in->boot->config, client);
	struct map_node *found =
		map_find(&in->network_map, slice_of(key.bytes, sizeof(key.bytes)), network_matches);
	struct network *network =
		found ? CONTAINER_OF(found, struct network, map_node) : network_make(in, &key);
	enum admit_reason reason;

	if (!network)
		return ADMIT_SESSIONS_MAX;
	reason = admit_budget_open(&network->budget, limits, rt_now_ms(in->boot->rt));
	if (!admit_refuses(reason))
		*ret_network = network;
	return reason;
}

void
networks_close(struct network *network)
{
	admit_budget_close(&network->budget);
}

static void
network_destroy(struct smtpin *in, struct network *network)
{
	list_remove(&network->node);
	map_remove(&in->network_map, &network->map_node);
	in->network_count--;
	mem_give(rt_mem(in->boot->rt), network, sizeof(*network));
}

void
networks_sweep(struct smtpin *in)
{
	uint64_t now_ms = rt_now_ms(in->boot->rt);
	struct list_node *node, *next;

	for (node = list_first(&in->networks); node; node = next) {
		struct network *network = CONTAINER_OF(node, struct network, node);

		next = list_next(&in->networks, node);
		if (admit_budget_is_fresh(&network->budget, now_ms))
			network_destroy(in, network);
	}
}

void
networks_finish(struct smtpin *in)
{
	struct list_node *node;

	while ((node = list_first(&in->networks)))
		network_destroy(in, CONTAINER_OF(node, struct network, node));
	map_finish(&in->network_map);
}

bool
networks_trusted(const struct config *config, const struct net_addr *client)
{
	struct net_addr addr = net_addr_unmap(client);

	for (size_t i = 0; i < config->relay_trusted.count; i++)
		if (net_cidr_has(&config->relay_trusted.items[i], &addr))
			return true;
	return false;
}
