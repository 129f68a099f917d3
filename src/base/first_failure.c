#include "base/first_failure.h"

#include <pthread.h>

/* No `omp critical`: clang makes of each a symbol that a shared library shows. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void first_failure_add(FirstFailure *f, int item, const Err *err)
{
    pthread_mutex_lock(&lock);
    if (!f->failed || item < f->item) *f = (FirstFailure){true, item, *err};
    pthread_mutex_unlock(&lock);
}

bool first_failure_none(const FirstFailure *f, Err *err)
{
    return !f->failed || err_set(err, f->err.kind, "%s", f->err.text);
}
