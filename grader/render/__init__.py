"""Renderers: a finished `Report` and a `Style` in, text out; the same two give the same text, byte for byte.

They decide nothing about marks. Whatever a student wrote passes through `text` before it is printed.
"""
