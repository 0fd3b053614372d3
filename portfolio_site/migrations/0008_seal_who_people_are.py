from django.db import migrations

from portfolio_site.lib.sealed import SealedBinaryField, SealedEmailField, SealedTextField
from portfolio_site.lib.sealing import SealColumns

# What goes with the columns, for the way back.
CHECKED = "ALTER TABLE portfolio_site_user ADD CONSTRAINT user_email_lower_case CHECK (email = lower(email))"
ADDRESSES = """
CREATE UNIQUE INDEX unique_verified_email ON account_emailaddress (email) WHERE verified;
CREATE INDEX account_emailaddress_email_found ON account_emailaddress (email);
ALTER TABLE account_emailaddress ADD UNIQUE (user_id, email);
"""


class Migration(migrations.Migration):
    """Names, addresses, answers and exports. The next one makes addresses unique again."""

    atomic = False  # each batch of rows is a transaction

    dependencies = [
        ("portfolio_site", "0007_terms_version"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            migrations.RunSQL.noop,
            CHECKED,
            state_operations=[migrations.RemoveConstraint("user", "user_email_lower_case")],
        ),
        migrations.RunSQL(migrations.RunSQL.noop, ADDRESSES),
        SealColumns(
            "portfolio_site.User",
            email=SealedEmailField(max_length=254, verbose_name="e-mail address"),
            first_name=SealedTextField(blank=True, max_length=150, verbose_name="first name"),
            last_name=SealedTextField(blank=True, max_length=150, verbose_name="last name"),
        ),
        SealColumns("portfolio_site.IdempotentRequest", body=SealedBinaryField(default=b"")),
        SealColumns(
            "portfolio_site.UserExport", content=SealedBinaryField(help_text="A zip; empty until it is made.")
        ),
        SealColumns("account.EmailAddress", email=SealedEmailField(max_length=254, verbose_name="email address")),
        SealColumns(
            "usersessions.UserSession", ip=SealedTextField(max_length=39), user_agent=SealedTextField(max_length=200)
        ),
    ]
