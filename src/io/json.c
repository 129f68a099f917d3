#include "io/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_kind.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/json_scan.h"

/* Longer numbers exist only in attacks; the bound lets one buffer hold any of them. */
enum { NUMBER_BYTES = 512 };

/* A number that no double can hold would silently become infinite. */
static bool check_number(const JsonScan *s, const ScanToken *token, Err *err)
{
    char copy[NUMBER_BYTES];
    if (token->length >= sizeof copy)
        return json_scan_error(s, token->text, err, "a number of %zu characters is too long",
                               token->length);
    memcpy(copy, token->text, token->length);
    copy[token->length] = '\0';
    if (isfinite(strtod(copy, NULL))) return true;
    return json_scan_error(s, token->text, err, "the number %.40s is too large", copy);
}

/* The scan before cJSON sees the text. `plain` (may be NULL) is a copy of the text in which special
 * numbers are replaced by 0. */
static bool scan_all(const char *text, size_t size, const char *name, bool lenient, char *plain,
                     bool *special, Err *err)
{
    JsonScan scan;
    ScanToken token;
    json_scan_begin(&scan, text, size, name, SCAN_MAX_DEPTH, lenient);
    do {
        if (!json_scan_next(&scan, &token, err)) return false;
        if (token.kind == SCAN_NUMBER && !check_number(&scan, &token, err)) return false;
        if (token.kind != SCAN_SPECIAL) continue;
        *special = true;
        if (plain) {
            memset(plain + (token.text - text), ' ', token.length);
            plain[token.text - text] = '0';
        }
    } while (token.kind != SCAN_DONE);
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool check_doubles(const cJSON *object, const char *name, Err *err)
{
    size_t count = 0;
    for (const cJSON *member = object->child; member; member = member->next) count++;
    if (count < 2) return true;
    const char **keys = mem_alloc(count, sizeof *keys);
    if (!keys) return err_set(err, ERR_MEMORY, "%s: not enough memory for %zu keys", name, count);
    size_t k = 0;
    for (const cJSON *member = object->child; member; member = member->next)
        keys[k++] = member->string;
    qsort(keys, count, sizeof *keys, compare_keys);
    bool ok = true;
    for (size_t i = 1; ok && i < count; i++) {
        if (strcmp(keys[i - 1], keys[i]) != 0) continue;
        char key[200], parent[200] = "";
        text_escape(key, sizeof key, keys[i]);
        if (object->string) text_escape(parent, sizeof parent, object->string);
        ok = err_set(err, ERR_FORMAT, "%s: duplicate key \"%s\" in %s%s%s", name, key,
                     object->string ? "\"" : "one object", parent, object->string ? "\"" : "");
    }
    mem_free(keys);
    return ok;
}

/* Walks the tree in the order of the text: refuses double keys, and gives the special numbers,
 * which cJSON cannot read, their values from a second scan that walks beside. */
static bool finish(cJSON *node, JsonScan *scan, const char *name, Err *err)
{
    if (cJSON_IsObject(node) && !check_doubles(node, name, err)) return false;
    if (cJSON_IsNumber(node) && scan) {
        ScanToken token;
        do {
            if (!json_scan_next(scan, &token, err)) return false;
        } while (token.kind != SCAN_NUMBER && token.kind != SCAN_SPECIAL);
        if (token.kind == SCAN_SPECIAL)
            node->valuedouble = token.text[0] == 'N'   ? (double)NAN
                                : token.text[0] == '-' ? -(double)INFINITY
                                                       : (double)INFINITY;
    }
    for (cJSON *child = node->child; child; child = child->next)
        if (!finish(child, scan, name, err)) return false;
    return true;
}

Json *json_parse(const char *text, size_t size, const char *name, bool lenient, Err *err)
{
    bool special = false;
    if (!scan_all(text, size, name, lenient, NULL, &special, err)) return NULL;
    char *plain = NULL;
    if (special) {
        plain = mem_alloc(size + 1, 1);
        if (!plain) {
            err_set(err, ERR_MEMORY, "%s: not enough memory for %zu bytes", name, size);
            return NULL;
        }
        memcpy(plain, text, size);
        scan_all(text, size, name, lenient, plain, &special, NULL);
    }
    cJSON *root = cJSON_ParseWithLengthOpts(plain ? plain : text, size, NULL, 0);
    mem_free(plain);
    if (!root) {
        err_set(err, ERR_MEMORY, "%s: not enough memory to read %zu bytes of JSON", name, size);
        return NULL;
    }
    JsonScan scan;
    json_scan_begin(&scan, text, size, name, SCAN_MAX_DEPTH, lenient);
    if (!finish(root, special ? &scan : NULL, name, err)) {
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}

Json *json_load(const char *path, size_t limit, bool lenient, Err *err)
{
    FileBytes file;
    Json *root = NULL;
    if (!file_read(path, limit, &file, err)) return NULL;
    const char *text = (const char *)file.bytes; /* a zero follows */
    const char *first = text + strspn(text, " \t\r\n");
    bool begins = *first && strchr("{[\"-0123456789tfn/#", *first);
    bool marked = strncmp(text, "\xEF\xBB\xBF", 3) == 0; /* by a byte order mark */
    if (begins || marked || !file_kind(file.bytes, file.size))
        root = json_parse(text, file.size, path, lenient, err);
    else
        file_kind_refuse(path, file.bytes, file.size, "JSON", err);
    file_free(&file);
    return root;
}

void json_free(Json *root)
{
    cJSON_Delete(root);
}

JsonType json_type(const Json *v)
{
    switch (v->type & 0xFF) {
    case cJSON_False:
    case cJSON_True:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

const char *json_type_name(const Json *v)
{
    static const char *const names[] = {"null",     "a boolean", "a number",
                                        "a string", "an array",  "an object"};
    return names[json_type(v)];
}

const Json *json_get(const Json *object, const char *key)
{
    if (json_type(object) != JSON_OBJECT) return NULL;
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *json_key(const Json *member)
{
    return member->string;
}

const Json *json_first(const Json *container)
{
    return container->child;
}

const Json *json_next(const Json *v)
{
    return v->next;
}

size_t json_count(const Json *container)
{
    size_t count = 0;
    for (const cJSON *child = container->child; child; child = child->next) count++;
    return count;
}

double json_number(const Json *v)
{
    CHECK(json_type(v) == JSON_NUMBER);
    return v->valuedouble;
}

bool json_bool(const Json *v)
{
    CHECK(json_type(v) == JSON_BOOL);
    return (v->type & 0xFF) == cJSON_True;
}

const char *json_string(const Json *v)
{
    CHECK(json_type(v) == JSON_STRING);
    return v->valuestring;
}

bool json_check_format(const Json *format, int reads, const char *name, Err *err)
{
    char shown[40];
    if (!format || (json_type(format) == JSON_NUMBER && json_number(format) == reads)) return true;
    json_show(format, shown, sizeof shown);
    return err_set(
        err, ERR_FORMAT,
        "%s: has format %s, written by another release of diffc; this one reads format %d", name,
        shown, reads);
}
