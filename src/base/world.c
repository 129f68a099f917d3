#include "base/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The first of the variables that is set, as a number; else `otherwise`. */
static int number_of(const char *const *variables, int otherwise)
{
    for (; *variables; variables++)
        if (getenv(*variables)) return atoi(getenv(*variables));
    return otherwise;
}

/* How many processes a launcher has started, as far as its variables tell. PMIx gives no number; where it is Slurm's,
 * Slurm does. */
static int launched(void)
{
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE",
                                        NULL};
    static const char *const of_slurm[] = {"SLURM_STEP_NUM_TASKS", NULL};
    return number_of(sizes, getenv("PMIX_RANK") ? number_of(of_slurm, 1) : 1);
}

static const char *const rank_variables[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK",
                                             "MV2_COMM_WORLD_RANK", NULL};

/* Whether this process says a failure that it shares with others without knowing them: the first one does. A launcher
 * may end all others as soon as one ends, so these leave it a second. */
static bool is_first_launched(void)
{
    if (number_of(rank_variables, 0) == 0) return true;
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    return false;
}

static bool refuse(const char *why, Err *err)
{
    return err_set(
        err, ERR_USAGE,
        "%d processes were started together, but %s, so each would do all the work alone",
        launched(), why);
}

static size_t share_begin(size_t count, int process, int processes)
{
    size_t each = count / (size_t)processes, more = count % (size_t)processes, p = (size_t)process;
    return p * each + (p < more ? p : more);
}

void world_share(size_t count, size_t *first, size_t *end)
{
    *first = share_begin(count, world_rank(), world_size());
    *end = share_begin(count, world_rank() + 1, world_size());
}

bool world_all(bool true_here)
{
    return world_least(true_here) != 0;
}

#ifdef DIFFC_MPI
#include <mpi.h>
#include <sched.h>

#include "base/clock.h"
#include "base/cores.h"
#include "base/mem.h"
#include "base/parallel.h"

/* A message of a sum, and how many are under way at once. */
enum { MESSAGE_FLOATS = 1 << 16, MESSAGES = 4, SAID = 1, SENTENCE_BYTES = sizeof((Err *)0)->text };

static struct {
    bool joined;
    bool alone;
    int rank, size;
    MPI_Comm end;                    /* for how processes end; their work is MPI_COMM_WORLD's */
    char (*names)[WORLD_NAME_BYTES]; /* [size] hosts */
    int *counts, *places;            /* [size] */
    float *incoming;                 /* [MESSAGES][MESSAGE_FLOATS] */
} world = {.size = 1};

int world_rank(void)
{
    return world.alone ? 0 : world.rank;
}

int world_size(void)
{
    return world.alone ? 1 : world.size;
}

/* Waits without taking a CPU for long that others on this machine could use: MPI's own waiting spins. It looks often
 * at first, because messages move on only while somebody looks. */
static void wait_for(MPI_Request *request)
{
    static const double eager_seconds = 0.02;
    const struct timespec nap = {.tv_nsec = 50000};
    double begun = clock_seconds();
    for (int done = 0;;) {
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done) return;
        if (clock_seconds() - begun < eager_seconds)
            sched_yield();
        else
            nanosleep(&nap, NULL);
    }
}

/* ---- joining and leaving ---- */

typedef struct {
    unsigned char bits[CORES_MOST_CPUS / 8];
} CpuSet;

/* Processes of one machine that may run on the same CPUs would each take all of them. */
static void divide_cpus(void)
{
    static Cores cores;
    CpuSet own = {{0}};
    MPI_Comm machine;
    int rank, size, sharers = 0, before = 0;
    cores_find_cpus(&cores);
    cores_read(&cores, "");
    for (int i = 0; i < cores.cpus; i++)
        own.bits[cores.cpu[i] / 8] |= (unsigned char)(1 << cores.cpu[i] % 8);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, world.rank, MPI_INFO_NULL, &machine);
    MPI_Comm_rank(machine, &rank);
    MPI_Comm_size(machine, &size);
    CpuSet *all = mem_alloc((size_t)size, sizeof *all);
    CHECK(all);
    MPI_Allgather(&own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, machine);
    for (int i = 0; i < size; i++) {
        bool same = memcmp(&all[i], &own, sizeof own) == 0;
        sharers += same;
        before += same && i < rank;
    }
    mem_free(all);
    MPI_Comm_free(&machine);
    if (sharers > 1 && parallel_may_place()) cores_take_share(&cores, before, sharers);
}

static void find_names(void)
{
    char host[MPI_MAX_PROCESSOR_NAME + 1] = "", short_name[WORLD_NAME_BYTES] = "";
    int length;
    MPI_Get_processor_name(host, &length);
    snprintf(short_name, sizeof short_name, "%.60s", host);
    MPI_Allgather(short_name, sizeof short_name, MPI_CHAR, world.names, sizeof short_name, MPI_CHAR,
                  MPI_COMM_WORLD);
}

