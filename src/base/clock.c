#include "base/clock.h"

#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Signals that come so soon after the first are the same request: timeout(1) sends its own to the child
 * and then to the whole group, and a terminal that is closed can send SIGHUP beside SIGTERM. */
enum { ONE_REQUEST_MS = 100 };

/* When the first signal came, in milliseconds of the monotonic clock, never 0; 0: none. */
static int64_t requested_at;

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double clock_processor_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

static double begin = (double)NAN;

void clock_begin(void)
{
    begin = clock_seconds();
}

double clock_since_begin(void)
{
    return clock_seconds() - begin;
}

static void on_signal(int signal_number)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t now = (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000 + 1, first = 0;
    if (__atomic_compare_exchange_n(&requested_at, &first, now, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        return;
    if (now - first >= ONE_REQUEST_MS) _exit(128 + signal_number);
}

/* A shell starts background processes with SIGINT ignored, so that Ctrl-C (sent by the kernel) does
 * not end them; a SIGINT from another process is meant. */
static void on_background_interrupt(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
#ifdef SI_KERNEL
    if (info->si_code == SI_KERNEL) return;
#else
    (void)info;
#endif
    on_signal(signal_number);
}

static bool parent_ignores(int signal_number)
{
    struct sigaction before;
    return sigaction(signal_number, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
}

void interrupt_catch(void)
{
    static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        sigemptyset(&action.sa_mask);
        action.sa_handler = on_signal;
        action.sa_flags = SA_RESTART;
        if (parent_ignores(stopping[i])) {
            /* POSIX shells without job control start background processes with SIGINT and SIGQUIT
             * ignored. */
            if (stopping[i] != SIGINT || !parent_ignores(SIGQUIT)) continue;
            action.sa_sigaction = on_background_interrupt;
            action.sa_flags |= SA_SIGINFO;
        }
        sigaction(stopping[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

bool interrupt_requested(void)
{
    return __atomic_load_n(&requested_at, __ATOMIC_RELAXED) != 0;
}

void interrupt_set(bool requested)
{
    __atomic_store_n(&requested_at, requested, __ATOMIC_RELAXED);
}
