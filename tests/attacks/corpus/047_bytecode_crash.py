import types


def double(x):
    code = double.__code__.replace(co_code=bytes([100, 200] * 40), co_consts=())
    return types.FunctionType(code, {})()


def norm(x):
    return float((x * x).sum() ** 0.5)