bool world_begin(Err *err)
{
    /* MPI takes its time to begin, and nobody has started others to work with. */
    if (number_of(rank_variables, -1) < 0) return true;
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    world.joined = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world.size);
    MPI_Comm_dup(MPI_COMM_WORLD, &world.end);
    if (launched() > 1 && world.size == 1)
        return refuse("the MPI that this diffc was built with is not that of the launcher", err);
    world.names = mem_alloc((size_t)world.size, sizeof *world.names);
    world.counts = mem_alloc((size_t)world.size, sizeof *world.counts);
    world.places = mem_alloc((size_t)world.size, sizeof *world.places);
    world.incoming = mem_floats((size_t)MESSAGES * MESSAGE_FLOATS);
    if (!world.names || !world.counts || !world.places || !world.incoming)
        return err_set(err, ERR_MEMORY, "not enough memory for the messages of %d processes",
                       world.size);
    find_names();
    if (world.size > 1) divide_cpus();
    return true;
}

void world_go_alone(void)
{
    CHECK(world.rank == 0);
    world.alone = true;
}

const char *world_name(int process, char out[WORLD_NAME_BYTES])
{
    if (world.names)
        snprintf(out, WORLD_NAME_BYTES, "process %d on %.60s", process, world.names[process]);
    else
        snprintf(out, WORLD_NAME_BYTES, "process %d", process);
    return out;
}

bool world_should_say(const char *sentence)
{
    static const double patience_seconds = 1;
    static char text[SENTENCE_BYTES];
    const struct timespec nap = {.tv_nsec = 1000000};
    if (world.size == 1) return launched() == 1 || is_first_launched();
    if (world.rank == 0) {
        snprintf(text, sizeof text, "%s", sentence);
        for (int to = 1; to < world.size; to++) {
            MPI_Request sent;
            MPI_Isend(text, sizeof text, MPI_CHAR, to, SAID, world.end, &sent);
            MPI_Request_free(&sent);
        }
        return true;
    }
    int there = 0;
    double begun = clock_seconds();
    while (!there && clock_seconds() - begun < patience_seconds) {
        MPI_Iprobe(0, SAID, world.end, &there, MPI_STATUS_IGNORE);
        if (!there) nanosleep(&nap, NULL);
    }
    if (!there) return true;
    MPI_Recv(text, sizeof text, MPI_CHAR, 0, SAID, world.end, MPI_STATUS_IGNORE);
    return strcmp(text, sentence) != 0;
}

void world_end(int code)
{
    static const double patience_seconds = 2;
    const struct timespec nap = {.tv_nsec = 1000000};
    if (!world.joined) return;
    MPI_Request everybody;
    MPI_Ibarrier(world.end, &everybody);
    double begun = clock_seconds();
    for (int done = 0;;) {
        MPI_Test(&everybody, &done, MPI_STATUS_IGNORE);
        if (done) break;
        if (code != 0 && clock_seconds() - begun > patience_seconds)
            MPI_Abort(MPI_COMM_WORLD, code);
        nanosleep(&nap, NULL);
    }
    MPI_Finalize();
    world.joined = false;
}

/* ---- data that all get ---- */

void world_broadcast(void *data, size_t bytes)
{
    enum { MOST = 1 << 30 };
    char *at = data;
    if (world_size() == 1) return;
    for (size_t now; bytes > 0; bytes -= now, at += now) {
        MPI_Request request;
        now = bytes < MOST ? bytes : MOST;
        MPI_Ibcast(at, (int)now, MPI_BYTE, 0, MPI_COMM_WORLD, &request);
        wait_for(&request);
    }
}

/* Some of each item at a time, because MPI counts by int. */
void world_gather(void *items, size_t count, size_t bytes)
{
    enum { MOST = 1 << 30 };
    char *data = items;
    if (world_size() == 1) return;
    if (count * bytes <= MOST) {
        MPI_Request request;
        for (int p = 0; p < world.size; p++) {
            world.places[p] = (int)(share_begin(count, p, world.size) * bytes);
            world.counts[p] =
                (int)(share_begin(count, p + 1, world.size) * bytes) - world.places[p];
        }
        MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, world.counts, world.places,
                        MPI_BYTE, MPI_COMM_WORLD, &request);
        wait_for(&request);
        return;
    }
    for (int p = 0; p < world.size; p++) {
        size_t at = share_begin(count, p, world.size) * bytes;
        size_t end = share_begin(count, p + 1, world.size) * bytes;
        for (size_t now; at < end; at += now) {
            MPI_Request request;
            now = end - at < MOST ? end - at : MOST;
            MPI_Ibcast(data + at, (int)now, MPI_BYTE, p, MPI_COMM_WORLD, &request);
            wait_for(&request);
        }
    }
}

static void reduce(void *value, MPI_Datatype type, MPI_Op op)
{
    MPI_Request request;
    if (world_size() == 1) return;
    MPI_Iallreduce(MPI_IN_PLACE, value, 1, type, op, MPI_COMM_WORLD, &request);
    wait_for(&request);
}

int world_least(int value)
{
    reduce(&value, MPI_INT, MPI_MIN);
    return value;
}

int world_greatest(int value)
{
    reduce(&value, MPI_INT, MPI_MAX);
    return value;
}

double world_greatest_real(double value)
{
    reduce(&value, MPI_DOUBLE, MPI_MAX);
    return value;
}

