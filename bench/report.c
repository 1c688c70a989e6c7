/*
 * Samples, and how they are printed: as a table for people, or as one JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

double freshet_bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int report_compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

void freshet_bench_sort(double *samples, size_t count)
{
    qsort(samples, count, sizeof(*samples), report_compare);
}

void freshet_bench_report_table(struct bench_report *report)
{
    if (report->json) {
        fputs(",\"world\":[", stdout);
    } else {
        printf("\n%-12s %12s %12s %10s   %s\n", "", "median us", "p99 us", "x floor", "what");
    }
    report->rows = 0;
    report->floor_ns = 0;
    fflush(stdout);
}

void freshet_bench_report_floor(struct bench_report *report)
{
    report->floor_ns = 0;
}

void freshet_bench_report_row(struct bench_report *report, const char *name, const char *about,
                              double *samples, size_t count)
{
    double median_ns = 0;
    double p99_ns = 0;

    freshet_bench_sort(samples, count);
    median_ns = samples[count / 2];
    p99_ns = samples[(count - 1) * 99 / 100];
    if (report->floor_ns <= 0) {
        report->floor_ns = median_ns;
    }
    if (report->json) {
        printf("%s{\"name\":\"%s\",\"samples\":%zu,\"median_us\":%.1f,\"p99_us\":%.1f,"
               "\"ratio\":%.2f}",
               report->rows > 0 ? "," : "", name, count, median_ns / 1e3, p99_ns / 1e3,
               median_ns / report->floor_ns);
    } else {
        printf("%-12s %12.1f %12.1f %10.1f   %s\n", name, median_ns / 1e3, p99_ns / 1e3,
               median_ns / report->floor_ns, about);
    }
    report->rows++;
    fflush(stdout);
}

void freshet_bench_report_figure(struct bench_report *report, const char *name, const char *about,
                                 double value, const char *unit)
{
    if (report->json) {
        printf("%s{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"%s\"}", report->rows > 0 ? "," : "",
               name, value, unit);
    } else {
        printf("%-12s %12.1f %-23s   %s\n", name, value, unit, about);
    }
    report->rows++;
    fflush(stdout);
}

void freshet_bench_report_skip(struct bench_report *report, const char *name, const char *why)
{
    if (report->json) {
        printf("%s{\"name\":\"%s\",\"skipped\":\"%s\"}", report->rows > 0 ? "," : "", name, why);
    } else {
        printf("%-12s skipped: %s\n", name, why);
    }
    report->rows++;
    fflush(stdout);
}
