"""Who people are, at rest: nobody reads it in the database, they are found by their address, and keys change."""

import base64
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import FieldError, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from portfolio_site.lib import sealing
from portfolio_site.lib.crypto import SealBroken
from portfolio_site.models import AuditEntry, User

NEW = "new:" + base64.b64encode(b"n" * 32).decode()
OTHER = "other:" + base64.b64encode(b"p" * 32).decode()
ADA = "ada.lovelace@example.com"


@pytest.fixture
def ada(db: Any) -> User:
    return User.objects.create_user(email=ADA, password="correct horse battery", first_name="Ada", last_name="Lovelace")


def stored(user: User, column: str = "email") -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM portfolio_site_user WHERE id = %s", [user.pk])
        return bytes(cursor.fetchone()[0])


def rotate() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue().strip()


def test_what_is_stored_says_nothing(ada: User) -> None:
    for column, value in (("email", ADA), ("first_name", "Ada"), ("last_name", "Lovelace")):
        assert value.encode() not in stored(ada, column)
    read = User.objects.get(pk=ada.pk)
    assert (read.email, read.first_name, read.last_name) == (ADA, "Ada", "Lovelace")
    assert read.get_full_name() == "Ada Lovelace"
    assert "ada" not in str(read).lower(), "it goes into the admin's log"


def test_nothing_is_stored_as_nothing(owner: Any) -> None:
    assert (stored(owner, "first_name"), User.objects.get(pk=owner.pk).first_name) == (b"", "")


def test_equal_names_do_not_look_equal(ada: User) -> None:
    twin = User.objects.create_user(email="twin@example.com", first_name="Ada")
    assert stored(ada, "first_name") != stored(twin, "first_name")


@pytest.mark.parametrize("written", [ADA, "Ada.Lovelace@Example.com", f"  {ADA} "])
def test_somebody_is_found_by_the_whole_address(ada: User, owner: Any, written: str) -> None:
    assert User.objects.get(email=written) == User.objects.get(email__iexact=written) == ada
    assert User.objects.get(email__in=[written, "nobody@example.com"]) == ada
    assert User.objects.get_by_natural_key(written) == ada
    assert set(User.objects.exclude(email=written)) == {owner}
    assert not User.objects.filter(email__in=[]).exists()


@pytest.mark.parametrize("lookup", ["email__contains", "email__startswith", "first_name", "first_name__icontains"])
def test_nobody_is_found_by_anything_else(ada: User, lookup: str) -> None:
    with pytest.raises(FieldError, match="Unsupported lookup"):
        User.objects.filter(**{lookup: "ada"})


def test_an_address_exists_once(ada: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(email=ADA.upper())
    User.objects.create_user(email="bob@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(email="bob@example.com").update(email=ADA)
    with pytest.raises(ValidationError) as refused:
        User(email=ADA, password="x").full_clean()
    assert set(refused.value.message_dict) == {"email"}
    ada.full_clean()


def test_the_address_is_found_by_an_index(ada: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "user_email_once" in User.objects.filter(email=ADA).explain()


def test_a_value_moved_to_another_column_does_not_open(ada: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portfolio_site_user SET first_name = last_name WHERE id = %s", [ada.pk])
    with pytest.raises(SealBroken):
        User.objects.get(pk=ada.pk)


def test_what_is_saved_unchanged_is_no_change(ada: User) -> None:
    before, noted = stored(ada), AuditEntry.objects.count()
    read = User.objects.get(pk=ada.pk)
    read.base_currency = "EUR"
    read.save()
    assert stored(ada) == before
    entry = AuditEntry.objects.latest("id")
    assert (AuditEntry.objects.count(), set(entry.new)) == (noted + 1, {"base_currency"})
    read.first_name = "Augusta"
    read.save()
    assert AuditEntry.objects.latest("id").new == {"first_name": "[changed]"}


def test_an_address_goes_from_one_table_to_the_other(ada: User) -> None:
    EmailAddress.objects.create(user=ada, email=User.objects.get(pk=ada.pk).email, verified=True, primary=True)
    assert EmailAddress.objects.get(email=ADA).email == ADA
    assert EmailAddress.objects.lookup([ADA.upper()]).exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        EmailAddress.objects.create(user=ada, email=ADA)
    other = User.objects.create_user(email="bob@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        EmailAddress.objects.create(user=other, email=ADA, verified=True)


def test_new_keys_take_over_while_both_are_known(ada: User, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    for number in range(4):
        User.objects.create_user(email=f"more-{number}@example.com")
    old_seal, old_lookup = settings.ENCRYPTION_KEYS, settings.LOOKUP_KEYS
    settings.ENCRYPTION_KEYS, settings.LOOKUP_KEYS = f"{NEW},{old_seal}", f"{OTHER},{old_lookup}"
    assert User.objects.get(email=ADA).first_name == "Ada", "before anything is sealed anew"
    assert rotate() == "5 sealed anew, 0 on the current key already"
    assert rotate() == "0 sealed anew, 5 on the current key already"
    settings.ENCRYPTION_KEYS, settings.LOOKUP_KEYS = NEW, OTHER
    assert User.objects.get(email=ADA).first_name == "Ada"
    assert rotate() == "0 sealed anew, 5 on the current key already"


def test_an_address_stays_one_while_keys_change(ada: User, settings: Any) -> None:
    """The index cannot tell: it holds hashes of two keys. Whoever makes a user asks first."""
    settings.LOOKUP_KEYS = f"{OTHER},{settings.LOOKUP_KEYS}"
    with pytest.raises(ValidationError):
        User(email=ADA, password="x").full_clean()


def test_rotation_goes_on_where_it_was_stopped(ada: User, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sealing, "BATCH", 1)
    User.objects.create_user(email="later@example.com")
    settings.ENCRYPTION_KEYS = f"{NEW},{settings.ENCRYPTION_KEYS}"
    done = []

    def killed_at_the_second(*arguments: Any) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(rotate_row(*arguments))

    rotate_row = sealing._rotate_row
    monkeypatch.setattr(sealing, "_rotate_row", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    monkeypatch.setattr(sealing, "_rotate_row", rotate_row)
    assert rotate() == "1 sealed anew, 1 on the current key already"


def test_what_no_key_opens_is_named_and_left(ada: User, settings: Any) -> None:
    before = stored(ada)
    settings.ENCRYPTION_KEYS = NEW
    with pytest.raises(CommandError, match=f"portfolio_site_user {ada.pk}"):
        rotate()
    assert stored(ada) == before
