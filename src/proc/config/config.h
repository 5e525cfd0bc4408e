/*
 * config: the child that reads a configuration (boot/config_child.h says how it is called).
 */
#ifndef PROC_CONFIG_CONFIG_H
#define PROC_CONFIG_CONFIG_H

/* The program; answers its exit code. */
int config_main(int argc, char **argv);

#endif
