#define _XOPEN_SOURCE 600 /* posix_openpt */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/term.h"
#include "cli/cli.h"
#include "test.h"

/* ---- signals, each in a process of its own ---- */

static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};

/* The exit status of `work` in a child, in which the signals are as they usually are. */
static int status_of(void (*work)(int signal_number), int signal_number)
{
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 3; i++) signal(stopping[i], SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        work(signal_number);
        _exit(0);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void raise_once(int signal_number)
{
    interrupt_catch();
    if (interrupt_requested()) _exit(1);
    raise(signal_number);
    if (!interrupt_requested()) _exit(2);
    /* What timeout(1) does: the same request. */
    raise(signal_number);
    if (!interrupt_requested()) _exit(3);
}

static void raise_twice(int signal_number)
{
    raise_once(signal_number);
    usleep(150000);
    raise(signal_number);
}

static void raise_another(int signal_number)
{
    raise_once(signal_number == SIGINT ? SIGTERM : SIGINT);
    usleep(150000);
    raise(signal_number);
}

static void raise_ignored(int signal_number)
{
    struct sigaction now;
    signal(SIGQUIT, SIG_DFL);
    signal(signal_number, SIG_IGN);
    interrupt_catch();
    for (int i = 0; i < 2; i++) {
        raise(signal_number);
        if (interrupt_requested()) _exit(1);
        usleep(150000);
    }
    if (sigaction(signal_number, NULL, &now) != 0 || now.sa_handler != SIG_IGN) _exit(2);
}

/* Ctrl-C on a terminal of this process's own. */
static void press_interrupt(void)
{
    int keyboard = posix_openpt(O_RDWR | O_NOCTTY);
    if (keyboard < 0 || grantpt(keyboard) != 0 || unlockpt(keyboard) != 0 || setsid() < 0) _exit(3);
    int terminal = open(ptsname(keyboard), O_RDWR); /* becomes the controlling one */
    if (terminal < 0 || tcsetpgrp(terminal, getpid()) != 0) _exit(4);
    if (write(keyboard, "\003", 1) != 1) _exit(5);
    for (int i = 0; i < 20 && !interrupt_requested(); i++) usleep(10000);
}

static void press_in_foreground(int signal_number)
{
    signal(signal_number, SIG_DFL);
    interrupt_catch();
    press_interrupt();
    if (!interrupt_requested()) _exit(1);
}

/* As sh starts a background process. */
static void interrupt_background(int signal_number)
{
    signal(SIGQUIT, SIG_IGN);
    signal(signal_number, SIG_IGN);
    interrupt_catch();
    press_interrupt();
    if (interrupt_requested()) _exit(1);
    kill(getpid(), signal_number);
    if (!interrupt_requested()) _exit(2);
}

static void write_to_nobody(int signal_number)
{
    int ends[2];
    (void)signal_number;
    interrupt_catch();
    if (pipe(ends) != 0 || close(ends[0]) != 0) _exit(1);
    if (write(ends[1], "x", 1) != -1 || errno != EPIPE) _exit(2);
    if (interrupt_requested()) _exit(3);
}

TEST(the_first_signal_asks_to_stop_and_a_second_one_ends_the_process_with_128_and_its_number)
{
    for (int i = 0; i < 3; i++) {
        EXPECT_INT(status_of(raise_once, stopping[i]), 0);
        EXPECT_INT(status_of(raise_twice, stopping[i]), 128 + stopping[i]);
        EXPECT_INT(status_of(raise_another, stopping[i]), 128 + stopping[i]);
    }
}

TEST(signals_that_the_parent_ignores_stay_ignored)
{
    for (int i = 0; i < 3; i++) EXPECT_INT(status_of(raise_ignored, stopping[i]), 0);
}

TEST(a_background_process_is_stopped_by_a_signal_sent_to_it_and_not_by_ctrl_c)
{
    EXPECT_INT(status_of(press_in_foreground, SIGINT), 0);
    EXPECT_INT(status_of(interrupt_background, SIGINT), 0);
}

TEST(a_reader_that_left_is_an_error_and_no_signal)
{
    EXPECT_INT(status_of(write_to_nobody, SIGPIPE), 0);
}
