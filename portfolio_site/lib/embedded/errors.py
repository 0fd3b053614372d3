"""What the embedded engines raise."""


class EngineError(RuntimeError):
    """An embedded engine cannot be started or stopped; the message says what the reader can do about it."""
