/*
 * Reads objects by table. Values are checked before they are stored; nothing is converted silently:
 * 1.0 is not an integer, "5" is not a number, null is nothing but an empty name.
 */
#include "simulate/fields.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct field *field_find(const struct table *table, const char *name);
static bool field_unknown(struct document *document, const struct place *place,
                          const struct table *table, const char *name);
static bool field_read(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base);
static bool field_missing(struct document *document, const struct place *place,
                          const json_t *object, const struct table *table);

bool freshet_fields_read(struct document *document, const struct place *place, const json_t *object,
                         const struct table *table, void *base)
{
    json_t *members = (json_t *)object; /* the iterator wants it so; nothing is changed */
    const char *name;
    json_t *value;

    if (!freshet_document_wants(document, place, object, JSON_OBJECT, table->what))
        return false;
    json_object_foreach(members, name, value)
    {
        struct place member = {place, name, 0};
        const struct field *field = field_find(table, name);

        if (field == NULL)
            return field_unknown(document, &member, table, name);
        if (!field_read(document, &member, field, value, base))
            return false;
    }
    for (const struct table *part = table; part != NULL; part = part->also) {
        if (!field_missing(document, place, object, part))
            return false;
    }
    return true;
}

static bool field_missing(struct document *document, const struct place *place,
                          const json_t *object, const struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->fields[i].required && json_object_get(object, table->fields[i].name) == NULL)
            return freshet_document_error(document, place, "%s needs a member \"%s\"", table->what,
                                          table->fields[i].name);
    }
    return true;
}

static const struct field *field_find(const struct table *table, const char *name)
{
    for (; table != NULL; table = table->also) {
        for (size_t i = 0; i < table->count; i++) {
            if (strcmp(table->fields[i].name, name) == 0)
                return &table->fields[i];
        }
    }
    return NULL;
}

static bool field_unknown(struct document *document, const struct place *place,
                          const struct table *table, const char *name)
{
    char clean[64];
    char known[320] = "";
    size_t used = 0;
    const char *what = table->what;

    for (; table != NULL; table = table->also) {
        for (size_t i = 0; i < table->count && used < sizeof known; i++)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                     used == 0 ? "" : ", ", table->fields[i].name);
    }
    return freshet_document_error(document, place, "unknown member \"%s\"; %s takes %s",
                                  freshet_document_clean(name, clean, sizeof clean), what,
                                  used == 0 ? "none" : known);
}

static bool field_integer(struct document *document, const struct place *place,
                          const struct field *field, const json_t *value, int64_t *number)
{
    *number = json_integer_value(value);
    if (json_is_integer(value) && *number >= field->least && *number <= field->most)
        return true;
    return freshet_document_error(document, place, "\"%s\" must be an integer from %lld to %lld",
                                  field->name, (long long)field->least, (long long)field->most);
}

static bool field_real(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, double *number)
{
    *number = json_number_value(value);
    if (json_is_number(value) && *number >= (double)field->least && *number <= (double)field->most)
        return true;
    return freshet_document_error(document, place, "\"%s\" must be a number from %lld to %lld",
                                  field->name, (long long)field->least, (long long)field->most);
}

static bool field_text(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, const char **text)
{
    bool may_be_null = field->type == FIELD_NAME;

    *text = may_be_null && json_is_null(value) ? "" : json_string_value(value);
    if (*text != NULL && strlen(*text) <= (size_t)field->most)
        return true;
    return freshet_document_error(document, place, "\"%s\" must be a text of at most %lld bytes%s",
                                  field->name, (long long)field->most,
                                  may_be_null ? ", or null" : "");
}

static bool field_choice(struct document *document, const struct place *place,
                         const struct field *field, const json_t *value, int *choice)
{
    const char *text = json_string_value(value);
    char known[256] = "";
    size_t used = 0;

    for (int i = 0; field->choices[i] != NULL; i++) {
        if (text != NULL && strcmp(text, field->choices[i]) == 0) {
            *choice = i;
            return true;
        }
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s\"%s\"",
                                     i == 0 ? "" : ", ", field->choices[i]);
    }
    return freshet_document_error(document, place, "\"%s\" must be one of %s", field->name, known);
}

static bool field_read(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base)
{
    void *target = (char *)base + field->offset;
    int64_t integer = 0;
    double real = 0;

    switch (field->type) {
    case FIELD_INTEGER:
        return field_integer(document, place, field, value, target);
    case FIELD_SMALL:
        if (!field_integer(document, place, field, value, &integer))
            return false;
        *(int32_t *)target = (int32_t)integer;
        return true;
    case FIELD_SECONDS:
        if (!field_real(document, place, field, value, &real))
            return false;
        *(int64_t *)target = (int64_t)llround(real * 1000);
        return true;
    case FIELD_FACTOR:
        return field_real(document, place, field, value, target);
    case FIELD_FLAG:
        *(bool *)target = json_is_true(value);
        return json_is_boolean(value) ||
               freshet_document_error(document, place, "\"%s\" must be true or false", field->name);
    case FIELD_TEXT:
    case FIELD_NAME:
        return field_text(document, place, field, value, target);
    case FIELD_CHOICE:
        return field_choice(document, place, field, value, target);
    case FIELD_OWN:
        return field->own(document, place, field, value, base);
    }
    return false;
}

bool freshet_document_wants(struct document *document, const struct place *place,
                            const json_t *value, json_type type, const char *name)
{
    if (value != NULL && json_typeof(value) == type)
        return true;
    return freshet_document_error(document, place, "%s must be %s", name,
                                  type == JSON_OBJECT ? "an object" : "an array");
}

bool freshet_document_error(struct document *document, const struct place *place,
                            const char *format, ...)
{
    int line = freshet_locate_line(document->text, document->length, place);
    int used = snprintf(document->error, sizeof document->error, "%s:%d: ", document->name, line);
    va_list arguments;

    if (used < 0 || (size_t)used >= sizeof document->error)
        return false;
    va_start(arguments, format);
    (void)vsnprintf(document->error + used, sizeof document->error - (size_t)used, format,
                    arguments);
    va_end(arguments);
    return false;
}

const char *freshet_document_clean(const char *name, char *clean, size_t size)
{
    size_t i;

    for (i = 0; name[i] != '\0' && i + 1 < size; i++) {
        bool printable = (unsigned char)name[i] >= ' ' && (unsigned char)name[i] < 0x7f;

        clean[i] = printable ? name[i] : '?';
    }
    clean[i] = '\0';
    return clean;
}
