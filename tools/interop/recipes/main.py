"""Verifies one token a line with the function of the page, and prints what came of it."""

import sys

import jwt
from verify import verify

for line in sys.stdin:
    try:
        verdict = f"accepted: sub {verify(line.strip())['sub']}"
    except jwt.PyJWTError as error:
        verdict = f"refused: {type(error).__name__}: {error}"
    print(verdict, flush=True)
