/* wanted: who gets no report. */
#include "base/test.h"

#include "rule/explain/wanted.h"

TEST(rows)
{
	static const struct {
		const char *sender, *header;
		enum report_wanted want;
	} rows[] = {
		{"ann@x.test", "Subject: x\r\n\r\n", REPORT_WANTED},
		/* addresses of lists are there to receive reports */
		{"list-bounces+ann=y.test@x.test",
		 "List-Id: <list.x.test>\r\nPrecedence: list\r\n\r\n", REPORT_WANTED},
		{"owner-list@x.test", "Precedence: bulk\r\n\r\n", REPORT_WANTED},
		{"", "Subject: x\r\n\r\n", REPORT_NO_SENDER},
		{"ann@x.test", "Auto-Submitted: auto-replied\r\n\r\n", REPORT_AUTOMATIC},
		{"ann@x.test", "auto-submitted: auto-generated (cron)\r\n\r\n", REPORT_AUTOMATIC},
		{"ann@x.test", "Auto-Submitted: no\r\n\r\n", REPORT_WANTED},
		{"ann@x.test", "Auto-Submitted: NO; x=y\r\n\r\n", REPORT_WANTED},
		{"ann@x.test", "Auto-Submitted: no (really)\r\n\r\n", REPORT_WANTED},
		{"ann@x.test", "Auto-Submitted: notify\r\n\r\n", REPORT_AUTOMATIC},
		{"ann@x.test", "Auto-Submitted:\r\n\r\n", REPORT_AUTOMATIC},
		{"ann@x.test", "A: b\r\n\r\nAuto-Submitted: auto-replied\r\n", REPORT_WANTED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum report_wanted got =
			report_wanted(slice_str(rows[i].sender), slice_str(rows[i].header));

		if (got != rows[i].want)
			fail_msg("%s: %s", rows[i].header, report_wanted_str(got));
	}
}

TESTS(TEST_ROW(rows))
