/*
 * list: intrusive doubly linked list with a sentinel. The node lives inside the owner's struct;
 * CONTAINER_OF gets back to it. A node is in no list when its next is NULL (list_node_init).
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct list_node {
	struct list_node *next, *prev;
};

struct list {
	struct list_node head;
};

static inline void
list_init(struct list *list)
{
	list->head.next = list->head.prev = &list->head;
}

static inline bool
list_empty(const struct list *list)
{
	return list->head.next == &list->head;
}

static inline bool
list_linked(const struct list_node *node)
{
	return node->next != NULL;
}

static inline void
list_push_back(struct list *list, struct list_node *node)
{
	node->prev = list->head.prev;
	node->next = &list->head;
	list->head.prev->next = node;
	list->head.prev = node;
}

static inline void
list_push_front(struct list *list, struct list_node *node)
{
	node->next = list->head.next;
	node->prev = &list->head;
	list->head.next->prev = node;
	list->head.next = node;
}

/* A node that is in no list is fine. */
static inline void
list_remove(struct list_node *node)
{
	if (!node->next)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = NULL;
}

/* NULL when empty. */
static inline struct list_node *
list_first(const struct list *list)
{
	return list_empty(list) ? NULL : list->head.next;
}

/* The node behind this one, or NULL at the end. */
static inline struct list_node *
list_next(const struct list *list, const struct list_node *node)
{
	return node->next == &list->head ? NULL : node->next;
}

static inline struct list_node *
list_pop_front(struct list *list)
{
	struct list_node *node = list_first(list);

	if (node)
		list_remove(node);
	return node;
}

#endif
