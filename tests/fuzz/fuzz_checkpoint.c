/* What --resume reads of a run folder. The first byte chooses: the state text of a checkpoint (what is
 * accepted must survive being written and read back), a whole checkpoint file, the names in
 * checkpoints/. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "io/checkpoint_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char run[64], folder[96];

/* The name is a path inside folder; what it cannot be is left out. */
static void put_file(const char *name, const uint8_t *bytes, size_t size)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) return;
    if (size && write(fd, bytes, size) != (ssize_t)size) abort();
    close(fd);
}

static void empty_folder(void)
{
    Names names;
    char path[PATH_BYTES];
    if (!folder_list(folder, &names, NULL)) return;
    for (size_t i = 0; i < names.count; i++)
        if (path_join(path, folder, names.names[i], NULL)) unlink(path);
    names_free(&names);
}

static void remove_folder(void)
{
    empty_folder();
    rmdir(folder);
    rmdir(run);
}

/* In memory where that is possible. */
static void make_folder(void)
{
    if (run[0]) return;
    strcpy(run, "/dev/shm/fuzz_checkpoint.XXXXXX");
    if (!mkdtemp(run)) {
        strcpy(run, "/tmp/fuzz_checkpoint.XXXXXX");
        if (!mkdtemp(run)) abort();
    }
    snprintf(folder, sizeof folder, "%s/" CHECKPOINT_FOLDER, run);
    if (mkdir(folder, 0700) != 0) abort();
    atexit(remove_folder);
}

static void state_text(const char *text)
{
    Checkpoint c = {.path = "fuzz"}, again = {.path = "again"};
    Err err = {0};
    if (!checkpoint_state_read(&c, text, &err)) {
        if (err.text[0] == '\0') __builtin_trap();
        checkpoint_close(&c);
        return;
    }
    JsonWriter once, twice;
    json_write_init(&once, 0);
    json_write_init(&twice, 0);
    c.state.record = c.record;
    checkpoint_state_put(&once, &c.state, c.method, c.method_count);
    const char *written = json_text(&once);
    if (!written || !checkpoint_state_read(&again, written, &err)) __builtin_trap();
    again.state.record = again.record;
    checkpoint_state_put(&twice, &again.state, again.method, again.method_count);
    if (!json_text(&twice) || strcmp(written, json_text(&twice)) != 0) __builtin_trap();
    json_write_free(&once);
    json_write_free(&twice);
    checkpoint_close(&c);
    checkpoint_close(&again);
}

static void open_run(void)
{
    Checkpoint c;
    RunRecord record;
    char notes[512];
    Err err = {0};
    bool found = false;
    if (checkpoint_peek(run, &record, &found, notes, sizeof notes, &err) && found)
        run_record_free(&record);
    if (checkpoint_open_newest(&c, run, notes, sizeof notes, &err))
        checkpoint_close(&c);
    else if (err.text[0] == '\0')
        __builtin_trap();
}

static void list_names(char *names)
{
    CheckpointList list;
    for (char *name = strtok(names, "/\n"); name; name = strtok(NULL, "/\n"))
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) put_file(name, NULL, 0);
    if (!checkpoint_list(run, &list, NULL)) __builtin_trap();
    for (size_t i = 0; i < list.count; i++)
        if (list.steps[i] < 0 || (i && list.steps[i] >= list.steps[i - 1])) __builtin_trap();
    mem_free(list.steps);
    open_run();
    checkpoint_rotate(run, 5, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    make_folder();
    char *text = malloc(size);
    if (!text) return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] % 4 == 0) {
        put_file("step-00000003.safetensors", data + 1, size - 1);
        open_run();
    } else if (data[0] % 4 == 1) {
        list_names(text);
    } else {
        state_text(text);
    }
    if (data[0] % 4 < 2) empty_folder();
    free(text);
    return 0;
}
