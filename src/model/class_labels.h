/* Which class of a model is meant: by a person, who gives its name or its number, and by the labels of a data set. */
#ifndef DIFFC_CLASS_LABELS_H
#define DIFFC_CLASS_LABELS_H

#include "model/model.h"

/* The class that `text`, the value of `option` ("--label"), means: the class of model_find_class.
 * NULL: *label is -1 or, where the image must have a class (`needed`), as model_check_label says. ERR_USAGE also for a
 * class that the model has not, with the nearest name, and for one that no training image had. */
bool model_choose_label(Model *m, const char *option, const char *text, bool needed, int *label,
                        Err *err);

/* Whether the text is a number, and which; one that is too large to be a class is INT_MAX. */
bool label_number(const char *text, int *number);

/* "3 (cat)", of a class without a name "3". Safe to print. */
enum { CLASS_TEXT_BYTES = 320 };
const char *model_class_text(const ModelConfig *m, int label, char out[CLASS_TEXT_BYTES]);

/* Its classes, for a message: their names, cut to some, and their numbers, "cat, dog and bird (0 to 2)"; without names
 * "0 to 2"; where the names are numbers the names alone, "1, 2 and 3". Safe to print. */
enum { CLASS_LIST_BYTES = 200 };
const char *model_class_list(const ModelConfig *m, char out[CLASS_LIST_BYTES]);

/* A model of an earlier version, whose folder does not name its classes, gets the names that the newest checkpoint of
 * its run has, where it lies in one. Reads that checkpoint. ERR_MEMORY. */
bool model_find_class_names(Model *m, Err *err);

/* The class of this name, small and capital letters alike where that is one class, else, where not all are called by
 * numbers, of this number, trained or not; -1: none. */
int model_find_class(const ModelConfig *m, const char *text);

/* The model's class that class `class` of a data set is, trained or not; -1: none. By its name, as model_find_class
 * says; of a data set without names (NULL) by its number, which is a name where the model's names are numbers. */
int model_match_class(const ModelConfig *m, ClassName *names, int class);

/* labels[count]: model_match_class of each class of a data set; also -1: the model has never seen it. */
bool model_match_classes(Model *m, ClassName *names, int count, int *labels, Err *err);

#endif
