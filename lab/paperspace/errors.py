"""How the lab's Paperspace says no."""

from collections.abc import Sequence

STATUS = {
    "BAD_REQUEST": 400,
    "PARSE_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_SUPPORTED": 405,
    "CONFLICT": 409,
    "PAYLOAD_TOO_LARGE": 413,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_SERVER_ERROR": 500,
}


class CloudError(Exception):
    """A refusal with a code of the API, which decides the HTTP status. `issues` say which inputs are wrong."""

    def __init__(self, code: str, message: str, *, issues: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.issues = issues

    @property
    def status(self) -> int:
        return STATUS[self.code]


def invalid(issue: str) -> CloudError:
    return CloudError("BAD_REQUEST", "Input validation failed", issues=[issue])


def not_found(what: str) -> CloudError:
    return CloudError("NOT_FOUND", f"{what} not found")
