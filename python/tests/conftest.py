"""Programs that several tests use, and Ctrl-C as it is at a terminal."""

import signal

import pytest

# A shell that starts tests in the background has them ignore it, so that tests of it would never end.
signal.signal(signal.SIGINT, signal.default_int_handler)

SUM_2 = "type digit_1(u32), digit_2(u32)\nrel sum_2(a + b) = digit_1(a), digit_2(b)"


@pytest.fixture
def sum_2():
    """The sum of two digits as a module of f32 or f64 tensors."""
    import nsdl

    def make(**options):
        inputs = {"digit_1": range(10), "digit_2": range(10)}
        return nsdl.Module(SUM_2, inputs=inputs, output={"sum_2": range(19)}, **options)

    return make
