"""The audit trail: who changed what, when, and in which request, written by the database itself.

A trigger on each table that people and operators change. The web role and workers may read the trail and not write it;
nobody, its owner included, changes a row, and none is deleted before seven years have gone. What is secret or names a
person is noted as changed, without its value.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.db.migrations.operations.base import Operation

from portfolio_site.lib.rls import OPERATOR, TENANT

TABLE: Final = "portfolio_site_auditentry"
KEPT: Final = "7 years"
HIDDEN: Final = "[changed]"

CREATE: Final = f"""
CREATE TABLE {TABLE} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id bigint,
    subject_id bigint,
    role varchar(63) NOT NULL,
    operation varchar(6) NOT NULL,
    table_name varchar(63) NOT NULL,
    row_id varchar(64) NOT NULL,
    old jsonb,
    new jsonb,
    request_id varchar(64) NOT NULL
);
CREATE INDEX audit_subject_newest ON {TABLE} (subject_id, id DESC);
CREATE INDEX audit_row_newest ON {TABLE} (table_name, row_id, id DESC);
ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_trail ON {TABLE} FOR SELECT USING (subject_id = {TENANT} OR {OPERATOR});
CREATE POLICY purge ON {TABLE} FOR DELETE USING (at < now() - interval '{KEPT}');

CREATE FUNCTION portfolio_site_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < now() - interval '{KEPT}' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'The audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION portfolio_site_audit_is_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION portfolio_site_audit_is_append_only();

-- Arguments: the column that says whose the row is, columns without their value, columns that are nobody's act.
CREATE FUNCTION portfolio_site_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    one jsonb := COALESCE(after, before);
    hidden text[] := TG_ARGV[1]::text[];
    changed text[];
    name text;
BEGIN
    SELECT array_agg(key) INTO changed FROM jsonb_object_keys(one) key
    WHERE NOT key = ANY (TG_ARGV[2]::text[]) AND (before -> key) IS DISTINCT FROM (after -> key);
    IF changed IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_object_agg(key, value) INTO before FROM jsonb_each(before) WHERE key = ANY (changed);
    SELECT jsonb_object_agg(key, value) INTO after FROM jsonb_each(after) WHERE key = ANY (changed);
    FOREACH name IN ARRAY hidden LOOP
        IF before ? name THEN before := jsonb_set(before, ARRAY[name], '"{HIDDEN}"'); END IF;
        IF after ? name THEN after := jsonb_set(after, ARRAY[name], '"{HIDDEN}"'); END IF;
    END LOOP;
    INSERT INTO {TABLE} (actor_id, subject_id, role, operation, table_name, row_id, old, new, request_id) VALUES (
        NULLIF(current_setting('app.user_id', true), '')::bigint,
        (one ->> TG_ARGV[0])::bigint,
        CASE current_setting('role') WHEN 'none' THEN session_user::text ELSE current_setting('role') END,
        lower(TG_OP), TG_TABLE_NAME, one ->> 'id', before, after,
        left(COALESCE(current_setting('app.request_id', true), ''), 64)
    );
    RETURN NULL;
END $$;
"""
DROP: Final = f"""
DROP FUNCTION portfolio_site_audit() CASCADE;
DROP TABLE {TABLE};
DROP FUNCTION portfolio_site_audit_is_append_only();
"""


class Audited(Operation):
    """Migration operation: every change of the table's rows is noted.

    `subject`: the column that says whose the row is. `hidden`: columns whose values nobody may read there. `ignored`:
    columns that machinery writes all the time. `when`: SQL over NEW; inserts alone are noted then, and only such.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        table: str,
        *,
        subject: str = "owner_id",
        hidden: Sequence[str] = (),
        ignored: Sequence[str] = (),
        when: str = "",
    ) -> None:
        self.table, self.subject, self.when = table, subject, when
        self.hidden, self.ignored = tuple(hidden), tuple(ignored)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing of the model state changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        arguments = f"'{self.subject}', '{_array(self.hidden)}', '{_array(self.ignored)}'"
        events, condition = ("INSERT", f"WHEN ({self.when})") if self.when else ("INSERT OR UPDATE OR DELETE", "")
        schema_editor.execute(
            f'CREATE TRIGGER audit AFTER {events} ON "{self.table}" FOR EACH ROW {condition} '
            f"EXECUTE FUNCTION portfolio_site_audit({arguments})"
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f'DROP TRIGGER audit ON "{self.table}"')

    def describe(self) -> str:
        return f"Audit trail of {self.table}"


def _array(names: Sequence[str]) -> str:
    return "{" + ",".join(names) + "}"
