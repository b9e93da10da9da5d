"""What is answered in place of a result: a status of HTTP and one line."""

RETRY_AFTER_S = 1
FAULT = "a fault of the server; its log tells more."


class RequestError(Exception):
    """A request cannot be answered.

    Args:
        status: Of HTTP.
        message: One line: the field, what was received, what is expected.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """That go with the answer."""
        if self.status == 503:
            return {"retry-after": str(RETRY_AFTER_S)}
        # What is left of a body that is too large or too slow is not read.
        return {"connection": "close"} if self.status in (408, 413) else {}


class BadRequest(RequestError):
    """The request is at fault."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class NotFound(RequestError):
    """There is no such model, version or path."""

    def __init__(self, message: str) -> None:
        super().__init__(404, message)


class Overloaded(RequestError):
    """More waits than may; the client should come again."""

    def __init__(self, message: str) -> None:
        super().__init__(503, message)
