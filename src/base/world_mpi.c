#include "base/world_mpi.h"

#include <stdio.h>
#include <string.h>

#include "base/launcher.h"

static bool refuse(const char *why, Err *err)
{
    return err_set(
        err, ERR_USAGE,
        "%d processes were started together, but %s, so each would do all the work alone",
        launcher_processes(), why);
}

#ifdef DIFFC_MPI
#include <mpi.h>
#include <sched.h>
#include <time.h>

#include "base/clock.h"
#include "base/cores.h"
#include "base/mem.h"
#include "base/parallel.h"

/* A message of an array, and how many are under way at once. Open MPI sends up to 64 KiB over TCP without asking, while a
 * longer message waits for an answer that stands behind the data of the other direction: 26 MB took 1.01 of the wire's
 * time at 1 Gb/s so, 1.8 in messages of 512 KiB. As many as stay in L2: with 64 the same took a fifth longer at
 * 10 Gb/s. */
enum { MESSAGE_BYTES = 60 << 10, MESSAGES = 8, SAID = 1, SENTENCE_BYTES = sizeof((Err *)0)->text };

static MPI_Comm ending;      /* for how processes end; their work is MPI_COMM_WORLD's */
static int *counts, *places; /* [size] */
static char *incoming;       /* [MESSAGES][MESSAGE_BYTES] */

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

bool mpi_join(Err *err)
{
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    world.joined = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world.size);
    MPI_Comm_dup(MPI_COMM_WORLD, &ending);
    if (launcher_processes() > 1 && world.size == 1)
        return refuse("the MPI that this diffc was built with is not that of the launcher", err);
    world.names = mem_alloc((size_t)world.size, sizeof *world.names);
    counts = mem_alloc((size_t)world.size, sizeof *counts);
    places = mem_alloc((size_t)world.size, sizeof *places);
    incoming = mem_alloc(MESSAGES, MESSAGE_BYTES);
    if (!world.names || !counts || !places || !incoming)
        return err_set(err, ERR_MEMORY, "not enough memory for the messages of %d processes",
                       world.size);
    find_names();
    if (world.size > 1) divide_cpus();
    return true;
}

bool mpi_should_say(const char *sentence)
{
    static const double patience_seconds = 1;
    static char text[SENTENCE_BYTES];
    const struct timespec nap = {.tv_nsec = 1000000};
    if (world.rank == 0) {
        snprintf(text, sizeof text, "%s", sentence);
        for (int to = 1; to < world.size; to++) {
            MPI_Request sent;
            MPI_Isend(text, sizeof text, MPI_CHAR, to, SAID, ending, &sent);
            MPI_Request_free(&sent);
        }
        return true;
    }
    int there = 0;
    double begun = clock_seconds();
    while (!there && clock_seconds() - begun < patience_seconds) {
        MPI_Iprobe(0, SAID, ending, &there, MPI_STATUS_IGNORE);
        if (!there) nanosleep(&nap, NULL);
    }
    if (!there) return true;
    MPI_Recv(text, sizeof text, MPI_CHAR, 0, SAID, ending, MPI_STATUS_IGNORE);
    return strncmp(text, sentence, strlen(sentence)) != 0;
}

void mpi_leave(int code)
{
    static const double patience_seconds = 2;
    const struct timespec nap = {.tv_nsec = 1000000};
    MPI_Request everybody;
    MPI_Ibarrier(ending, &everybody);
    double begun = clock_seconds();
    for (int done = 0;;) {
        MPI_Test(&everybody, &done, MPI_STATUS_IGNORE);
        if (done) break;
        if (code != 0 && clock_seconds() - begun > patience_seconds)
            MPI_Abort(MPI_COMM_WORLD, code);
        nanosleep(&nap, NULL);
    }
    MPI_Finalize();
}

/* ---- data that all get ---- */

void mpi_broadcast(int from, void *data, size_t bytes)
{
    enum { MOST = 1 << 30 };
    char *at = data;
    for (size_t now; bytes > 0; bytes -= now, at += now) {
        MPI_Request request;
        now = bytes < MOST ? bytes : MOST;
        MPI_Ibcast(at, (int)now, MPI_BYTE, from, MPI_COMM_WORLD, &request);
        wait_for(&request);
    }
}

