from django.db import migrations

from portfolio_site.lib.sealed import UniqueAddress

# As allauth has them, over the hash in place of the address.
ADDRESSES = """
CREATE UNIQUE INDEX account_emailaddress_once ON account_emailaddress (user_id, SUBSTRING(email, 1, 32));
CREATE UNIQUE INDEX account_emailaddress_verified_once ON account_emailaddress (SUBSTRING(email, 1, 32)) WHERE verified;
CREATE INDEX account_emailaddress_found ON account_emailaddress (SUBSTRING(email, 1, 32));
"""
ADDRESSES_BACK = """
DROP INDEX account_emailaddress_once, account_emailaddress_verified_once, account_emailaddress_found
"""
# What stood in plain text beside: sessions end (everybody signs in again), refresh tokens are found by their ids, failed
# attempts are counted anew, the admin's log names users and accounts by number.
REMAINS = """
DELETE FROM django_session;
UPDATE token_blacklist_outstandingtoken SET token = '' WHERE token <> '';
DELETE FROM axes_accessattemptexpiration;
DELETE FROM axes_accessattempt;
UPDATE django_admin_log l SET object_repr = initcap(c.model) || ' ' || l.object_id FROM django_content_type c
WHERE c.id = l.content_type_id
AND (c.app_label, c.model) IN (('portfolio_site', 'user'), ('investments', 'account'), ('plaid_link', 'unplacedaccount'));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio_site", "0008_seal_who_people_are"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("axes", "0010_accessattemptexpiration"),
        ("sessions", "0001_initial"),
        ("token_blacklist", "0013_alter_blacklistedtoken_options_and_more"),
    ]

    operations = [
        migrations.AddConstraint("user", UniqueAddress(fields=["email"], name="user_email_once")),
        migrations.RunSQL(ADDRESSES, ADDRESSES_BACK),
        migrations.RunSQL(REMAINS, migrations.RunSQL.noop),
    ]
