"""Verifies one token a line with PyJWT, as a resource server in Python would, and prints what came of it.

Each line is an object: token, algorithms, and issuer and audience when they are to be checked; the key comes from
jwks_url by the token's kid or, with first_key, is the first of the set.
"""

import json
import sys
import urllib.request

import jwt


def key_of(trial):
    if not trial.get("first_key"):
        return jwt.PyJWKClient(trial["jwks_url"]).get_signing_key_from_jwt(trial["token"]).key
    with urllib.request.urlopen(trial["jwks_url"]) as answer:
        return jwt.algorithms.ECAlgorithm.from_jwk(json.load(answer)["keys"][0])


def verdict(trial):
    expected = {name: trial[name] for name in ("issuer", "audience") if name in trial}
    try:
        claims = jwt.decode(trial["token"], key_of(trial), algorithms=trial["algorithms"], **expected)
    except jwt.PyJWTError as error:
        return f"{type(error).__name__}: {error}"
    return f"accepted: sub {claims.get('sub')}"


for line in sys.stdin:
    print(verdict(json.loads(line)), flush=True)
