/*
 * Lines `time level process event key=value ...`. The time is UTC with milliseconds (RFC 3339).
 * Keys and events are ours; values go through clean_quote, so nothing from outside can end a value,
 * a field or a line. A field that does not fit is left out whole, with all behind it, and the line
 * says cut=yes.
 */
#include "log/log.h"

#include "base/assert.h"
#include "log/recent.h"
#include "rt/file.h"
#include "wire/message/date.h"
#include "wire/text/clean.h"

#define LOG_NAME_MAX 32
/* Kept free for the mark and the end of the line. */
#define LOG_TAIL " cut=yes\n"
#define LOG_TAIL_BYTES (sizeof(LOG_TAIL) - 1)

#define US_PER_MS 1000

struct log {
	struct rt *rt;
	int fd;
	int echo_fd; /* of errors, too; or -1 */
	enum log_level most;
	uint64_t lost;	      /* all */
	uint64_t lost_untold; /* not yet logged */
	struct recent recent;
	char name[LOG_NAME_MAX + 1];
};

static const struct {
	const char *name;
	enum log_level level;
} events[] = {
#define EVENT(name, level, help) {#name, LOG_##level},
#include "def/events.def"
#undef EVENT
};

static const char *const level_names[LOG_LEVEL_MAX] = {
	[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

int
log_create(struct rt *rt, const char *process, int fd, struct log **ret_log)
{
	struct log *log = MEM_NEW(rt_mem(rt), struct log);
	struct slice name = slice_sub(slice_str(process), 0, LOG_NAME_MAX);

	if (!log)
		return ERR_NO_MEMORY;
	log->rt = rt;
	log->fd = fd;
	log->echo_fd = -1;
	log->most = LOG_INFO;
	for (size_t i = 0; i < name.len; i++)
		log->name[i] = (char)name.data[i];
	*ret_log = log;
	return 0;
}

void
log_destroy(struct log **log)
{
	if (*log)
		mem_give(rt_mem((*log)->rt), *log, sizeof(**log));
	*log = NULL;
}

void
log_set_fd(struct log *log, int fd)
{
	log->fd = fd;
}

void
log_set_echo(struct log *log, int fd)
{
	log->echo_fd = fd;
}

void
log_set_level(struct log *log, enum log_level most)
{
	log->most = most;
}

uint64_t
log_lost(const struct log *log)
{
	return log->lost;
}

void
log_begin(struct log_line *line, struct log *log, enum log_event event)
{
	ASSERT(event < EVENT_MAX);
	line->recent = recent_add(&log->recent, rt_now_ms(log->rt), events[event].name, NULL);
	line->level = events[event].level;
	line->log = events[event].level <= log->most ? log : NULL;
	if (!line->log)
		return;
	builder_init_fixed(&line->b, line->buf, sizeof(line->buf) - LOG_TAIL_BYTES);
	date_stamp_build(&line->b, rt_wall_ms(log->rt), true);
	builder_str(&line->b, " ");
	builder_str(&line->b, level_names[events[event].level]);
	builder_str(&line->b, " ");
	builder_str(&line->b, log->name);
	builder_str(&line->b, " ");
	builder_str(&line->b, events[event].name);
}

/* False when the field is not to be written. */
static bool
field_begin(struct log_line *line, const char *key, size_t *ret_start)
{
	if (!line->log || line->b.failed)
		return false;
	*ret_start = line->b.len;
	builder_str(&line->b, " ");
	builder_str(&line->b, key);
	builder_str(&line->b, "=");
	return true;
}

static void
field_end(struct log_line *line, size_t start)
{
	if (line->b.failed)
		line->b.len = start;
}

void
log_text(struct log_line *line, const char *key, struct slice value)
{
	size_t start;

	if (!field_begin(line, key, &start))
		return;
	clean_quote(&line->b, value, LOG_VALUE_MAX);
	field_end(line, start);
}

void
log_number(struct log_line *line, const char *key, int64_t value)
{
	size_t start;

	if (!field_begin(line, key, &start))
		return;
	builder_dec_signed(&line->b, value);
	field_end(line, start);
}

void
log_msg(struct log_line *line, msg_id id)
{
	size_t start;

	line->recent->id = id;
	if (!field_begin(line, "msg", &start))
		return;
	msg_id_format(&line->b, id);
	field_end(line, start);
}

void
log_addr(struct log_line *line, const char *key, const struct net_addr *addr)
{
	size_t start;

	if (!field_begin(line, key, &start))
		return;
	if (addr->port)
		net_addr_format_port(&line->b, addr);
	else
		net_addr_format(&line->b, addr);
	field_end(line, start);
}

void
log_err(struct log_line *line, int err)
{
	log_text(line, "err", slice_str(err_str(err)));
	if (err_errno(err))
		log_number(line, "errno", err_errno(err));
}

void
log_verdict(struct log_line *line, const struct verdict *verdict)
{
	char buf[24];
	struct builder status;

	log_text(line, "class", slice_str(verdict_class_str(verdict->class)));
	if (verdict->class != VERDICT_OK) {
		log_text(line, "stage", slice_str(verdict_stage_str(verdict->stage)));
		log_text(line, "cause", slice_str(verdict_cause_str(verdict->cause)));
	}
	if (verdict->code)
		log_number(line, "code", verdict->code);
	builder_init_fixed(&status, buf, sizeof(buf));
	verdict_status_format(&status, verdict->status);
	if (status.len)
		log_text(line, "status", builder_slice(&status));
	if (verdict->host.len)
		log_text(line, "host", verdict->host);
	if (verdict->address.family != NET_FAMILY_NONE)
		log_addr(line, "addr", &verdict->address);
	if (verdict->reply.len)
		log_text(line, "reply", verdict->reply);
}

static int
line_write(struct log *log, struct log_line *line)
{
	struct slice text;
	struct builder tail;

	/* The room was kept free. */
	builder_init_fixed(&tail, line->buf + line->b.len, sizeof(line->buf) - line->b.len);
	builder_str(&tail, line->b.failed ? LOG_TAIL : "\n");
	ASSERT(!tail.failed);
	text = slice_of(line->buf, line->b.len + tail.len);
	/* A terminal that is gone is none to tell. */
	if (line->level == LOG_ERROR && log->echo_fd >= 0)
		(void)!rt_write_line(log->rt, log->echo_fd, text);
	return rt_write_line(log->rt, log->fd, text);
}

/* What was lost is told before the next line that can be written. */
static int
lost_write(struct log *log)
{
	struct log_line line;
	int err = 0;

	log_begin(&line, log, EVENT_log_lost);
	log_number(&line, "count", (int64_t)log->lost_untold);
	if (line.log)
		err = line_write(log, &line);
	if (!err)
		log->lost_untold = 0;
	return err;
}

void
log_end(struct log_line *line)
{
	struct log *log = line->log;
	int err = 0;

	if (!log)
		return;
	if (log->lost_untold)
		err = lost_write(log);
	if (!err)
		err = line_write(log, line);
	if (err) {
		log->lost++;
		log->lost_untold++;
	}
	line->log = NULL;
}

void
log_recent_message(struct log *log, const char *from, const char *type)
{
	recent_add(&log->recent, rt_now_ms(log->rt), type, from);
}

static void
recent_write(struct log *log, const struct recent_entry *entry)
{
	struct log_line line;

	log_begin(&line, log, EVENT_crash_recent);
	log_number(&line, "ago_ms", (int64_t)(rt_now_us(log->rt) / US_PER_MS - entry->at_ms));
	log_text(&line, entry->from ? "message" : "event", slice_str(entry->what));
	if (entry->from)
		log_text(&line, "from", slice_str(entry->from));
	if (entry->id)
		log_msg(&line, entry->id);
	log_end(&line);
}

void
log_crash(void *log, const char *why)
{
	struct log *own = log;
	struct recent recent = own->recent; /* these lines are events, too */
	const struct recent_entry *entry;
	struct log_line line;

	log_begin(&line, own, EVENT_crash);
	log_text(&line, "why", slice_str(why));
	log_end(&line);
	for (uint64_t ago = RECENT_MAX; ago > 0; ago--)
		if ((entry = recent_at(&recent, ago)))
			recent_write(own, entry);
}
