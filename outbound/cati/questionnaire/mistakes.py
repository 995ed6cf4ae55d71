"""What may be wrong with a form, and where."""

from dataclasses import dataclass
from enum import StrEnum


class Flaw(StrEnum):
    """What is wrong. The words are in `web/cati/words.py`."""

    NOT_A_WORKBOOK = "not_a_workbook"
    TOO_LARGE = "too_large"
    TOO_MANY_ROWS = "too_many_rows"
    CELL_TOO_LONG = "cell_too_long"
    FORMULA = "formula"  # a cell computes its value
    SAME_HEADER = "same_header"
    NO_SURVEY = "no_survey"
    NO_COLUMN = "no_column"
    NO_QUESTIONS = "no_questions"
    NO_TYPE = "no_type"
    UNKNOWN_TYPE = "unknown_type"
    TYPE_NOT_FOR_PHONE = "type_not_for_phone"
    COLUMN_NOT_FOR_PHONE = "column_not_for_phone"
    NO_NAME = "no_name"
    BAD_NAME = "bad_name"
    SAME_NAME = "same_name"
    NO_LABEL = "no_label"
    NOT_CLOSED = "not_closed"
    NOT_OPENED = "not_opened"
    EMPTY_SECTION = "empty_section"
    TOO_DEEP = "too_deep"
    TOO_MANY_QUESTIONS = "too_many_questions"
    NO_LIST = "no_list"
    UNKNOWN_LIST = "unknown_list"
    NO_CHOICE_NAME = "no_choice_name"
    BAD_CHOICE_NAME = "bad_choice_name"
    SAME_CHOICE = "same_choice"
    NO_CHOICE_LABEL = "no_choice_label"
    NO_CALCULATION = "no_calculation"
    BAD_RANGE = "bad_range"
    BAD_DEFAULT = "bad_default"
    SYNTAX = "syntax"
    UNKNOWN_FUNCTION = "unknown_function"
    WRONG_ARGUMENTS = "wrong_arguments"
    UNKNOWN_REFERENCE = "unknown_reference"
    UNSUPPORTED = "unsupported"  # XPath beyond what a phone survey needs
    BAD_PATTERN = "bad_pattern"
    CYCLE = "cycle"
    TOO_LONG_A_CHAIN = "too_long_a_chain"
    XLSFORM = "xlsform"  # whatever else pyxform refuses, in its words


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """A flaw at a cell. `row` counts from 1, the headers' row; 0 where it is the sheet's. `about` is what it names."""

    sheet: str
    row: int
    column: str  # its letter; empty where it is the row's
    flaw: Flaw
    about: str = ""
