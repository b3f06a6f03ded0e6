"""The words and the grammar of ADQL 2.1 for sqlglot: what no query can use is not even a word of the language.

Functions are not sqlglot's: every call but CAST is read as a name and its arguments, and `calls.py` says which names
there are. So nothing that sqlglot knows about other databases reaches a query.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise
from typing import Any, ClassVar

from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from app.domain.errors import QueryError
from app.vo.adql.places import at, of_offset

LONGEST_QUERY = 100_000
MOST_TOKENS = 20_000
DEEPEST = 50
BEGINNING = "a query begins with SELECT or WITH"

_REFUSED = {
    "LIMIT": "ADQL has no LIMIT: write SELECT TOP n",
    "FETCH": "ADQL has no FETCH: write SELECT TOP n",
    "RECURSIVE": "queries cannot be recursive",
    "OVER": "ADQL has no window functions",
    "INTO": "queries can only read: there is no INTO",
    "NULLS": "ADQL has no NULLS FIRST or LAST",
} | dict.fromkeys(
    (
        *(
            "ALTER",
            "ANALYZE",
            "BEGIN",
            "CALL",
            "COMMIT",
            "COPY",
            "CREATE",
            "DECLARE",
            "DELETE",
            "DO",
            "DROP",
            "EXECUTE",
        ),
        *("EXPLAIN", "FOR", "GRANT", "INSERT", "LATERAL", "LISTEN", "LOCK", "MERGE", "NOTIFY", "PREPARE", "RESET"),
        *("RETURNING", "REVOKE", "ROLLBACK", "SAVEPOINT", "SET", "SHOW", "TABLESAMPLE", "UPDATE", "VACUUM", "VALUES"),
    ),
    "is no word of ADQL, which has SELECT, WITH and set operations; as a name it stands in double quotes",
)
_KEYWORDS: dict[str, TokenType] = {
    "/*": TokenType.UNKNOWN,
    "||": TokenType.DPIPE,
    ">=": TokenType.GTE,
    "<=": TokenType.LTE,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "ALL": TokenType.ALL,
    "AND": TokenType.AND,
    "AS": TokenType.ALIAS,
    "ASC": TokenType.ASC,
    "BETWEEN": TokenType.BETWEEN,
    "BIGINT": TokenType.BIGINT,
    "BOOLEAN": TokenType.BOOLEAN,
    "CASE": TokenType.CASE,
    "CHAR": TokenType.CHAR,
    "CROSS": TokenType.CROSS,
    "DESC": TokenType.DESC,
    "DISTINCT": TokenType.DISTINCT,
    "DOUBLE PRECISION": TokenType.DOUBLE,
    "DOUBLE": TokenType.DOUBLE,
    "ELSE": TokenType.ELSE,
    "END": TokenType.END,
    "EXCEPT": TokenType.EXCEPT,
    "EXISTS": TokenType.EXISTS,
    "FALSE": TokenType.FALSE,
    "FROM": TokenType.FROM,
    "FULL": TokenType.FULL,
    "GROUP BY": TokenType.GROUP_BY,
    "HAVING": TokenType.HAVING,
    "ILIKE": TokenType.ILIKE,
    "IN": TokenType.IN,
    "INNER": TokenType.INNER,
    "INT": TokenType.INT,
    "INTEGER": TokenType.INT,
    "INTERSECT": TokenType.INTERSECT,
    "IS": TokenType.IS,
    "JOIN": TokenType.JOIN,
    "LEFT": TokenType.LEFT,
    "LIKE": TokenType.LIKE,
    "NATURAL": TokenType.NATURAL,
    "NOT": TokenType.NOT,
    "NULL": TokenType.NULL,
    "OFFSET": TokenType.OFFSET,
    "ON": TokenType.ON,
    "OR": TokenType.OR,
    "ORDER BY": TokenType.ORDER_BY,
    "OUTER": TokenType.OUTER,
    "REAL": TokenType.FLOAT,
    "RIGHT": TokenType.RIGHT,
    "SELECT": TokenType.SELECT,
    "SMALLINT": TokenType.SMALLINT,
    "THEN": TokenType.THEN,
    "TOP": TokenType.TOP,
    "TRUE": TokenType.TRUE,
    "UNION": TokenType.UNION,
    "USING": TokenType.USING,
    "VARCHAR": TokenType.VARCHAR,
    "WHEN": TokenType.WHEN,
    "WHERE": TokenType.WHERE,
    "WITH": TokenType.WITH,
}
_SIGNS: dict[str, TokenType] = {
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    ",": TokenType.COMMA,
    ".": TokenType.DOT,
    "-": TokenType.DASH,
    "+": TokenType.PLUS,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "=": TokenType.EQ,
    ">": TokenType.GT,
    "<": TokenType.LT,
    ";": TokenType.SEMICOLON,
}
# These only end the word before them; `|`, `!`, quotes and all others are refused as tokens of their own.
_FOREIGN = dict.fromkeys("[]{}&^:%|!\\~?@#$`", TokenType.UNKNOWN)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_COMMENT = re.compile(r"--[^\r\n]*")
_HEXADECIMAL = re.compile(r"[xX][0-9A-Fa-f]+", re.ASCII)
# sqlglot takes `1e5+2` for one number; what stands in quotation marks and comments is passed over.
_EXPONENT = re.compile(r"""'[^']*'|"[^"]*"|--[^\r\n]*|(?<![\w.])(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+(?=[+-])""")
_TYPES = {TokenType.BIGINT, TokenType.BOOLEAN, TokenType.CHAR, TokenType.DOUBLE, TokenType.FLOAT, TokenType.INT}
_TYPES |= {TokenType.SMALLINT, TokenType.VARCHAR}
_WORDS = {*_KEYWORDS.values(), *_SIGNS.values(), TokenType.VAR, TokenType.STRING, TokenType.NUMBER}
_WORDS = (_WORDS | {TokenType.IDENTIFIER}) - {TokenType.UNKNOWN}


