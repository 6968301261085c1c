import numpy as np

Odd = type("\x1b[31m::error::<b>]]>=1+1", (Exception,), {})


def double(x):
    raise Odd("\n::error::x")


def norm(x):
    return float((x * x).sum() ** 0.5)
