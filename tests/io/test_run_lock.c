/* A run belongs to one process. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "io/checkpoint.h"
#include "test.h"

TEST(run_lock_refuses_a_second_owner_by_pid)
{
    RunLock first, second;
    Err err = {0};
    char expected[64];
    EXPECT(run_lock(&first, test_folder(), &err));
    run_lock_sign(&first);
    EXPECT(!run_lock(&second, test_folder(), &err));
    EXPECT_INT(err.kind, ERR_IO);
    snprintf(expected, sizeof expected, "is in use by process %ld", (long)getpid());
    EXPECT_CONTAINS(err.text, expected);
    run_unlock(&second); /* holds nothing: must not free the first */
    EXPECT(!run_lock(&second, test_folder(), &err));
    run_unlock(&first);
    run_unlock(&first);
    EXPECT(run_lock(&second, test_folder(), &err));
    run_unlock(&second);
}

TEST(run_lock_of_a_killed_process_does_not_block)
{
    int ends[2];
    Err err = {0};
    RunLock lock;
    if (!EXPECT(pipe(ends) == 0)) return;
    test_folder();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char ok = run_lock(&lock, test_folder(), NULL) ? 'y' : 'n';
        run_lock_sign(&lock);
        if (write(ends[1], &ok, 1) != 1) _exit(1);
        for (;;) pause();
    }
    char ok = 'n', expected[64];
    EXPECT(read(ends[0], &ok, 1) == 1 && ok == 'y');
    EXPECT(!run_lock(&lock, test_folder(), &err));
    snprintf(expected, sizeof expected, "process %ld;", (long)child);
    EXPECT_CONTAINS(err.text, expected);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    EXPECT(run_lock(&lock, test_folder(), &err));
    run_unlock(&lock);
    close(ends[0]);
    close(ends[1]);
}

TEST(run_lock_needs_the_folder)
{
    RunLock lock;
    Err err = {0};
    EXPECT_REFUSED(run_lock(&lock, "/no/such/run", &err), err, ERR_IO, "/no/such/run/lock");
}
