"""Marks of a course: roster and adjustments beside raw reports -> final marks, exports, feedback.

    roster, adjustments (errors with their line) + run -> Book: per student raw score, penalty, adjustments, final score
    Book -> canvas | moodle | csv | junit | markdown | feedback | class view | sqlite        raw marks never change
"""
