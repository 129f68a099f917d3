#include "model/class_labels.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/choice.h"
#include "base/text.h"
#include "io/checkpoint.h"
#include "model/model_use.h"

static const char *class_word(const void *model, int index)
{
    return model_class_name(model, index);
}

bool label_number(const char *text, int *number)
{
    enum { DIGITS = 9 };
    size_t length = strlen(text);
    if (length == 0 || strspn(text, "0123456789") != length) return false;
    *number = length > DIGITS ? INT_MAX : atoi(text);
    return true;
}

const char *model_class_text(const ModelConfig *m, int label, char out[CLASS_TEXT_BYTES])
{
    char name[256];
    const char *own = model_class_name(m, label);
    text_escape(name, sizeof name, own ? own : "");
    snprintf(out, CLASS_TEXT_BYTES, "%d%s%s%s", label, own ? " (" : "", name, own ? ")" : "");
    return out;
}

/* Whether each class is called by a number. A number then means the class of that name, never the place in the list. */
static bool names_are_numbers(const ModelConfig *m)
{
    bool all = m->class_names != NULL;
    for (int i = 0, number; i < m->unet.classes && all; i++)
        all = label_number(m->class_names[i], &number);
    return all;
}

const char *model_class_list(const ModelConfig *m, char out[CLASS_LIST_BYTES])
{
    enum { NAMES_BYTES = 140 };
    char all[2 * NAMES_BYTES] = "", names[NAMES_BYTES], range[24];
    snprintf(range, sizeof range, "0 to %d", m->unet.classes - 1);
    snprintf(out, CLASS_LIST_BYTES, "%s", range);
    if (!m->class_names) return out;
    choice_list(class_word, m, " and ", "", all, sizeof all);
    text_escape(names, sizeof names, all);
    bool cut = strlen(all) >= sizeof names, by_name = names_are_numbers(m);
    snprintf(out, CLASS_LIST_BYTES, "%s%s%s%s%s", names,
             cut ? " ... ('diffc info' lists them)" : "", by_name ? "" : " (", by_name ? "" : range,
             by_name ? "" : ")");
    return out;
}

bool model_find_class_names(Model *m, Err *err)
{
    RunRecord record;
    Err reason = {0};
    bool found = false;
    if (m->config.class_names || m->config.unet.classes == 0 || !m->run[0]) return true;
    if (!checkpoint_peek(m->run, &record, &found, NULL, 0, &reason))
        return reason.kind != ERR_MEMORY || err_set(err, reason.kind, "%s", reason.text);
    if (!found) return true;
    if (record.data.classes == m->config.unet.classes) {
        m->config.class_names = record.data.class_names;
        record.data.class_names = NULL;
    }
    run_record_free(&record);
    return true;
}

static bool unknown_class(const Model *m, const char *option, const char *text, Err *err)
{
    const ModelConfig *c = &m->config;
    char shown[160], name[160], list[CLASS_LIST_BYTES];
    text_escape(shown, sizeof shown, text);
    if (!c->class_names)
        return err_set(
            err, ERR_USAGE,
            "%s is '%s', but the classes of %.300s have no names; they are the numbers 0 "
            "to %d",
            option, shown, m->folder, c->unet.classes - 1);
    const char *near = choice_nearest(class_word, c, text);
    text_escape(name, sizeof name, near ? near : "");
    if (near)
        return err_set(err, ERR_USAGE,
                       "%s is '%s', which is no class of the model; did you mean '%s'?", option,
                       shown, name);
    return err_set(err, ERR_USAGE, "%s is '%s', which is no class of the model; its classes are %s",
                   option, shown, model_class_list(c, list));
}

/* The one class of this name but for small and capital letters; -1: none, or several. */
static int class_but_for_case(const ModelConfig *m, const char *text)
{
    int label = -1, alike = 0;
    for (int i = 0; m->class_names && i < m->unet.classes; i++)
        if (strcasecmp(m->class_names[i], text) == 0) label = i, alike++;
    return alike == 1 ? label : -1;
}

static int class_of_name(const ModelConfig *m, const char *text)
{
    int label = m->class_names ? choice_find(class_word, m, text) : -1;
    return label >= 0 ? label : class_but_for_case(m, text);
}

int model_find_class(const ModelConfig *m, const char *text)
{
    int label = class_of_name(m, text);
    if (label >= 0 || names_are_numbers(m)) return label;
    return label_number(text, &label) && label < m->unet.classes ? label : -1;
}

bool model_choose_label(Model *m, const char *option, const char *text, bool needed, int *label,
                        Err *err)
{
    const ModelConfig *c = &m->config;
    *label = text ? 0 : -1;
    if (c->unet.classes == 0) return model_check_label(c, option, needed, label, err);
    if ((text || needed) && !model_find_class_names(m, err)) return false;
    if (!text) return model_check_label(c, option, needed, label, err);
    *label = model_find_class(c, text);
    if (*label < 0 && (names_are_numbers(c) || !label_number(text, label)))
        return unknown_class(m, option, text, err);
    return model_check_label(c, option, needed, label, err);
}

int model_match_class(const ModelConfig *m, ClassName *names, int class)
{
    char number[16];
    snprintf(number, sizeof number, "%d", class);
    if (names) return model_find_class(m, names[class]);
    if (names_are_numbers(m)) return class_of_name(m, number);
    return class < m->unet.classes ? class : -1;
}

bool model_match_classes(Model *m, ClassName *names, int count, int *labels, Err *err)
{
    if (!model_find_class_names(m, err)) return false;
    for (int i = 0; i < count; i++) {
        int label = model_match_class(&m->config, names, i);
        labels[i] = label >= 0 && model_class_is_trained(&m->config, label) ? label : -1;
    }
    return true;
}
