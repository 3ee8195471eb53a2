# SPDX-License-Identifier: BSD-3-Clause
"""Just enough C to count things: text without comments, and the functions of a file.

The text keeps its line breaks, so that an offset still gives the line number. Of an #if with
alternatives only the first branch is kept: both together would not balance their braces.
"""

import re
from bisect import bisect_right

TOKENS = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
BLOCK_KEYWORDS = {"if", "for", "while", "switch"}
NOT_FUNCTIONS = BLOCK_KEYWORDS | {"return", "sizeof", "do", "else", "case"}
DECISION = re.compile(r"\b(?:if|for|while|case)\b|&&|\|\||\?")
WORD = re.compile(r"[A-Za-z_]\w*")


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, keep_strings=True):
    """Comments become blanks; strings too, except their quotes, unless they are to be kept."""

    def replace(match):
        token = match.group(0)
        if token.startswith("/"):
            return _blank(token)
        if keep_strings:
            return token
        return token[0] + " " * (len(token) - 2) + token[-1]

    return TOKENS.sub(replace, text)


def _without_preprocessor(text):
    out, hidden, in_directive = [], [], False
    for line in text.split("\n"):
        start = re.match(r"\s*#\s*(\w*)", line)
        if in_directive or start:
            word = "" if in_directive else start.group(1)
            if word in ("if", "ifdef", "ifndef"):
                hidden.append(False)
            elif word in ("else", "elif") and hidden:
                hidden[-1] = True
            elif word == "endif" and hidden:
                hidden.pop()
            in_directive = line.endswith("\\")
            out.append(_blank(line))
        else:
            out.append(_blank(line) if any(hidden) else line)
    return "\n".join(out)


def _close(text, start, opening, closing):
    """Offset of the bracket that closes the one at start, or -1."""
    depth = 0
    for i in range(start, len(text)):
        if text[i] == opening:
            depth += 1
        elif text[i] == closing:
            depth -= 1
            if depth == 0:
                return i
    return -1


def _open(text, end):
    """Offset of the '(' that the ')' at end closes, or -1."""
    depth = 0
    for i in range(end, -1, -1):
        if text[i] == ")":
            depth += 1
        elif text[i] == "(":
            depth -= 1
            if depth == 0:
                return i
    return -1


def _without_attributes(text):
    out, at = [], 0
    for match in re.finditer(r"\b(?:__attribute__|_Alignas|__aligned|__printf)\s*\(", text):
        if match.start() < at:
            continue
        end = _close(text, match.end() - 1, "(", ")")
        if end < 0:
            break
        out += [text[at:match.start()], _blank(text[match.start():end + 1])]
        at = end + 1
    return "".join(out) + text[at:]


class Function:
    """One function definition: where, how long, how deep, how many decisions."""

    def __init__(self, name, line, parameters, body, last_line, static):
        self.name = name
        self.static = static
        self.line = line
        self.lines = last_line - line + 1
        self.params = _count_parameters(parameters)
        self.body = body
        self.cyclomatic = 1 + len(DECISION.findall(body))
        self.nesting = _nesting(body)

    def words(self):
        return set(WORD.findall(self.body))


def _count_parameters(parameters):
    if parameters.strip() in ("", "void"):
        return 0
    depth, count = 0, 1
    for c in parameters:
        depth += (c in "([{") - (c in ")]}")
        count += c == "," and depth == 0
    return count


def _opens_block(text, at, parent_is_block):
    """Does the '{' at this offset open statements? (An initialiser does not.)"""
    before = text[:at].rstrip()
    if not before or before[-1] in ";}{:":
        return parent_is_block
    if before[-1] == ")":
        group = _open(before, len(before) - 1)
        head = WORD.findall(before[:group].rstrip()[-64:])
        # A compound literal's parenthesis follows an operator, not a word.
        return bool(head) and bool(re.search(r"\w$", before[:group].rstrip())) \
            and head[-1] not in ("return", "sizeof")
    return before.endswith(("else", "do"))


def _nesting(body):
    deepest, stack = 0, [True]
    for i, c in enumerate(body):
        if c == "{" and i > 0:
            stack.append(_opens_block(body, i, stack[-1]))
            deepest = max(deepest, sum(stack) - 1)
        elif c == "}" and len(stack) > 1:
            stack.pop()
    return deepest


def bare_text(text):
    """A C file without comments, contents of strings, directives and attributes."""
    bare = without_comments(text, keep_strings=False)
    return _without_attributes(_without_preprocessor(bare))


def functions(text):
    """All function definitions of a C file."""
    bare = bare_text(text)
    starts = [0] + [m.end() for m in re.finditer("\n", bare)]
    found, at, since = [], 0, 0
    while True:
        brace = bare.find("{", at)
        if brace < 0:
            return found
        end = _close(bare, brace, "{", "}")
        if end < 0:
            return found
        head_at = max(bare.rfind(";", since, brace) + 1, since)
        head = bare[head_at:brace]
        signature = re.search(r"([A-Za-z_]\w*)\s*\(", head)
        is_function = signature and head.rstrip().endswith(")") and "=" not in head
        if is_function and signature.group(1) not in NOT_FUNCTIONS:
            opening = head_at + signature.end() - 1
            parameters = bare[opening + 1:_close(bare, opening, "(", ")")]
            first = head_at + len(head) - len(head.lstrip())
            found.append(Function(signature.group(1), bisect_right(starts, first), parameters,
                                  bare[brace:end + 1], bisect_right(starts, end),
                                  bool(re.search(r"\bstatic\b", head))))
        at = since = end + 1
