/*
 * Hands each line to whoever wants it.
 */
#include "simulate/report.h"

#define LINE_MAX_BYTES 16384

void freshet_sim_report_line(struct report *report, const struct trace_line *line,
                             const struct held *held)
{
    char text[LINE_MAX_BYTES];

    if (report->svg != NULL)
        freshet_sim_svg_line(report->svg, line, held);
    if (report->json) {
        size_t length = freshet_trace_json(line, text, sizeof text);

        (void)fwrite(text, 1, length, report->out);
        (void)fputc('\n', report->out);
    } else {
        freshet_sim_timeline_line(&report->timeline, line);
    }
}

void freshet_sim_report_end(struct report *report, int64_t until_ms)
{
    char text[LINE_MAX_BYTES];

    if (report->json) {
        size_t length = freshet_sim_summary_json(&report->summary, until_ms, text, sizeof text);

        (void)fwrite(text, 1, length, report->out);
        (void)fputc('\n', report->out);
    } else {
        freshet_sim_timeline_summary(&report->timeline, &report->summary, until_ms);
    }
}