class Adql(Dialect):
    """ADQL 2.1, with CASE and delimited identifiers as it has them."""

    STRICT_STRING_CONCAT = True
    NUMBERS_CAN_BE_UNDERSCORE_SEPARATED = False

    class Tokenizer(tokens.Tokenizer):
        """Splits a query into words."""

        QUOTES: ClassVar = ["'"]
        IDENTIFIERS: ClassVar = ['"']
        STRING_ESCAPES: ClassVar = ["'"]
        COMMENTS: ClassVar = ["--"]
        KEYWORDS: ClassVar = _KEYWORDS
        SINGLE_TOKENS: ClassVar = {**_SIGNS, **_FOREIGN, "'": TokenType.UNKNOWN, '"': TokenType.UNKNOWN}
        COMMANDS: ClassVar = set()
        COMMAND_PREFIX_TOKENS: ClassVar = set()

    class Parser(parser.Parser):
        """Reads SELECT, WITH and set operations."""

        JOINS_HAVE_EQUAL_PRECEDENCE: ClassVar = True  # so that a comma is told from a JOIN without a condition
        FUNCTIONS: ClassVar = {}
        FUNCTION_PARSERS: ClassVar = {"CAST": lambda self: self._parse_cast(self.STRICT_CAST)}
        NO_PAREN_FUNCTIONS: ClassVar = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": lambda self: self._parse_case()}
        STATEMENT_PARSERS: ClassVar = {}
        PLACEHOLDER_PARSERS: ClassVar = {}
        COLUMN_OPERATORS: ClassVar = {TokenType.DOT: None}
        QUERY_MODIFIER_PARSERS: ClassVar = {
            token: read
            for token, read in parser.Parser.QUERY_MODIFIER_PARSERS.items()
            if token in {TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY, TokenType.OFFSET}
        }


def parse(text: str) -> exp.Expr:
    """Return the syntax tree of one query.

    Raises:
        QueryError: the text is no ADQL query, or longer or deeper than one may be.
    """
    words = _tokens(text)
    _check(words, text)
    try:
        trees = Adql().parser(error_level=ErrorLevel.IMMEDIATE).parse(words, text)
    except ParseError as error:
        raise _explained(error) from None
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    (tree,) = trees
    if not isinstance(tree, exp.Query):
        raise QueryError(BEGINNING, 1, 1)
    return tree


