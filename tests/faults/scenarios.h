/* The commands of the sweep and what each needs first, for sweep.c alone. */
#ifndef DIFFC_FAULT_SCENARIOS_H
#define DIFFC_FAULT_SCENARIOS_H

#include "judge.h"

/* 74 parameters, two blocks of their table; every weight shows in the pictures. */
static const char config[] =
    "{\"data\": {\"path\": \"images-idx3-ubyte\", \"validation\": 2},\n"
    " \"model\": {\"channels\": 4, \"multipliers\": [1], \"blocks\": 1, \"attention\": [],\n"
    "  \"groups\": 2, \"zero_init\": false},\n"
    " \"method\": {\"type\": \"ddpm\", \"steps\": 10, \"schedule\": \"linear\"},\n"
    " \"train\": {\"steps\": 4, \"batch\": 2, \"lr\": 0.01, \"warmup\": 2, \"log_every\": 2, "
    "\"keep\": 1,\n"
    "  \"checkpoint_every\": 2, \"validate\": 1},\n"
    " \"sample\": {\"sampler\": \"ddim\", \"steps\": 1, \"count\": 1}}\n";
static const char toy[] =
    "{\"data\": {\"toy\": \"ring\"}, \"model\": {\"width\": 8, \"layers\": 1},\n"
    " \"method\": {\"type\": \"sde\", \"sde\": \"vp\"},\n"
    " \"train\": {\"steps\": 4, \"batch\": 8, \"log_every\": 2, \"checkpoint_every\": 2, "
    "\"validate\": 8},\n"
    " \"sample\": {\"sampler\": \"dpm++2m\", \"steps\": 2, \"count\": 8}}\n";

#define EDDPM                                                                                      \
    " --set method.type=eddpm --set method.keep=4 --set train.accumulate=2 --set "                 \
    "sample.sampler=auto"
#define TRAIN "train tiny.json --threads 1 --json --out run"
#define FIRST "train tiny.json --threads 1 --json --out first"
#define DECODED                                                                                    \
    "train tiny.json --threads 1 --json --set data.path=pictures --set data.validation=1 "         \
    "--cache kept --out run"
#define GUIDED " --set model.class_conditional=true --set train.label_dropout=0.2"

static const Scenario scenarios[] = {
    {.name = "train", .command = TRAIN, .resume = TRAIN " --resume"},
    {.name = "resume",
     .prepare = {TRAIN},
     .command = TRAIN " --resume --steps 6",
     .resume = TRAIN " --resume --steps 6",
     .step = 4},
    {.name = "eddpm", .command = TRAIN EDDPM, .resume = TRAIN EDDPM " --resume"},
    {.name = "toy",
     .command = "train toy.json --threads 1 --json --out run",
     .resume = "train toy.json --threads 1 --json --out run --resume"},
    {.name = "measured",
     .command = TRAIN " --set train.eval_every=2",
     .resume = TRAIN " --set train.eval_every=2 --resume"},
    {.name = "per-class",
     .prepare = {TRAIN GUIDED " --steps 2"},
     .command = "sample --model run --threads 1 --per-class 1 --out grid.png --npz all.npz"},
    {.name = "own-labels",
     .prepare = {TRAIN GUIDED " --steps 2"},
     .command = "nll --model run --threads 1 --data images-idx3-ubyte --count 2 --csv "
                "scores.csv",
     .shown = true},
    {.name = "dry-run", .command = TRAIN " --dry-run", .shown = true},
    {.name = "sample",
     .prepare = {TRAIN, "sample --model run --seed 7 --count 2 --out grid.png --npz all.npz"},
     .command =
         "sample --model run --threads 1 --count 2 --out grid.png --out-dir images --npz all.npz"},
    {.name = "checkpoint",
     .prepare = {TRAIN, "sample --model run --seed 7 --count 2 --out grid.png"},
     .command =
         "sample --model run/checkpoints/step-00000004.safetensors --weights last --threads 1 "
         "--count 2 --out grid.png"},
    {.name = "guided",
     .prepare = {TRAIN GUIDED, "sample --model run --seed 7 --count 2 --out grid.png"},
     .command = "sample --model run --guidance 2 --threads 1 --count 2 --out grid.png"},
    {.name = "film",
     .prepare = {TRAIN, "sample --model run --seed 7 --count 2 --film film.png"},
     .command = "sample --model run --threads 1 --count 2 --film film.png --frames frames "
                "--moments 1"},
    {.name = "nll",
     .prepare = {TRAIN,
                 "nll --model run --seed 7 --data images-idx3-ubyte --count 2 --csv scores.csv"},
     .command = "nll --model run --threads 1 --data images-idx3-ubyte --count 2 --csv scores.csv "
                "--per-step "
                "steps.csv",
     .shown = true},
    {.name = "ode",
     .prepare = {TRAIN},
     .command =
         "nll --model run --threads 1 --protocol ode --data images-idx3-ubyte --count 1 --json"},
    {.name = "denoise",
     .prepare = {TRAIN, "sample --model run --count 1 --out one.png"},
     .command = "denoise --model run --threads 1 --level 3 one.png --out clean.png"},
    {.name = "restore",
     .prepare = {TRAIN, "sample --model run --count 1 --out one.png"},
     .command = "restore --model run --threads 1 --scale 2 one.png --count 1 --out restored.png"},
    {.name = "eval",
     .prepare = {TRAIN, "sample --model run --seed 7 --count 2 --out nearest.png"},
     .command = "eval --model run --threads 1 --count 4 --out nearest.png",
     .shown = true},
    {.name = "eval-npz",
     .prepare = {TRAIN, "sample --model run --count 4 --npz all.npz"},
     .command = "eval all.npz --threads 1 --data images-idx3-ubyte",
     .shown = true},
    {.name = "info", .prepare = {TRAIN}, .command = "info run", .shown = true},
    {.name = "log", .prepare = {TRAIN}, .command = "info run --csv", .shown = true},
    {.name = "report", .prepare = {TRAIN}, .command = "report run --out page.html", .shown = true},
    {.name = "pictures",
     .prepare = {TRAIN, "sample --model run --count 3 --out-dir pictures"},
     .command = "train tiny.json --threads 1 --dry-run --set data.path=pictures --set "
                "data.validation=1",
     .shown = true},
    {.name = "decoded",
     .prepare = {FIRST, "sample --model first --count 3 --out-dir pictures"},
     .command = DECODED,
     .resume = DECODED " --resume"},
    {.name = "decoded-before",
     .prepare = {FIRST, "sample --model first --count 3 --out-dir pictures",
                 "train tiny.json --threads 1 --set data.path=pictures --set data.validation=1 "
                 "--cache kept --out other"},
     .command = DECODED,
     .resume = DECODED " --resume"},
    {.name = "own-data",
     .command = "train images-idx3-ubyte --threads 1 --dry-run --steps 2 --effort small --set "
                "model.channels=4",
     .shown = true},
    {.name = "cdm",
     .prepare = {TRAIN " --set method.type=cdm --steps 1"},
     .command = "nll --model run --threads 1 --protocol exact --data images-idx3-ubyte --count 1",
     .shown = true},
    {.name = "man", .command = "help --man", .shown = true},
    {.name = "bench", .command = "bench tiny.json --threads 1 --seconds 0 --repeat 1 --json"},
};

#endif
