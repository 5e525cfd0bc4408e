/*
 * config_child: how super asks for a configuration. It runs `frank-config NAME FOLDER` (the file's
 * name for messages; the folder that relative paths in the file start from) with the opened file as
 * descriptor 3 and an empty, writable memory file as descriptor 4, uid of role config, no channel.
 * The child enters its sandbox, reads, parses and checks, and writes to 4: the snapshot
 * (config_encode) and exits 0; or what is wrong, as text, and exits 78 (EX_CONFIG). Anything else
 * counts as a failure of ours. super never sees the text of the file.
 */
#ifndef BOOT_CONFIG_CHILD_H
#define BOOT_CONFIG_CHILD_H

#define CONFIG_CHILD_FD_FILE 3
#define CONFIG_CHILD_FD_RESULT 4
#define CONFIG_CHILD_EXIT_INVALID 78
#define CONFIG_CHILD_TEXT_MAX 2048
/* Then it is killed and the configuration refused. */
#define CONFIG_CHILD_TIME_MS 10000

#endif
