"""API authentication that also tells PostgreSQL whose rows may be seen."""

import time
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.settings import api_settings

from portfolio_site.lib import logs, rls


class TenantJWTAuthentication(JWTAuthentication):
    """Bearer token; the token's user becomes the tenant of the request's transaction, in the statement that reads them.

    Where the view opens transactions of its own there is none yet, and nothing is visible until it does.
    """

    def get_validated_token(self, raw_token: bytes) -> Any:
        token = _verified(raw_token)
        if token["exp"] > time.time():
            return token
        return super().get_validated_token(raw_token)

    def get_user(self, validated_token: Any) -> Any:
        try:
            user_id = int(validated_token[api_settings.USER_ID_CLAIM])
        except (KeyError, ValueError):
            raise InvalidToken("Token contained no recognizable user identification") from None
        user = _seen(user_id)
        if user is None:
            raise AuthenticationFailed("User not found", code="user_not_found")
        if not user.is_active:
            raise AuthenticationFailed("User is inactive", code="user_inactive")
        logs.bind(user_id=user_id)
        return user


class TenantSessionAuthentication(SessionAuthentication):
    """Session cookie with CSRF. Answers 401, not 403, to a caller who is not signed in."""

    def authenticate(self, request: Request) -> Any:
        result = super().authenticate(request)
        if result is not None:
            logs.bind(user_id=result[0].pk)
            if connection.in_atomic_block:
                rls.set_tenant(result[0].pk)
        return result


@lru_cache(maxsize=4096)
def _verified(raw_token: bytes) -> Any:
    """A token is what it is until it expires: its signature is looked at once in each process. Raises InvalidToken."""
    return JWTAuthentication().get_validated_token(raw_token)


def _seen(user_id: int) -> Any:
    """The user, now the tenant; None where there is none."""
    sql, names = _reading()
    with connection.cursor() as cursor:
        cursor.execute(sql, [*rls.tenant_values(user_id), user_id])
        row = cursor.fetchone()
    return get_user_model().from_db(connection.alias, names, row[: len(names)]) if row else None


@lru_cache(maxsize=1)
def _reading() -> tuple[str, list[str]]:
    """SQL that reads a user and makes their rows visible, and the names of the fields that it reads.

    Fields that need converting are read when they are asked for, which the API never does.
    """
    meta = get_user_model()._meta
    fields = [field for field in meta.concrete_fields if not field.get_db_converters(connection)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    sql = f'SELECT {columns}, {rls.SET_TENANT} FROM "{meta.db_table}" WHERE id = %s'
    return sql, [field.attname for field in fields]
