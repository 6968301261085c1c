"""Roster, adjustments and the late rule: every row is applied and explained, or an error with its line."""

import datetime
import re

import pytest

from grader.batch.run_folder import HandIn
from grader.errors import CourseError
from grader.gradebook.adjustments import attributed, read_adjustments
from grader.gradebook.book import Late, row_of
from grader.gradebook.roster import Roster, read_roster
from grader.gradebook.table import defused, read_table, to_csv
from tests.sample_reports import ALL_AT_HAND as REPORT
from tests.sample_reports import UNGRADED

DUE = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
LATE = Late(due=DUE, grace=datetime.timedelta(minutes=30), percent_per_day=10)


def hand_in(at):
    return HandIn(student="ada", file="ada.py", kind="py", sha256="0" * 64, at=at)


def adjustments(tmp_path, *rows, roster=None):
    (tmp_path / "adjustments.csv").write_text("student,assignment,kind,value,by,why\n" + "\n".join(rows) + "\n")
    return read_adjustments(tmp_path, ("lstm", "conv2d"), roster or Roster())


def row(at=None, rows=(), late=LATE):
    return row_of("ada", Roster(), hand_in(at), REPORT, rows, late)


@pytest.mark.parametrize("line, says", [
    ("ada,lstm,bonus,2,ta,x", "'bonus' is no kind"), ("ada,lstn,points,2,ta,x", "no exercise is called 'lstn'"), ("ada,lstm,points,two,ta,x", "no number"),
    ("ada,lstm,points,nan,ta,x", "no number"), ("ada,lstm,extension,soon,ta,x", "an extension is"), ("ada,lstm,extension,2026-11-20,ta,x", "with its zone"),
    ("*,lstm,points,2,ta,x", "student of `void`"), ("ada,lstm,void,test_x,ta,x", "student of `void`"), ("ada,lstm,set,-1,ta,x", "below 0"),
    ("ada,lstm,comment,,ta,x", "without a value"), ("ada,lstm,excuse,5,ta,x", "takes no value"), ("ada,lstm,points,2,ta,x,y", "7 cells"),
])
def test_a_row_that_fits_nothing_is_an_error_with_its_line(tmp_path, line, says):
    with pytest.raises(CourseError, match=re.escape(says)) as error:
        adjustments(tmp_path, "ada,lstm,points,+2,ta,fine", line)
    assert "adjustments.csv:3" in str(error.value)


def test_files_that_are_no_tables_are_told(tmp_path):
    (tmp_path / "adjustments.csv").write_text("student,kind\n")
    with pytest.raises(CourseError, match="'assignment' is missing.*csv:1"):
        read_adjustments(tmp_path, ("lstm",), Roster())
    (tmp_path / "roster.csv").write_text("student,name\nada,Ada\nADA,Ada\n")
    with pytest.raises(CourseError, match="stands here and in line 2 @ roster.csv:3"):
        read_roster(tmp_path)
    (tmp_path / "roster.csv").write_bytes(b"student,name\nada,Ad\xe4\n")
    with pytest.raises(CourseError, match="UTF-8"):
        read_roster(tmp_path)
    (tmp_path / "roster.csv").write_text("\ufeffstudent,name,seat\nada,Ada,7\n")
    roster = read_roster(tmp_path)
    assert roster.there and roster.people[0].others == {"seat": "7"}
    with pytest.raises(CourseError, match="'bob' is not in the roster"):
        adjustments(tmp_path, "bob,lstm,points,1,ta,x", roster=roster)
    assert read_table(tmp_path / "none.csv", ()) is None


def test_one_file_belongs_to_one_student(tmp_path):
    rows = adjustments(tmp_path, "ada,lstm,attribute,x.py,ta,", "bob,conv2d,attribute,x.py,ta,")
    assert attributed(rows, "lstm") == {"x.py": "ada"}
    with pytest.raises(CourseError, match="csv:3"):
        attributed(adjustments(tmp_path, "ada,lstm,attribute,x.py,ta,", "bob,lstm,attribute,x.py,ta,"), "lstm")


@pytest.mark.parametrize("at, days", [(None, 0), ("2026-11-20T12:00:00+00:00", 0), ("2026-11-20T13:30:00+01:00", 0), ("2026-11-20T12:30:01+00:00", 1),
                                      ("2026-11-21T12:00:00+00:00", 1), ("2026-11-21T12:00:01+00:00", 2), ("2027-11-20T12:00:00+00:00", 365)])
def test_late_days_begin_with_the_due_time_and_grace_only_forgives_what_is_within(at, days):
    assert LATE.days(at, ()) == days
    assert row(at).penalty == min(REPORT.score, round(REPORT.score * 10 * days) / 100) and row(at).raw == REPORT.score


def test_extensions_move_the_due_time(tmp_path):
    rows = adjustments(tmp_path, "ada,lstm,extension,2d,prof,ill")
    assert row("2026-11-22T12:00:00+00:00", rows).penalty == 0
    assert row("2026-11-22T12:31:00+00:00", rows).days_late == 1
    until = adjustments(tmp_path, "ada,lstm,extension,2026-12-01T00:00+00:00,prof,ill")
    assert row("2026-11-30T23:00:00+00:00", until).score == REPORT.score and "more time: 2026-12-01T00:00+00:00 (prof: ill)" in row(None, until).reasons


def test_the_order_of_adjustments_and_that_raw_marks_stay(tmp_path):
    test = next(t for t in REPORT.tests if t.score < t.max_score)
    rows = adjustments(tmp_path, f"*,lstm,void,{test.id},prof,was wrong", "ada,lstm,points,+2,ta,style", "ada,lstm,comment,Nice loops.,ta,")
    found = row("2026-11-21T00:00:00+00:00", rows)
    earned = REPORT.score + test.max_score - test.score
    assert found.raw == REPORT.score and found.score == pytest.approx(round(earned * 0.9, 2) + 2)
    assert len(found.reasons) == 3 and found.comments == ("Nice loops. (ta)",)
    assert row(None, adjustments(tmp_path, "ada,lstm,points,-500,ta,x")).score == 0
    assert row(None, adjustments(tmp_path, "ada,lstm,set,72,prof,oral", "ada,lstm,points,3,ta,x")).score == 72
    excused = row(None, adjustments(tmp_path, "ada,lstm,excuse,,prof,abroad"))
    assert excused.score is None and excused.excused and excused.state == "excused" and excused.raw == REPORT.score
    assert row_of("ada", Roster(), hand_in(None), UNGRADED, (), LATE).score is None


def test_no_cell_is_a_formula():
    assert [defused(c) for c in ("=1+1", "+cmd", "-x", "@y", "\tz", "-5", "+2.5", "ada", "")] == ["'=1+1", "'+cmd", "'-x", "'@y", "'\tz", "-5", "+2.5", "ada", ""]
    assert to_csv([["a,b", 'c"d', "e\nf"]]) == '"a,b","c""d","e\nf"\n'
