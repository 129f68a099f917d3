#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "data/dataset_load.h"

static const DataPlace fashion_mnist = {
    .installed = "/usr/share/datasets/fashion-mnist",
    .local = "data/fashion-mnist",
    .advice = "install the package dataset-fashion-mnist (make deps), or put "
              "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz "
              "and t10k-labels-idx1-ubyte.gz into data/fashion-mnist"};

/* The same path but for slashes at its end. */
static bool is_path(const char *path, const char *place)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    return strlen(place) == length && memcmp(path, place, length) == 0;
}

const char *data_place_find(const DataPlace *place, const char *path)
{
    if (path_exists(path)) return path;
    if (is_path(path, place->installed) && path_exists(place->local)) return place->local;
    if (is_path(path, place->local) && path_exists(place->installed)) return place->installed;
    return path;
}

const char *dataset_place(const char *path)
{
    return data_place_find(&fashion_mnist, path);
}

bool data_place_missing(const DataPlace *place, const char *path, Err *err)
{
    int reason = errno;
    if (reason == ENOENT && (is_path(path, place->installed) || is_path(path, place->local)))
        return err_set(err, ERR_IO, "%s: the data set is not there; %s", path, place->advice);
    errno = reason;
    return err_set_errno(err, "%s: cannot open the data", path);
}

bool data_missing(const char *path, Err *err)
{
    return data_place_missing(&fashion_mnist, path, err);
}
