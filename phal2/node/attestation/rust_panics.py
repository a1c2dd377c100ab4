"""Recognising panics of Rust extensions, so that hostile input cannot end the process through one."""


def is_rust_panic(error: BaseException) -> bool:
    """Tell whether `error` is a panic that PyO3 turned into an exception.

    Its class cannot be imported, and derives from BaseException so that `except Exception` misses it.
    """
    return type(error).__name__ == "PanicException"
