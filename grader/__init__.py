"""Autograder for deep-learning exercises: submissions in, reports out."""

__version__ = "0.1.0"
