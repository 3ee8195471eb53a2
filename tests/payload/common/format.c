// SPDX-License-Identifier: BSD-3-Clause
#include "format.h"

struct line {
	char *text;
	size_t size;
	size_t used;
};

static void put(struct line *line, char c)
{
	if (line->used < line->size) {
		line->text[line->used++] = c;
	}
}

static void put_text(struct line *line, const char *s, int width)
{
	size_t length;

	s = s ? s : "(null)";
	length = strlen(s);
	while (*s) {
		put(line, *s++);
	}
	for (; width > 0 && length < (size_t)width; length++) {
		put(line, ' ');
	}
}

static void put_number(struct line *line, uint64_t value, unsigned base, int width, char fill)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (; width > n; width--) {
		put(line, fill);
	}
	while (n) {
		put(line, digits[--n]);
	}
}

static void put_signed(struct line *line, int64_t value, int width, char fill)
{
	uint64_t magnitude = (uint64_t)value;

	if (value < 0) {
		put(line, '-');
		magnitude = -magnitude;
	}
	put_number(line, magnitude, 10, width, fill);
}

/* One conversion, format just behind the '%'; returns the place behind it. */
static const char *convert(struct line *line, const char *format, va_list *args)
{
	char fill = ' ';
	int width = 0;
	bool wide = false;

	if (*format == '0') {
		fill = '0';
		format++;
	}
	for (; *format >= '0' && *format <= '9'; format++) {
		width = width * 10 + (*format - '0');
	}
	for (; *format == 'l'; format++) {
		wide = true;
	}
	switch (*format) {
	case 'c':
		put(line, (char)va_arg(*args, int));
		break;
	case 's':
		put_text(line, va_arg(*args, const char *), width);
		break;
	case 'd':
		put_signed(line, wide ? va_arg(*args, long) : va_arg(*args, int), width, fill);
		break;
	case 'u':
	case 'x':
		put_number(line, wide ? va_arg(*args, unsigned long) : va_arg(*args, unsigned int),
			   *format == 'u' ? 10 : 16, width, fill);
		break;
	default:
		put(line, *format);
	}
	return format + 1;
}

size_t format_text(char *to, size_t size, const char *format, va_list args)
{
	struct line line = {to, size, 0};
	va_list copy;

	va_copy(copy, args);
	while (*format) {
		if (*format == '%') {
			format = convert(&line, format + 1, &copy);
		} else {
			put(&line, *format++);
		}
	}
	va_end(copy);
	return line.used;
}
