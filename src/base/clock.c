#include "diffc/clock.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t requested_flag;

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
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
    if (requested_flag) _exit(128 + signal_number);
    requested_flag = 1;
}

void interrupt_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

bool interrupt_requested(void)
{
    return requested_flag != 0;
}

void interrupt_set(bool requested)
{
    requested_flag = requested;
}
