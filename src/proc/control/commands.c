/*
 * commands: what can be asked of a running server. One row per command.
 */
#include "proc/control/control.h"

#define FILTERS                                                                                    \
	(1u << ARGUMENT_ID | 1u << ARGUMENT_SENDER | 1u << ARGUMENT_RCPT |                         \
	 1u << ARGUMENT_DESTINATION)
#define MANY (FILTERS | 1u << ARGUMENT_ALL)
#define FILTER_TEXT "[ID] [--sender A] [--rcpt A] [--destination D]"

#define QUEUE(word, text, help, accepts, min, VERB)                                                \
	{                                                                                          \
		{"queue", word}, text, help, accepts, min, 1, CTL_QUEUE_##VERB, cmd_queue_run,     \
			IPC_CTL_QUEUE_ROW, cmd_queue_row, cmd_queue_end, NULL, true                \
	}
#define DIRECTORY(object, word, text, help, accepts, min, max, OBJECT, VERB)                       \
	{                                                                                          \
		{object, word}, text, help, accepts, min, max,                                     \
			CTL_DIRECTORY_##OBJECT *CTL_DIRECTORY_VERB_MAX + CTL_DIRECTORY_##VERB,     \
			cmd_directory_run, IPC_CTL_DIRECTORY_ROW, cmd_directory_row,               \
			cmd_directory_end                                                          \
	}

const struct control_command control_commands[] = {
	QUEUE("list", FILTER_TEXT " [--limit N] [--after ID]", "mail that is waiting",
	      FILTERS | 1u << ARGUMENT_LIMIT | 1u << ARGUMENT_AFTER, 0, LIST),
	QUEUE("show", "ID", "one message: each recipient, the last attempt, the remote's words", 0,
	      1, SHOW),
	QUEUE("retry", FILTER_TEXT " [--all]", "try again now", MANY, 0, RETRY),
	QUEUE("hold", FILTER_TEXT " [--all]", "try no more until released", MANY, 0, HOLD),
	QUEUE("release", FILTER_TEXT " [--all]", "undo hold", MANY, 0, RELEASE),
	QUEUE("delete", FILTER_TEXT " [--all]", "remove without a report to the sender", MANY, 0,
	      DELETE),
	QUEUE("flush", "", "try everything again now", 0, 0, FLUSH),
	DIRECTORY("postoffice", "add", "NAME", "a new tenant", 0, 1, 1, POSTOFFICE, ADD),
	DIRECTORY("postoffice", "list", "", "all tenants", 0, 0, 0, POSTOFFICE, LIST),
	DIRECTORY("postoffice", "show", "NAME", "one of them", 0, 1, 1, POSTOFFICE, SHOW),
	DIRECTORY("postoffice", "remove", "NAME", "remove an empty tenant", 0, 1, 1, POSTOFFICE,
		  REMOVE),
	DIRECTORY("domain", "add", "DOMAIN POSTOFFICE", "a domain of a tenant", 0, 2, 2, DOMAIN,
		  ADD),
	DIRECTORY("domain", "list", "[POSTOFFICE]", "domains", 0, 0, 1, DOMAIN, LIST),
	DIRECTORY("domain", "show", "DOMAIN", "one of them", 0, 1, 1, DOMAIN, SHOW),
	DIRECTORY("domain", "remove", "DOMAIN", "remove a domain without addresses", 0, 1, 1,
		  DOMAIN, REMOVE),
	DIRECTORY("mailbox", "add", "MAILBOX@POSTOFFICE --password-stdin", "a mailbox with a login",
		  1u << ARGUMENT_PASSWORD, 1, 1, MAILBOX, ADD),
	DIRECTORY("mailbox", "list", "[POSTOFFICE]", "mailboxes", 0, 0, 1, MAILBOX, LIST),
	DIRECTORY("mailbox", "show", "MAILBOX@POSTOFFICE", "one of them", 0, 1, 1, MAILBOX, SHOW),
	DIRECTORY("mailbox", "set", "MAILBOX@POSTOFFICE --password-stdin", "a new password",
		  1u << ARGUMENT_PASSWORD, 1, 1, MAILBOX, SET),
	DIRECTORY("mailbox", "remove", "MAILBOX@POSTOFFICE",
		  "remove one without addresses; its mail stays", 0, 1, 1, MAILBOX, REMOVE),
	DIRECTORY("address", "add", "ADDRESS MAILBOX@POSTOFFICE", "an address of a mailbox", 0, 2,
		  2, ADDRESS, ADD),
	DIRECTORY("address", "list", "[DOMAIN]", "addresses", 0, 0, 1, ADDRESS, LIST),
	DIRECTORY("address", "show", "ADDRESS", "one of them", 0, 1, 1, ADDRESS, SHOW),
	DIRECTORY("address", "set", "ADDRESS MAILBOX@POSTOFFICE", "lead it to another mailbox", 0,
		  2, 2, ADDRESS, SET),
	DIRECTORY("address", "remove", "ADDRESS", "remove an address", 0, 1, 1, ADDRESS, REMOVE),
	{{"trace"},
	 "ID | [--sender A] [--rcpt A] [--since 4h]",
	 "the life of messages, from connect to their end",
	 1u << ARGUMENT_ID | 1u << ARGUMENT_SENDER | 1u << ARGUMENT_RCPT | 1u << ARGUMENT_SINCE,
	 0,
	 1,
	 0,
	 cmd_trace_run,
	 IPC_CTL_TRACE_FILE,
	 cmd_trace_row,
	 cmd_trace_end,
	 cmd_trace_finish},
	{{"why"},
	 "ID",
	 "why a message is where it is: each recipient, in the words of a report",
	 0,
	 1,
	 1,
	 0,
	 cmd_trace_run,
	 IPC_CTL_TRACE_FILE,
	 cmd_trace_row,
	 cmd_why_end,
	 cmd_trace_finish,
	 true},
	{{"status"},
	 "",
	 "what the server does now",
	 0,
	 0,
	 0,
	 0,
	 cmd_status_run,
	 IPC_CTL_COUNTER,
	 cmd_status_row,
	 cmd_status_end,
	 NULL,
	 true},
	{{"reload"},
	 "",
	 "read the configuration again",
	 0,
	 0,
	 0,
	 IPC_CTL_RELOAD,
	 cmd_super_run,
	 IPC_TYPE_MAX,
	 NULL,
	 cmd_super_end},
	{{"stop"},
	 "",
	 "finish what is at hand and end",
	 0,
	 0,
	 0,
	 IPC_CTL_STOP,
	 cmd_super_run,
	 IPC_TYPE_MAX,
	 NULL,
	 cmd_super_end},
};
const size_t control_command_count = sizeof(control_commands) / sizeof(control_commands[0]);
