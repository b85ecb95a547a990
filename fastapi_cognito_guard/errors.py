"""Errors of this package. Each refusal of a request has a stable code.

    GuardError
    ├── ConfigurationError                  the app is set up wrongly; never caused by a client
    ├── TokenRequestFailed                  no token could be obtained for calling an API
    └── AuthError                           a request that is refused before it reaches its route
        ├── Unauthenticated          401
        │   ├── TokenMissing                token_missing
        │   ├── SchemeUnsupported           scheme_unsupported
        │   ├── TokenMalformed              token_malformed
        │   ├── AlgorithmNotAllowed         algorithm_not_allowed
        │   ├── KeyUnknown                  key_unknown
        │   ├── SignatureInvalid            signature_invalid
        │   ├── ClaimInvalid                claim_invalid
        │   ├── IssuerMismatch              issuer_mismatch
        │   ├── ClientMismatch              client_mismatch
        │   ├── TokenUseMismatch            token_use_mismatch
        │   ├── TokenExpired                token_expired
        │   ├── TokenNotYetValid            token_not_yet_valid
        │   ├── InsufficientLevel           insufficient_level
        │   ├── GatewayClaimsMissing        gateway_claims_missing
        │   ├── GatewayMismatch             gateway_mismatch
        │   └── TokenRevoked                token_revoked
        ├── Forbidden                403
        │   ├── InsufficientScope           insufficient_scope
        │   ├── InsufficientGroup           insufficient_group
        │   ├── InsufficientClaim           insufficient_claim
        │   ├── DelegatedCaller             delegated_caller
        │   ├── PoolMismatch                pool_mismatch
        │   ├── InsufficientPermission      insufficient_permission
        │   ├── CallerIsIam                 caller_is_iam
        │   └── IamIdentityMissing          iam_identity_missing
        └── Unavailable              503
            ├── KeysUnavailable             keys_unavailable
            ├── PoolsUnavailable            pools_unavailable
            └── RevocationUnavailable       revocation_unavailable

Clients see ``message`` and ``description`` only. ``reason`` is for the log: it says what to do next, and
never holds a token.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

# RFC 7518 section 3.1. Only these are repeated to clients: any other value is an attacker's text.
REGISTERED_ALGORITHMS = frozenset(
    "none HS256 HS384 HS512 RS256 RS384 RS512 ES256 ES384 ES512 PS256 PS384 PS512 EdDSA".split()
)


class GuardError(Exception):
    """Base class of all errors that this package raises."""


class ConfigurationError(GuardError):
    """Wrong set-up of an app. The text says what to write instead.

    ``setting`` names the argument in question, or is None.
    """

    def __init__(self, message: str, *, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class TokenRequestFailed(GuardError):
    """No token could be obtained for calling an API. The text names the next step, and holds no secret.

    ``status`` and ``error`` are the token endpoint's status and code (RFC 6749 section 5.2), or None if it
    did not answer.
    """

    def __init__(self, message: str, *, status: int | None = None, error: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


class AuthError(GuardError):
    """Refusal of a request before it reaches its route.

    ``status``, ``code``, ``message`` and ``description`` belong to the class, ``reason`` to the case.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    message: ClassVar[str]
    description: ClassVar[str] = ""

    about: Mapping[str, str] = MappingProxyType({})
    """Loggable facts of the refused token; empty if it could not be parsed."""

    requirement: object = None
    """The `Requirement` that the caller does not meet, or None."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unauthenticated(AuthError):
    """The caller's identity is not proven: 401."""

    status = 401
    code = "unauthenticated"
    message = "Unauthorized"
    description = "The token is invalid"
    presented: ClassVar[bool] = True
    """True if the request carried a credential. RFC 6750 section 3.1: no error code if it did not."""


class TokenMissing(Unauthenticated):
    """The request carries no token."""

    code = "token_missing"
    presented = False


class SchemeUnsupported(Unauthenticated):
    """The header holds credentials of another scheme than ``Bearer``."""

    code = "scheme_unsupported"
    presented = False


class TokenMalformed(Unauthenticated):
    """The token is not a compact JWT of the form that Cognito issues."""

    code = "token_malformed"
    description = "The token is malformed"


class AlgorithmNotAllowed(Unauthenticated):
    """The token names another algorithm than RS256: ``algorithm``, or None if it is not a registered one."""

    code = "algorithm_not_allowed"
    description = "The signing algorithm is not allowed"

    def __init__(self, reason: str, *, algorithm: object = None) -> None:
        super().__init__(reason)
        known = isinstance(algorithm, str) and algorithm in REGISTERED_ALGORITHMS
        self.algorithm = str(algorithm) if known else None


class KeyUnknown(Unauthenticated):
    """No key of the pool has the token's ``kid``."""

    code = "key_unknown"
    description = "The signing key is unknown"


class SignatureInvalid(Unauthenticated):
    """The pool did not sign this token."""

    code = "signature_invalid"
    description = "The signature is invalid"