/* MPI counts by int. */
void mpi_gather(char *items, size_t count, size_t bytes)
{
    enum { MOST = 1 << 30 };
    if (count * bytes <= MOST) {
        MPI_Request request;
        for (int p = 0; p < world.size; p++) {
            places[p] = (int)(world_share_begin(count, p, world.size) * bytes);
            counts[p] = (int)(world_share_begin(count, p + 1, world.size) * bytes) - places[p];
        }
        MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, items, counts, places, MPI_BYTE,
                        MPI_COMM_WORLD, &request);
        wait_for(&request);
        return;
    }
    for (int p = 0; p < world.size; p++) {
        size_t at = world_share_begin(count, p, world.size),
               end = world_share_begin(count, p + 1, world.size);
        mpi_broadcast(p, items + at * bytes, (end - at) * bytes);
    }
}

void mpi_reduce(void *values, int count, Reduction what)
{
    MPI_Datatype type = what == GREATEST_REAL ? MPI_DOUBLE : MPI_INT;
    MPI_Op op = what == LEAST_INT ? MPI_MIN : MPI_MAX;
    MPI_Request request;
    MPI_Iallreduce(MPI_IN_PLACE, values, count, type, op, MPI_COMM_WORLD, &request);
    wait_for(&request);
}

/* ---- exchange ---- */

/* Message i of a piece. */
static Piece message(Piece whole, size_t i)
{
    size_t left = whole.bytes - i * MESSAGE_BYTES;
    return (Piece){whole.at + i * MESSAGE_BYTES, left < MESSAGE_BYTES ? left : MESSAGE_BYTES};
}

static size_t messages_of(Piece whole)
{
    return (whole.bytes + MESSAGE_BYTES - 1) / MESSAGE_BYTES;
}

static char *room(size_t i)
{
    return incoming + i % MESSAGES * MESSAGE_BYTES;
}

static void receive(int from, Piece take, bool add, size_t i, MPI_Request *request)
{
    Piece m = message(take, i);
    MPI_Irecv(add ? room(i) : m.at, (int)m.bytes, MPI_BYTE, from, 0, MPI_COMM_WORLD, request);
}

static void send(int to, Piece give, size_t i, MPI_Request *request)
{
    Piece m = message(give, i);
    MPI_Isend(m.at, (int)m.bytes, MPI_BYTE, to, 0, MPI_COMM_WORLD, request);
}

static void add_floats(Piece sum, const char *came)
{
    float *x = (float *)(void *)sum.at;
    const float *more = (const float *)(const void *)came;
    for (size_t i = 0; i < sum.bytes / sizeof *x; i++) x[i] += more[i];
}

/* In messages of which several are under way while one is added. */
void mpi_exchange(int partner, Piece give, Piece take, bool add)
{
    MPI_Request in[MESSAGES], out[MESSAGES];
    size_t gives = messages_of(give), takes = messages_of(take);
    for (size_t i = 0; i < MESSAGES && i < takes; i++) receive(partner, take, add, i, &in[i]);
    for (size_t i = 0; i < MESSAGES && i < gives; i++) send(partner, give, i, &out[i]);
    for (size_t i = 0; i < takes || i < gives; i++) {
        if (i < takes) {
            wait_for(&in[i % MESSAGES]);
            if (add) add_floats(message(take, i), room(i));
            if (i + MESSAGES < takes) receive(partner, take, add, i + MESSAGES, &in[i % MESSAGES]);
        }
        if (i < gives) {
            wait_for(&out[i % MESSAGES]);
            if (i + MESSAGES < gives) send(partner, give, i + MESSAGES, &out[i % MESSAGES]);
        }
    }
}

#else

bool mpi_join(Err *err)
{
    return launcher_processes() <= 1 ||
           refuse("this diffc was built without MPI ('make MPI=1' builds one with it)", err);
}

bool mpi_should_say(const char *sentence)
{
    return sentence != NULL;
}

void mpi_leave(int code)
{
    (void)code;
}

void mpi_broadcast(int from, void *data, size_t bytes)
{
    (void)from, (void)data, (void)bytes;
}

void mpi_gather(char *items, size_t count, size_t bytes)
{
    (void)items, (void)count, (void)bytes;
}

void mpi_reduce(void *values, int count, Reduction what)
{
    (void)values, (void)count, (void)what;
}

void mpi_exchange(int partner, Piece give, Piece take, bool add)
{
    (void)partner, (void)give, (void)take, (void)add;
}

#endif