int world_first_other(const void *data, size_t bytes)
{
    if (world_size() == 1) return -1;
    char *first = mem_alloc(bytes, 1);
    CHECK(first);
    memcpy(first, data, bytes);
    world_broadcast(first, bytes);
    int other = world_least(memcmp(first, data, bytes) == 0 ? world.size : world.rank);
    mem_free(first);
    return other < world.size ? other : -1;
}

/* ---- the sum ---- */

typedef struct {
    float *at;
    size_t count;
} Part;

static int message_floats(size_t count, size_t i)
{
    size_t left = count - i * MESSAGE_FLOATS;
    return (int)(left < MESSAGE_FLOATS ? left : MESSAGE_FLOATS);
}

static float *place_of(Part take, bool add, size_t i)
{
    return add ? world.incoming + i % MESSAGES * MESSAGE_FLOATS : take.at + i * MESSAGE_FLOATS;
}

static void receive(int from, Part take, bool add, size_t i, MPI_Request *request)
{
    MPI_Irecv(place_of(take, add, i), message_floats(take.count, i), MPI_FLOAT, from, 0,
              MPI_COMM_WORLD, request);
}

static void send(int to, Part give, size_t i, MPI_Request *request)
{
    MPI_Isend(give.at + i * MESSAGE_FLOATS, message_floats(give.count, i), MPI_FLOAT, to, 0,
              MPI_COMM_WORLD, request);
}

/* `give` goes to the partner, and what it gives is added to `take` or put there, in messages of which several are
 * under way while one is added. */
static void exchange(int partner, Part give, Part take, bool add)
{
    MPI_Request in[MESSAGES], out[MESSAGES];
    size_t gives = (give.count + MESSAGE_FLOATS - 1) / MESSAGE_FLOATS;
    size_t takes = (take.count + MESSAGE_FLOATS - 1) / MESSAGE_FLOATS;
    for (size_t i = 0; i < MESSAGES && i < takes; i++) receive(partner, take, add, i, &in[i]);
    for (size_t i = 0; i < MESSAGES && i < gives; i++) send(partner, give, i, &out[i]);
    for (size_t i = 0; i < takes || i < gives; i++) {
        if (i < takes) {
            wait_for(&in[i % MESSAGES]);
            const float *came = place_of(take, add, i);
            float *sum = take.at + i * MESSAGE_FLOATS;
            for (int k = 0; add && k < message_floats(take.count, i); k++) sum[k] += came[k];
            if (i + MESSAGES < takes) receive(partner, take, add, i + MESSAGES, &in[i % MESSAGES]);
        }
        if (i < gives) {
            wait_for(&out[i % MESSAGES]);
            if (i + MESSAGES < gives) send(partner, give, i + MESSAGES, &out[i % MESSAGES]);
        }
    }
}

/* Partners at distance 1, then 2, 4, ... each keep one half of what both have and add the other's to it: a + b has
 * the bits of b + a. Then the halves go back the same way. */
void world_sum(float *x, size_t count)
{
    enum { MOST_ROUNDS = 30, LINE = 16 };
    Part part = {x, count}, given[MOST_ROUNDS];
    int round = 0;
    CHECK((world_size() & (world_size() - 1)) == 0);
    for (int distance = 1; distance < world_size(); distance *= 2) {
        size_t half = part.count / 2 / LINE * LINE;
        Part lower = {part.at, half}, upper = {part.at + half, part.count - half};
        bool keeps_lower = (world.rank & distance) == 0;
        given[round++] = keeps_lower ? upper : lower;
        part = keeps_lower ? lower : upper;
        exchange(world.rank ^ distance, given[round - 1], part, true);
    }
    for (int distance = world_size() / 2; distance >= 1; distance /= 2) {
        Part other = given[--round];
        exchange(world.rank ^ distance, part, other, false);
        part = (Part){part.at < other.at ? part.at : other.at, part.count + other.count};
    }
}

#else

bool world_begin(Err *err)
{
    return launched() <= 1 ||
           refuse("this diffc was built without MPI ('make MPI=1' builds one with it)", err);
}

void world_go_alone(void) {}

bool world_should_say(const char *sentence)
{
    (void)sentence;
    return launched() == 1 || is_first_launched();
}

void world_end(int code)
{
    (void)code;
}

int world_rank(void)
{
    return 0;
}

int world_size(void)
{
    return 1;
}

const char *world_name(int process, char out[WORLD_NAME_BYTES])
{
    snprintf(out, WORLD_NAME_BYTES, "process %d", process);
    return out;
}

void world_gather(void *items, size_t count, size_t bytes)
{
    (void)items, (void)count, (void)bytes;
}

void world_broadcast(void *data, size_t bytes)
{
    (void)data, (void)bytes;
}

int world_least(int value)
{
    return value;
}

int world_greatest(int value)
{
    return value;
}

double world_greatest_real(double value)
{
    return value;
}

int world_first_other(const void *data, size_t bytes)
{
    (void)data, (void)bytes;
    return -1;
}

void world_sum(float *x, size_t count)
{
    (void)x, (void)count;
}

#endif