class ClaimInvalid(Unauthenticated):
    """A claim is missing, or has a wrong type or format."""

    code = "claim_invalid"
    description = "A required claim is missing or invalid"


class IssuerMismatch(Unauthenticated):
    """None of the configured pools issued the token."""

    code = "issuer_mismatch"
    description = "The issuer does not match"


class ClientMismatch(Unauthenticated):
    """The token was issued to another app client, or for another resource."""

    code = "client_mismatch"
    description = "The token is not for this audience"


class TokenUseMismatch(Unauthenticated):
    """An ID token was sent where an access token is required, or the reverse."""

    code = "token_use_mismatch"
    description = "The token is of the wrong type"


class TokenExpired(Unauthenticated):
    """``exp`` has passed."""

    code = "token_expired"
    description = "The token has expired"


class TokenNotYetValid(Unauthenticated):
    """``nbf`` or ``iat`` lies in the future."""

    code = "token_not_yet_valid"
    description = "The token is not yet valid"


class InsufficientLevel(Unauthenticated):
    """The user has to sign in again, with a higher level of authentication or more recently: 401 (RFC 9470).

    ``levels`` are those that would do, the required one first; ``max_age`` is in seconds, or None.
    """

    code = "insufficient_level"
    description = "A different authentication level is required"

    def __init__(self, reason: str, *, levels: Sequence[str] = (), max_age: int | None = None) -> None:
        super().__init__(reason)
        self.levels = tuple(levels)
        self.max_age = max_age

    @property
    def challenge(self) -> Mapping[str, str]:
        """Parameters of the challenge."""
        age = {} if self.max_age is None else {"max_age": str(self.max_age)}
        return {**({"acr_values": " ".join(self.levels)} if self.levels else {}), **age}


class GatewayClaimsMissing(Unauthenticated):
    """No authorizer has vouched for the caller, and the guard has ``gateway="require"``."""

    code = "gateway_claims_missing"
    presented = False


class GatewayMismatch(Unauthenticated):
    """The token is not the one of the gateway's claims, and the guard has ``gateway="verify"``."""

    code = "gateway_mismatch"
    description = "The token does not match the request"


class TokenRevoked(Unauthenticated):
    """The token was revoked before its expiry: ``CognitoGuard(revoked=...)`` said so."""

    code = "token_revoked"
    description = "The token has been revoked"


class Forbidden(AuthError):
    """The caller is known, but may not do this: 403.

    Any one of ``required`` would have been enough; the caller lacks ``missing``.
    """

    status = 403
    code = "forbidden"
    message = "Forbidden"

    def __init__(
        self, reason: str, *, required: Sequence[str] = (), missing: Sequence[str] | None = None
    ) -> None:
        super().__init__(reason)
        self.required = tuple(required)
        self.missing = self.required if missing is None else tuple(missing)


class InsufficientScope(Forbidden):
    """A scope is missing."""

    code = "insufficient_scope"
    description = "The token lacks a required scope"


class InsufficientGroup(Forbidden):
    """The caller is in none of the required groups."""

    code = "insufficient_group"


class InsufficientClaim(Forbidden):
    """A claim has none of the required values."""

    code = "insufficient_claim"


class DelegatedCaller(Forbidden):
    """The token names an actor where the user has to act, or none of those that may act."""

    code = "delegated_caller"


class PoolMismatch(Forbidden):
    """The caller is of another pool of the guard than the route takes."""

    code = "pool_mismatch"


class InsufficientPermission(Forbidden):
    """The caller meets none of several requirements, or a check of the app's own refuses them."""

    code = "insufficient_permission"


class CallerIsIam(Forbidden):
    """The request is signed with AWS credentials; its caller is not a user of a pool."""

    code = "caller_is_iam"


class IamIdentityMissing(Forbidden):
    """The route requires an IAM caller, and no gateway has vouched for one. API Gateway answers 403, too."""

    code = "iam_identity_missing"


class Unavailable(AuthError):
    """It cannot be found out now if the token is good: 503.

    ``retry_after`` is in whole seconds, at least 1.
    """

    status = 503
    code = "unavailable"
    message = "Service Unavailable"

    def __init__(self, reason: str, *, retry_after: int = 1) -> None:
        super().__init__(reason)
        self.retry_after = max(1, retry_after)


class KeysUnavailable(Unavailable):
    """The pool's keys are unavailable, so the token cannot be verified."""

    code = "keys_unavailable"
    description = "The signing keys are unavailable"


class PoolsUnavailable(Unavailable):
    """The directory of pools failed, or gave no answer in time, so the issuer cannot be judged."""

    code = "pools_unavailable"
    description = "The user pools are unavailable"


class RevocationUnavailable(Unavailable):
    """The check for revoked tokens failed, or gave no answer in time."""

    code = "revocation_unavailable"
    description = "The state of the token is unavailable"