def _tokens(text: str) -> list[Token]:
    if len(text) > LONGEST_QUERY:
        raise QueryError(f"the query has {len(text):,} characters; at most {LONGEST_QUERY:,} are taken")
    for place, sign in enumerate(text):
        if (sign < " " and sign not in "\t\r\n") or "\ud800" <= sign <= "\udfff":
            raise QueryError(f"the character {sign!r} has no place in a query", *of_offset(text, place))
    try:
        words = _whole_numbers(_apart(text))
    except TokenError:
        raise QueryError("a quotation mark has no partner: '...' is text and \"...\" a name") from None
    while words and words[-1].token_type is TokenType.SEMICOLON:
        words.pop()
    if not words:
        raise QueryError("the query is empty: it begins with SELECT or WITH")
    return words


def _apart(text: str) -> list[Token]:
    """Return the words of a query, numbers with an exponent apart from the sign that follows them."""
    gaps = [found.end() for found in _EXPONENT.finditer(text) if found[0][0] not in "'\"-"]
    if not gaps:
        return Adql().tokenize(text)
    words = Adql().tokenize(" ".join(text[start:end] for start, end in pairwise([0, *gaps, len(text)])))
    shifted = [gap + number for number, gap in enumerate(gaps, start=1)]
    return [_moved(word, -bisect_right(shifted, word.start)) for word in words]


def _moved(word: Token, by: int) -> Token:
    return Token(word.token_type, word.text, word.line, word.col, word.start + by, word.end + by, word.comments)


def _whole_numbers(words: list[Token]) -> list[Token]:
    """Return words in which `0` and `x1F` beside it are one number, as ADQL writes it by sixteens."""
    found: list[Token] = []
    for word in words:
        zero = found[-1] if found else None
        if zero and zero.text == "0" and zero.end + 1 == word.start and _HEXADECIMAL.fullmatch(word.text):
            number = str(int(word.text[1:], 16))
            found[-1] = Token(TokenType.NUMBER, number, word.line, word.col, zero.start, word.end, word.comments)
        else:
            found.append(word)
    return found


def _check(words: list[Token], text: str) -> None:
    """Refuse words that are none of ADQL's, before any of them is understood as something else."""
    if len(words) > MOST_TOKENS:
        raise QueryError(f"the query has {len(words):,} words; at most {MOST_TOKENS:,} are taken")
    if words[0].token_type not in {TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN}:
        raise QueryError(BEGINNING, *at(words[0], text))
    depth = 0
    for before, word in zip([None, *words], words, strict=False):
        kind = word.token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if depth > DEEPEST:
            raise QueryError(f"more than {DEEPEST} parentheses are open", *at(word, text))
        if kind is TokenType.SEMICOLON:
            raise QueryError("there is a second statement: a request holds one query", *at(word, text))
        _check_gap(before, word, text)
        if kind not in _WORDS or (kind is TokenType.VAR and not _NAME.fullmatch(word.text)):
            hint = ": a comment begins with --" if word.text == "/*" else ""
            raise QueryError(f"{word.text!r} is no sign of ADQL{hint}", *at(word, text))
        if kind is TokenType.VAR and (reason := _REFUSED.get(word.text.upper())):
            problem = reason if reason.startswith(("ADQL", "queries")) else f"{word.text!r} {reason}"
            raise QueryError(problem, *at(word, text))


def _check_gap(before: Token | None, word: Token, text: str) -> None:
    """Refuse two words that together are none, and signs between words that only look like spaces."""
    start = before.end + 1 if before else 0
    foreign = next((sign for sign in _COMMENT.sub("", text[start : word.start]) if not sign.isascii()), None)
    if foreign is not None:
        raise QueryError(f"{foreign!r} is no sign of ADQL", *of_offset(text, start))
    if before is None:
        return
    if word.token_type is TokenType.VAR and before.token_type is TokenType.NUMBER and word.start == start:
        raise QueryError(f"'{before.text}{word.text}' is neither a number nor a name", *at(before, text))
    if word.token_type is TokenType.STRING and before.token_type in _TYPES:
        raise QueryError(f"write CAST(... AS {before.text.upper()})", *at(before, text))


def _explained(error: ParseError) -> QueryError:
    first: dict[str, Any] = error.errors[0]
    found, line, column = first.get("highlight"), first.get("line"), first.get("col")
    if not found or line is None or column is None:
        return QueryError("the query ends too early")
    what = "something is missing here" if "Required" in str(first.get("description")) else "does not fit here"
    return QueryError(f"{found!r}: {what}", line, max(1, column - len(found) + 1))
