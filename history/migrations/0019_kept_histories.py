"""What tells whether a user's history has changed, as a function: its plan is made once for each connection.

Planning took four fifths of the question that every chart begins with. The caller's row security holds within. Of the accounts
named, or of all of the asker's where that is NULL.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION history_kept(asker bigint, accounts bigint[]) RETURNS TABLE (
    account_id bigint, currency varchar, is_open boolean, unconverted text[], source varchar, days_version bigint,
    snapshots bigint
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF accounts IS NULL THEN
        accounts := ARRAY(SELECT own.id FROM investments_account own WHERE own.owner_id = asker);
    END IF;
    RETURN QUERY
    SELECT a.id, a.currency, a.closed_at IS NULL, ARRAY(
        SELECT DISTINCT COALESCE(NULLIF(s.iso_currency_code, ''), NULLIF(s.unofficial_currency_code, ''), 'USD')::text
        FROM investments_holding h JOIN investments_security s ON s.id = h.security_id
        WHERE h.account_id = a.id AND h.removed_at IS NULL AND a.closed_at IS NULL AND h.market_value IS NULL
            AND COALESCE(NULLIF(s.iso_currency_code, ''), NULLIF(s.unofficial_currency_code, ''), 'USD') <> a.currency
        ORDER BY 1
    ), a.source, COALESCE(k.days_version, 0), (SELECT COALESCE(sum(r.revision), 0)::bigint FROM history_snapshotrun r)
    FROM investments_account a LEFT JOIN history_accounthistory k ON k.account_id = a.id
    WHERE a.id = ANY(accounts) ORDER BY a.id;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0018_versions_of_days"),
        ("investments", "0001_initial"),
    ]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION history_kept(bigint, bigint[])")]
