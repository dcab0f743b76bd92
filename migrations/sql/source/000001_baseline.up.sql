-- Tapline's own tables in a source's schema. Their names begin with _, which no event's table does, and so do the names
-- of all constraints and indexes: they share one namespace with the tables, and an event may well be called "Loads Pkey".
create table if not exists "{schema}"."_loads" (
	"load" uuid default pg_catalog.gen_random_uuid() constraint "_pk__loads" primary key,
	"seq" bigint constraint "_uq_loads_seq" unique,
	"uuid_ts" timestamptz constraint "_uq_loads_uuid_ts" unique,
	"unit" text,
	"unit_key" text collate "C",
	"units" bigint not null default 1,
	"status" text not null constraint "_ck_loads_status" check ("status" in ('finished', 'failed', 'undone')),
	"rows" bigint not null default 0,
	"quarantined" bigint not null default 0,
	"duplicates" bigint not null default 0,
	"discarded" bigint not null default 0,
	"filled" bigint not null default 0,
	"new_tables" bigint not null default 0,
	"new_columns" bigint not null default 0,
	"bytes" bigint not null default 0,
	"started_at" timestamptz,
	"finished_at" timestamptz,
	"error" text
);
comment on table "{schema}"."_loads" is 'One row for each load: it brought the events of one unit in, or of several frames at once, or failed to.';
comment on column "{schema}"."_loads"."load" is 'Key of the load.';
comment on column "{schema}"."_loads"."seq" is 'Number of the load in the order in which loads became visible; empty for failed ones.';
comment on column "{schema}"."_loads"."uuid_ts" is 'The uuid_ts of all rows of the load.';
comment on column "{schema}"."_loads"."unit" is 'The unit as people know it: a path, or stdin.';
comment on column "{schema}"."_loads"."unit_key" is 'The unit''s key in _units.';
comment on column "{schema}"."_loads"."units" is 'How many units the load brought in: 1, or a number of frames of which unit and unit_key name the first.';
comment on column "{schema}"."_loads"."status" is 'finished, failed (nothing of it is visible) or undone (its rows were taken out again).';
comment on column "{schema}"."_loads"."rows" is 'Rows inserted into event tables.';
comment on column "{schema}"."_loads"."quarantined" is 'Records that went to _quarantine.';
comment on column "{schema}"."_loads"."duplicates" is 'Events that were there already and were not stored again.';
comment on column "{schema}"."_loads"."discarded" is 'Single values that went to _discards.';
comment on column "{schema}"."_loads"."filled" is 'Values that waited in _discards and that a replay put into their rows.';
comment on column "{schema}"."_loads"."new_tables" is 'Tables that were made for this load.';
comment on column "{schema}"."_loads"."new_columns" is 'Columns that were added for this load.';
comment on column "{schema}"."_loads"."bytes" is 'Bytes read, before decompression.';
comment on column "{schema}"."_loads"."started_at" is 'When reading the unit began.';
comment on column "{schema}"."_loads"."finished_at" is 'When the load committed or failed.';
comment on column "{schema}"."_loads"."error" is 'Why the load failed.';

create table if not exists "{schema}"."_units" (
	"unit_key" text collate "C" constraint "_pk__units" primary key,
	"unit" text,
	"kind" text,
	"load" uuid,
	"size" bigint,
	"loaded_at" timestamptz,
	"reads" bigint not null default 1
);
comment on table "{schema}"."_units" is 'One row for each unit that is loaded: a file, all of the standard input, an object, a frame of a stream, a window of an API.';
comment on column "{schema}"."_units"."unit_key" is 'What identifies the unit. The same key is the same bytes and is not loaded twice, but for windows.';
comment on column "{schema}"."_units"."unit" is 'The unit as people know it: a path, or stdin.';
comment on column "{schema}"."_units"."kind" is 'Kind of the unit: file, object, frame, window, or replay of what waited in quarantine.';
comment on column "{schema}"."_units"."load" is 'The load that brought the unit in; of a window the last one.';
comment on column "{schema}"."_units"."size" is 'Bytes of the unit, before decompression.';
comment on column "{schema}"."_units"."loaded_at" is 'When the unit was loaded; of a window when that was last.';
comment on column "{schema}"."_units"."reads" is 'How often the unit was loaded: once, but for windows, which are read again while events can still come.';

create table if not exists "{schema}"."_claims" (
	"unit_key" text collate "C" constraint "_pk__claims" primary key,
	"worker" uuid not null,
	"until" timestamptz not null
);
comment on table "{schema}"."_claims" is 'Units that loads which share their work have taken and not yet loaded.';
comment on column "{schema}"."_claims"."unit_key" is 'The unit''s key, which will be that in _units.';
comment on column "{schema}"."_claims"."worker" is 'The Load that has taken the unit.';
comment on column "{schema}"."_claims"."until" is 'When anybody may take the unit, unless its Load has shown by then that it is alive.';

create table if not exists "{schema}"."_quarantine" (
	"id" text collate "C" constraint "_pk__quarantine" primary key,
	"reason" text not null,
	"detail" text,
	"raw" bytea,
	"raw_size" bigint,
	"source" text,
	"unit" text,
	"line" bigint,
	"byte_offset" bigint,
	"load" uuid,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"replayed_at" timestamptz,
	"replay_load" uuid,
	"occurrence" bigint,
	"digest" bytea,
	"form" json
);
create index if not exists "_brin__quarantine_uuid_ts" on "{schema}"."_quarantine"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."_quarantine" is 'Records that could not become a row of an event table, as they were sent.';
comment on column "{schema}"."_quarantine"."id" is 'Digest of source, bytes and occurrence: the same record read again is no new row.';
comment on column "{schema}"."_quarantine"."reason" is 'Why, as one word, for example invalid_json.';
comment on column "{schema}"."_quarantine"."detail" is 'Why, in more words.';
comment on column "{schema}"."_quarantine"."raw" is 'The bytes as sent, write keys masked; only the first KiB if the record was too large.';
comment on column "{schema}"."_quarantine"."raw_size" is 'Size of the whole record in bytes.';
comment on column "{schema}"."_quarantine"."source" is 'Nickname of the source.';
comment on column "{schema}"."_quarantine"."unit" is 'The unit the record was read from.';
comment on column "{schema}"."_quarantine"."line" is 'Line in the unit, counted from 1.';
comment on column "{schema}"."_quarantine"."byte_offset" is 'Offset of the record in the unit in bytes, after decompression.';
comment on column "{schema}"."_quarantine"."load" is 'The load that met the record.';
comment on column "{schema}"."_quarantine"."received_at" is 'When the record arrived.';
comment on column "{schema}"."_quarantine"."uuid_ts" is 'When the record was put into quarantine.';
comment on column "{schema}"."_quarantine"."replayed_at" is 'When the record was read again with success; empty if it was not.';
comment on column "{schema}"."_quarantine"."replay_load" is 'The load that brought the record into its table.';
comment on column "{schema}"."_quarantine"."occurrence" is 'Which of its file''s equal records this is; the id of a record without a messageId is made of it.';
comment on column "{schema}"."_quarantine"."digest" is 'SHA-256 of the record as sent, where raw is not that: write keys are masked in it, or it is cut.';
comment on column "{schema}"."_quarantine"."form" is 'How to read raw without its file: kind of record, header of the CSV, event named above it, what its batch says for all.';

create table if not exists "{schema}"."_discards" (
	"table_name" text not null,
	"row_id" text collate "C" not null,
	"column_name" text,
	"raw_value" text,
	"reason" text not null,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"load" uuid,
	"detail" text,
	"path" json,
	"replayed_at" timestamptz,
	"replay_load" uuid
);
create index if not exists "_brin__discards_uuid_ts" on "{schema}"."_discards"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."_discards" is 'Single values that their rows could not keep as sent; the rows are loaded.';
comment on column "{schema}"."_discards"."table_name" is 'Table of the row.';
comment on column "{schema}"."_discards"."row_id" is 'The row''s id.';
comment on column "{schema}"."_discards"."column_name" is 'Column the value was for; there it is null.';
comment on column "{schema}"."_discards"."raw_value" is 'The value as sent: its JSON literal, strings with their quotes.';
comment on column "{schema}"."_discards"."reason" is 'Why, as one word, for example type_mismatch.';
comment on column "{schema}"."_discards"."received_at" is 'The row''s received_at.';
comment on column "{schema}"."_discards"."uuid_ts" is 'The row''s uuid_ts.';
comment on column "{schema}"."_discards"."load" is 'The load that inserted the row.';
comment on column "{schema}"."_discards"."detail" is 'Why, in more words: the database''s message for rejected_by_database.';
comment on column "{schema}"."_discards"."path" is 'Original name of a value without a column: the keys down to it, as sent; those of context begin with context.';
comment on column "{schema}"."_discards"."replayed_at" is 'When the value was put into its row; empty if it was not.';
comment on column "{schema}"."_discards"."replay_load" is 'The load that put the value into its row.';

-- path is json, not jsonb: a key may hold U+0000, which jsonb refuses.
create table if not exists "{schema}"."_columns" (
	"table_name" text collate "C",
	"column_name" text collate "C",
	"path" json,
	"type" text not null,
	"event" text,
	"first_seen" timestamptz not null default now(),
	"is_array" boolean not null default false,
	constraint "_pk__columns" primary key ("table_name", "column_name")
);
comment on table "{schema}"."_columns" is 'The data dictionary: which property each column of the event tables holds.';
comment on column "{schema}"."_columns"."table_name" is 'The table.';
comment on column "{schema}"."_columns"."column_name" is 'The column.';
comment on column "{schema}"."_columns"."path" is 'Original name: the keys from properties, traits or context down to the value, as sent.';
comment on column "{schema}"."_columns"."type" is 'Type of the column.';
comment on column "{schema}"."_columns"."event" is 'The event as sent; empty for tables of other calls.';
comment on column "{schema}"."_columns"."first_seen" is 'When the column was added.';
comment on column "{schema}"."_columns"."is_array" is 'Whether the first value was an array: the column holds arrays as JSON text.';

create table if not exists "{schema}"."_migration_files" (
	"version" bigint constraint "_pk__migration_files" primary key,
	"name" text not null,
	"up" text,
	"down" text,
	"created_at" timestamptz not null default now(),
	"applied_at" timestamptz,
	"applied_by" text
);
comment on table "{schema}"."_migration_files" is 'The numbered migrations of this schema, as they ran.';
comment on column "{schema}"."_migration_files"."version" is 'Number of the migration; they run in this order.';
comment on column "{schema}"."_migration_files"."name" is 'Short description of what the migration does.';
comment on column "{schema}"."_migration_files"."up" is 'SQL that applies it; empty for those that come with the program.';
comment on column "{schema}"."_migration_files"."down" is 'SQL that takes it back; empty for those that come with the program.';
comment on column "{schema}"."_migration_files"."created_at" is 'When the migration was written down.';
comment on column "{schema}"."_migration_files"."applied_at" is 'When it was applied, set in the same transaction; empty if it is not.';
comment on column "{schema}"."_migration_files"."applied_by" is 'Postgres role that applied it.';

-- Default privileges give whoever loads the right to add rows to every new table. What changes the schema is not for a
-- loader to write: a migration that it put here would be run by the schema's owner.
do $$
declare
	r record;
begin
	for r in
		select distinct c.oid, x.grantee
		from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) x
		where c.oid in (pg_catalog.to_regclass('"{schema}"."_migrations"'), pg_catalog.to_regclass('"{schema}"."_migration_files"'),
			pg_catalog.to_regclass('"{schema}"."_columns"'))
			and x.grantee <> c.relowner and x.privilege_type <> 'SELECT'
	loop
		execute pg_catalog.format('revoke insert, update, delete, truncate, references, trigger on %s from %s', r.oid::pg_catalog.regclass,
			case when r.grantee = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.grantee)) end);
	end loop;
	-- But it notes a window of an API as read again, and takes units and gives them back.
	for r in
		select distinct c.oid, c.relname, x.grantee
		from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) x
		where c.oid in (pg_catalog.to_regclass('"{schema}"."_units"'), pg_catalog.to_regclass('"{schema}"."_claims"'))
			and x.grantee not in (0, c.relowner) and x.privilege_type = 'INSERT'
	loop
		execute pg_catalog.format('grant %s on %s to %I', case r.relname when '_units' then 'update' else 'update, delete' end,
			r.oid::pg_catalog.regclass, pg_catalog.pg_get_userbyid(r.grantee));
	end loop;
end $$;

-- Below this line: generated from the event catalogue by "go test ./migrations -run TestBaselineFile -update".
create table if not exists "{schema}"."ab_experiment_disqualified" (
	"id" text collate "C" constraint "_pk_ab_experiment_disqualified" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"experiment_id" text,
	"mutually_exclusive" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"stickiness" text,
	"timestamp" timestamptz,
	"user_id" text,
	"variant" text,
	"variant_id" text,
	"version" text
);
create index if not exists "_brin_ab_experiment_disqualified_received_at" on "{schema}"."ab_experiment_disqualified"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_ab_experiment_disqualified_uuid_ts" on "{schema}"."ab_experiment_disqualified"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."ab_experiment_disqualified" is 'One row when a user stopped to qualify for an app A/B experiment.';
comment on column "{schema}"."ab_experiment_disqualified"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."ab_experiment_disqualified"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."ab_experiment_disqualified"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."ab_experiment_disqualified"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."ab_experiment_disqualified"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."ab_experiment_disqualified"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."ab_experiment_disqualified"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."ab_experiment_disqualified"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."ab_experiment_disqualified"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."ab_experiment_disqualified"."experiment_id" is 'CleverTap''s id of the app A/B experiment; count users per experiment by it.';
comment on column "{schema}"."ab_experiment_disqualified"."mutually_exclusive" is '"true" if users of this experiment are kept out of the others.';
comment on column "{schema}"."ab_experiment_disqualified"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."ab_experiment_disqualified"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."ab_experiment_disqualified"."stickiness" is 'Whether users keep the arm they were given even when they no longer match the audience.';
comment on column "{schema}"."ab_experiment_disqualified"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."ab_experiment_disqualified"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."ab_experiment_disqualified"."variant" is 'Title of the experiment''s arm that the user was given.';
comment on column "{schema}"."ab_experiment_disqualified"."variant_id" is 'CleverTap''s id of the experiment''s arm that the user was given.';
comment on column "{schema}"."ab_experiment_disqualified"."version" is 'Edition of the experiment: it is raised each time somebody edits the experiment.';
create table if not exists "{schema}"."ab_experiment_rolled_out" (
	"id" text collate "C" constraint "_pk_ab_experiment_rolled_out" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"experiment_id" text,
	"mutually_exclusive" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"stickiness" text,
	"timestamp" timestamptz,
	"user_id" text,
	"variant" text,
	"variant_id" text,
	"version" text
);
create index if not exists "_brin_ab_experiment_rolled_out_received_at" on "{schema}"."ab_experiment_rolled_out"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_ab_experiment_rolled_out_uuid_ts" on "{schema}"."ab_experiment_rolled_out"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."ab_experiment_rolled_out" is 'One row when the winning variant of an app A/B experiment was given to a user.';
comment on column "{schema}"."ab_experiment_rolled_out"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."ab_experiment_rolled_out"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."ab_experiment_rolled_out"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."ab_experiment_rolled_out"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."ab_experiment_rolled_out"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."ab_experiment_rolled_out"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."ab_experiment_rolled_out"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."ab_experiment_rolled_out"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."ab_experiment_rolled_out"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."ab_experiment_rolled_out"."experiment_id" is 'CleverTap''s id of the app A/B experiment; count users per experiment by it.';
comment on column "{schema}"."ab_experiment_rolled_out"."mutually_exclusive" is '"true" if users of this experiment are kept out of the others.';
comment on column "{schema}"."ab_experiment_rolled_out"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."ab_experiment_rolled_out"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."ab_experiment_rolled_out"."stickiness" is 'Whether users keep the arm they were given even when they no longer match the audience.';
comment on column "{schema}"."ab_experiment_rolled_out"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."ab_experiment_rolled_out"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."ab_experiment_rolled_out"."variant" is 'Title of the experiment''s arm that the user was given.';
comment on column "{schema}"."ab_experiment_rolled_out"."variant_id" is 'CleverTap''s id of the experiment''s arm that the user was given.';
comment on column "{schema}"."ab_experiment_rolled_out"."version" is 'Edition of the experiment: it is raised each time somebody edits the experiment.';
create table if not exists "{schema}"."ab_experiment_stopped" (
	"id" text collate "C" constraint "_pk_ab_experiment_stopped" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"experiment_id" text,
	"mutually_exclusive" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"stickiness" text,
	"timestamp" timestamptz,
	"user_id" text,
	"variant" text,
	"variant_id" text,
	"version" text
);
create index if not exists "_brin_ab_experiment_stopped_received_at" on "{schema}"."ab_experiment_stopped"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_ab_experiment_stopped_uuid_ts" on "{schema}"."ab_experiment_stopped"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."ab_experiment_stopped" is 'One row when an app A/B experiment ended for a user.';
comment on column "{schema}"."ab_experiment_stopped"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."ab_experiment_stopped"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."ab_experiment_stopped"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."ab_experiment_stopped"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."ab_experiment_stopped"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."ab_experiment_stopped"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."ab_experiment_stopped"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."ab_experiment_stopped"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."ab_experiment_stopped"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."ab_experiment_stopped"."experiment_id" is 'CleverTap''s id of the app A/B experiment; count users per experiment by it.';
comment on column "{schema}"."ab_experiment_stopped"."mutually_exclusive" is '"true" if users of this experiment are kept out of the others.';
comment on column "{schema}"."ab_experiment_stopped"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."ab_experiment_stopped"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."ab_experiment_stopped"."stickiness" is 'Whether users keep the arm they were given even when they no longer match the audience.';
comment on column "{schema}"."ab_experiment_stopped"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."ab_experiment_stopped"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."ab_experiment_stopped"."variant" is 'Title of the experiment''s arm that the user was given.';
comment on column "{schema}"."ab_experiment_stopped"."variant_id" is 'CleverTap''s id of the experiment''s arm that the user was given.';
comment on column "{schema}"."ab_experiment_stopped"."version" is 'Edition of the experiment: it is raised each time somebody edits the experiment.';
create table if not exists "{schema}"."app_installed" (
	"id" text collate "C" constraint "_pk_app_installed" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"ct_app_version" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text
);
create index if not exists "_brin_app_installed_received_at" on "{schema}"."app_installed"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_app_installed_uuid_ts" on "{schema}"."app_installed"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."app_installed" is 'One row for each install that CleverTap saw; reinstalls and cleared app data count again.';
comment on column "{schema}"."app_installed"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."app_installed"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."app_installed"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."app_installed"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."app_installed"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."app_installed"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."app_installed"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."app_installed"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."app_installed"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."app_installed"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."app_installed"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."app_installed"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."app_installed"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."app_installed"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."app_installed"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
create table if not exists "{schema}"."app_launched" (
	"id" text collate "C" constraint "_pk_app_launched" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"ct_app_version" text,
	"ct_bluetooth_enabled" text,
	"ct_bluetooth_version" text,
	"ct_connected_to_wi_fi" text,
	"ct_connected_to_wifi" text,
	"ct_first_time" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_network_carrier" text,
	"ct_network_type" text,
	"ct_os_version" text,
	"ct_sdk_version" text,
	"ct_session_id" bigint,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"keyword" text,
	"model" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text
);
create index if not exists "_brin_app_launched_received_at" on "{schema}"."app_launched"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_app_launched_uuid_ts" on "{schema}"."app_launched"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."app_launched" is 'One row each time a user opens the app or brings it back after its session ended.';
comment on column "{schema}"."app_launched"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."app_launched"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."app_launched"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."app_launched"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."app_launched"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."app_launched"."ct_bluetooth_enabled" is '"true" if Bluetooth was switched on.';
comment on column "{schema}"."app_launched"."ct_bluetooth_version" is 'Bluetooth standard of the device: ble, classic or none.';
comment on column "{schema}"."app_launched"."ct_connected_to_wi_fi" is '"true" if the device was on Wi-Fi, in the key that the SDKs of some platforms send; see ct_connected_to_wifi too.';
comment on column "{schema}"."app_launched"."ct_connected_to_wifi" is '"true" if the device was on Wi-Fi when the event happened.';
comment on column "{schema}"."app_launched"."ct_first_time" is '"true" on the first launch after an install.';
comment on column "{schema}"."app_launched"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."app_launched"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."app_launched"."ct_network_carrier" is 'Mobile network operator that the device was registered with.';
comment on column "{schema}"."app_launched"."ct_network_type" is 'Kind of connection at that moment: 2G, 3G, 4G, 5G, WiFi or Unavailable.';
comment on column "{schema}"."app_launched"."ct_os_version" is 'Version of the device''s operating system, for example 14 or 17.4.';
comment on column "{schema}"."app_launched"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."app_launched"."ct_session_id" is 'The app session: by its values the epoch second in which the session began.';
comment on column "{schema}"."app_launched"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."app_launched"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."app_launched"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."app_launched"."keyword" is 'Search term of the store advertisement that led to the install, where the attribution partner sends it.';
comment on column "{schema}"."app_launched"."model" is 'Hardware model of the device that opened the app, for example SM-A546E.';
comment on column "{schema}"."app_launched"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."app_launched"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."app_launched"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."app_launched"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
create table if not exists "{schema}"."app_uninstalled" (
	"id" text collate "C" constraint "_pk_app_uninstalled" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"clevertap_id" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"source" text,
	"timestamp" timestamptz,
	"token" text,
	"user_id" text
);
create index if not exists "_brin_app_uninstalled_received_at" on "{schema}"."app_uninstalled"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_app_uninstalled_uuid_ts" on "{schema}"."app_uninstalled"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."app_uninstalled" is 'One row when CleverTap learns that an app was removed, by silent push up to a day late or from Firebase at once.';
comment on column "{schema}"."app_uninstalled"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."app_uninstalled"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."app_uninstalled"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."app_uninstalled"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."app_uninstalled"."clevertap_id" is 'CleverTap''s id of the device that lost the app; the same as anonymous_id where the profile has one.';
comment on column "{schema}"."app_uninstalled"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."app_uninstalled"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."app_uninstalled"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."app_uninstalled"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."app_uninstalled"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."app_uninstalled"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."app_uninstalled"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."app_uninstalled"."source" is 'How the removal was noticed, for example REALTIME_FIREBASE or a silent push.';
comment on column "{schema}"."app_uninstalled"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."app_uninstalled"."token" is 'Push token that turned out to be dead, which is how the removal was noticed.';
comment on column "{schema}"."app_uninstalled"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
create table if not exists "{schema}"."app_version_changed" (
	"id" text collate "C" constraint "_pk_app_version_changed" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"ct_app_version" text,
	"ct_app_version_prev" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text
);
create index if not exists "_brin_app_version_changed_received_at" on "{schema}"."app_version_changed"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_app_version_changed_uuid_ts" on "{schema}"."app_version_changed"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."app_version_changed" is 'One row when a device first runs another version of the app.';
comment on column "{schema}"."app_version_changed"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."app_version_changed"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."app_version_changed"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."app_version_changed"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."app_version_changed"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."app_version_changed"."ct_app_version_prev" is 'Version that ran on the device before the update; ct_app_version is the new one.';
comment on column "{schema}"."app_version_changed"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."app_version_changed"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."app_version_changed"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."app_version_changed"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."app_version_changed"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."app_version_changed"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."app_version_changed"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."app_version_changed"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."app_version_changed"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."app_version_changed"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
create table if not exists "{schema}"."channel_unsubscribed" (
	"id" text collate "C" constraint "_pk_channel_unsubscribed" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"clevertap_id" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"group" text,
	"identity" text,
	"journey_id" text,
	"mime_type" text,
	"original_timestamp" timestamptz,
	"reason" text,
	"resubscribed" text,
	"sent_at" timestamptz,
	"subscription_type" text,
	"timestamp" timestamptz,
	"type" text,
	"user_id" text,
	"variant" text,
	"wzrk_c2a" text,
	"wzrk_pivot" text
);
create index if not exists "_brin_channel_unsubscribed_received_at" on "{schema}"."channel_unsubscribed"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_channel_unsubscribed_uuid_ts" on "{schema}"."channel_unsubscribed"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."channel_unsubscribed" is 'One row when an e-mail address or phone number stops (or resumes) taking messages.';
comment on column "{schema}"."channel_unsubscribed"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."channel_unsubscribed"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."channel_unsubscribed"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."channel_unsubscribed"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."channel_unsubscribed"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."channel_unsubscribed"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."channel_unsubscribed"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."channel_unsubscribed"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."channel_unsubscribed"."clevertap_id" is 'CleverTap''s id of the device or profile that the address belongs to.';
comment on column "{schema}"."channel_unsubscribed"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."channel_unsubscribed"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."channel_unsubscribed"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."channel_unsubscribed"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."channel_unsubscribed"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."channel_unsubscribed"."group" is 'Subscription group, such as a newsletter, that the user left; empty for the whole channel.';
comment on column "{schema}"."channel_unsubscribed"."identity" is 'E-mail address or phone number that was unsubscribed.';
comment on column "{schema}"."channel_unsubscribed"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."channel_unsubscribed"."mime_type" is 'Form of the e-mail that was opened: text/html, or AMP for an interactive one.';
comment on column "{schema}"."channel_unsubscribed"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."channel_unsubscribed"."reason" is 'Text that the provider or the user gave as the cause.';
comment on column "{schema}"."channel_unsubscribed"."resubscribed" is '"true" if the user came back to the channel, "false" if they left it.';
comment on column "{schema}"."channel_unsubscribed"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."channel_unsubscribed"."subscription_type" is 'How far it reaches: Account Level (the address) or Profile Level (this user).';
comment on column "{schema}"."channel_unsubscribed"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."channel_unsubscribed"."type" is 'Why messages stop: unsubscribe, bounced, dropped or spam.';
comment on column "{schema}"."channel_unsubscribed"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."channel_unsubscribed"."variant" is 'Title of the campaign''s A/B variant, the newer twin of wzrk_pivot.';
comment on column "{schema}"."channel_unsubscribed"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."channel_unsubscribed"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
create table if not exists "{schema}"."control_group" (
	"id" text collate "C" constraint "_pk_control_group" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"control_group_name" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"journey_id" text,
	"journey_name" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text,
	"wzrk_c2a" text,
	"wzrk_id" text,
	"wzrk_pivot" text
);
create index if not exists "_brin_control_group_received_at" on "{schema}"."control_group"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_control_group_uuid_ts" on "{schema}"."control_group"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."control_group" is 'One row when a user was held back from a message because of a control group.';
comment on column "{schema}"."control_group"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."control_group"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."control_group"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."control_group"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."control_group"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."control_group"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."control_group"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."control_group"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."control_group"."control_group_name" is 'Title of a custom control group; empty for the control group of a campaign or journey.';
comment on column "{schema}"."control_group"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."control_group"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."control_group"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."control_group"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."control_group"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."control_group"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."control_group"."journey_name" is 'Title of the journey whose control group the user is in.';
comment on column "{schema}"."control_group"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."control_group"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."control_group"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."control_group"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."control_group"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."control_group"."wzrk_id" is 'Campaign and run of the message, written like campaign_id; prefer campaign_id where both are there.';
comment on column "{schema}"."control_group"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
create table if not exists "{schema}"."geocluster_entered" (
	"id" text collate "C" constraint "_pk_geocluster_entered" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"application_version" text,
	"cluster_id" text,
	"cluster_name" text,
	"ct_app_version" text,
	"ct_connected_to_wifi" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_network_carrier" text,
	"ct_network_type" text,
	"ct_os_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"geofence_id" text,
	"latitude" double precision,
	"longitude" double precision,
	"network_carrier" text,
	"original_timestamp" timestamptz,
	"os_version" text,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text
);
create index if not exists "_brin_geocluster_entered_received_at" on "{schema}"."geocluster_entered"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_geocluster_entered_uuid_ts" on "{schema}"."geocluster_entered"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."geocluster_entered" is 'One row when a device came into a geofence of a cluster.';
comment on column "{schema}"."geocluster_entered"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."geocluster_entered"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."geocluster_entered"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."geocluster_entered"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."geocluster_entered"."application_version" is 'Version of the app, under the key of the geofence SDK.';
comment on column "{schema}"."geocluster_entered"."cluster_id" is 'CleverTap''s id of the group of geofences.';
comment on column "{schema}"."geocluster_entered"."cluster_name" is 'Title of the group of geofences, for example all shops of a city.';
comment on column "{schema}"."geocluster_entered"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."geocluster_entered"."ct_connected_to_wifi" is '"true" if the device was on Wi-Fi when the event happened.';
comment on column "{schema}"."geocluster_entered"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."geocluster_entered"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."geocluster_entered"."ct_network_carrier" is 'Mobile network operator that the device was registered with.';
comment on column "{schema}"."geocluster_entered"."ct_network_type" is 'Kind of connection at that moment: 2G, 3G, 4G, 5G, WiFi or Unavailable.';
comment on column "{schema}"."geocluster_entered"."ct_os_version" is 'Version of the device''s operating system, for example 14 or 17.4.';
comment on column "{schema}"."geocluster_entered"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."geocluster_entered"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."geocluster_entered"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."geocluster_entered"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."geocluster_entered"."geofence_id" is 'The single circle on the map whose border was crossed.';
comment on column "{schema}"."geocluster_entered"."latitude" is 'Latitude in degrees at which the border of the geofence was crossed.';
comment on column "{schema}"."geocluster_entered"."longitude" is 'Longitude in degrees at which the border of the geofence was crossed.';
comment on column "{schema}"."geocluster_entered"."network_carrier" is 'Mobile network operator, under the key of the geofence SDK.';
comment on column "{schema}"."geocluster_entered"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."geocluster_entered"."os_version" is 'Version of the operating system, under the key of the geofence SDK.';
comment on column "{schema}"."geocluster_entered"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."geocluster_entered"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."geocluster_entered"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
create table if not exists "{schema}"."geocluster_exited" (
	"id" text collate "C" constraint "_pk_geocluster_exited" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"application_version" text,
	"cluster_id" text,
	"cluster_name" text,
	"ct_app_version" text,
	"ct_connected_to_wifi" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"geofence_id" text,
	"latitude" double precision,
	"longitude" double precision,
	"network_carrier" text,
	"original_timestamp" timestamptz,
	"os_version" text,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text
);
create index if not exists "_brin_geocluster_exited_received_at" on "{schema}"."geocluster_exited"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_geocluster_exited_uuid_ts" on "{schema}"."geocluster_exited"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."geocluster_exited" is 'One row when a device left a geofence of a cluster.';
comment on column "{schema}"."geocluster_exited"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."geocluster_exited"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."geocluster_exited"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."geocluster_exited"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."geocluster_exited"."application_version" is 'Version of the app, under the key of the geofence SDK.';
comment on column "{schema}"."geocluster_exited"."cluster_id" is 'CleverTap''s id of the group of geofences.';
comment on column "{schema}"."geocluster_exited"."cluster_name" is 'Title of the group of geofences, for example all shops of a city.';
comment on column "{schema}"."geocluster_exited"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."geocluster_exited"."ct_connected_to_wifi" is '"true" if the device was on Wi-Fi when the event happened.';
comment on column "{schema}"."geocluster_exited"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."geocluster_exited"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."geocluster_exited"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."geocluster_exited"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."geocluster_exited"."geofence_id" is 'The single circle on the map whose border was crossed.';
comment on column "{schema}"."geocluster_exited"."latitude" is 'Latitude in degrees at which the border of the geofence was crossed.';
comment on column "{schema}"."geocluster_exited"."longitude" is 'Longitude in degrees at which the border of the geofence was crossed.';
comment on column "{schema}"."geocluster_exited"."network_carrier" is 'Mobile network operator, under the key of the geofence SDK.';
comment on column "{schema}"."geocluster_exited"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."geocluster_exited"."os_version" is 'Version of the operating system, under the key of the geofence SDK.';
comment on column "{schema}"."geocluster_exited"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."geocluster_exited"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."geocluster_exited"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
create table if not exists "{schema}"."notification_clicked" (
	"id" text collate "C" constraint "_pk_notification_clicked" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"browser" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"client_name" text,
	"ct_app_version" text,
	"ct_bluetooth_enabled" text,
	"ct_bluetooth_version" text,
	"ct_connected_to_wifi" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_network_carrier" text,
	"ct_network_type" text,
	"ct_os_version" text,
	"ct_sdk_version" text,
	"ct_session_id" bigint,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"install" text,
	"journey_id" text,
	"mime_type" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"skip_tcm" text,
	"timestamp" timestamptz,
	"user_agent" text,
	"user_id" text,
	"variant" text,
	"wzrk_acct_id" text,
	"wzrk_acts" text,
	"wzrk_animated" text,
	"wzrk_bc" text,
	"wzrk_bi" text,
	"wzrk_bp" text,
	"wzrk_bpds" text,
	"wzrk_c2a" text,
	"wzrk_c2a_short_url" text,
	"wzrk_cid" text,
	"wzrk_ck" text,
	"wzrk_click_c2a" text,
	"wzrk_click_inner_text" text,
	"wzrk_collapsible" text,
	"wzrk_cts" text,
	"wzrk_dl" text,
	"wzrk_dt" text,
	"wzrk_id" text,
	"wzrk_interruption_level" text,
	"wzrk_mutable_content" text,
	"wzrk_nms" text,
	"wzrk_pid" text,
	"wzrk_pivot" text,
	"wzrk_pn" text,
	"wzrk_push_amp" text,
	"wzrk_relevance_score" text,
	"wzrk_rnv" text,
	"wzrk_slide_no" text,
	"wzrk_sound" text,
	"wzrk_st" text,
	"wzrk_ttl" bigint,
	"wzrk_ttl_s" text
);
create index if not exists "_brin_notification_clicked_received_at" on "{schema}"."notification_clicked"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_notification_clicked_uuid_ts" on "{schema}"."notification_clicked"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."notification_clicked" is 'One row when a user clicked a message or one of its buttons.';
comment on column "{schema}"."notification_clicked"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."notification_clicked"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."notification_clicked"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."notification_clicked"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."notification_clicked"."browser" is 'Web browser in which it happened, for example Chrome; empty in apps.';
comment on column "{schema}"."notification_clicked"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."notification_clicked"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."notification_clicked"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."notification_clicked"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."notification_clicked"."client_name" is 'Mail program that opened the message, for example Gmail or Apple Mail.';
comment on column "{schema}"."notification_clicked"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."notification_clicked"."ct_bluetooth_enabled" is '"true" if Bluetooth was switched on.';
comment on column "{schema}"."notification_clicked"."ct_bluetooth_version" is 'Bluetooth standard of the device: ble, classic or none.';
comment on column "{schema}"."notification_clicked"."ct_connected_to_wifi" is '"true" if the device was on Wi-Fi when the event happened.';
comment on column "{schema}"."notification_clicked"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."notification_clicked"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."notification_clicked"."ct_network_carrier" is 'Mobile network operator that the device was registered with.';
comment on column "{schema}"."notification_clicked"."ct_network_type" is 'Kind of connection at that moment: 2G, 3G, 4G, 5G, WiFi or Unavailable.';
comment on column "{schema}"."notification_clicked"."ct_os_version" is 'Version of the device''s operating system, for example 14 or 17.4.';
comment on column "{schema}"."notification_clicked"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."notification_clicked"."ct_session_id" is 'The app session: by its values the epoch second in which the session began.';
comment on column "{schema}"."notification_clicked"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."notification_clicked"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."notification_clicked"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."notification_clicked"."install" is '"y" if the visit or click led to an install of the app.';
comment on column "{schema}"."notification_clicked"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."notification_clicked"."mime_type" is 'Form of the e-mail that was opened: text/html, or AMP for an interactive one.';
comment on column "{schema}"."notification_clicked"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."notification_clicked"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."notification_clicked"."skip_tcm" is '"true" if the message was an automatic answer or an agent''s chat, which message limits do not count.';
comment on column "{schema}"."notification_clicked"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."notification_clicked"."user_agent" is 'Full user agent string of the browser or mail program.';
comment on column "{schema}"."notification_clicked"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."notification_clicked"."variant" is 'Title of the campaign''s A/B variant, the newer twin of wzrk_pivot.';
comment on column "{schema}"."notification_clicked"."wzrk_acct_id" is 'CleverTap account that sent the message.';
comment on column "{schema}"."notification_clicked"."wzrk_acts" is 'The message''s action buttons as JSON text.';
comment on column "{schema}"."notification_clicked"."wzrk_animated" is '"true" if the message came in with an animation.';
comment on column "{schema}"."notification_clicked"."wzrk_bc" is 'Number that the message set on the app''s badge.';
comment on column "{schema}"."notification_clicked"."wzrk_bi" is 'Which icon the badge shows on Android: 0 none, 1 small, 2 large.';
comment on column "{schema}"."notification_clicked"."wzrk_bp" is 'Address of the big picture in the message.';
comment on column "{schema}"."notification_clicked"."wzrk_bpds" is 'How the download of the big picture went, for example SUCCESS, NO_IMAGE or NO_NETWORK.';
comment on column "{schema}"."notification_clicked"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."notification_clicked"."wzrk_c2a_short_url" is 'Shortened link that the user followed from the message.';
comment on column "{schema}"."notification_clicked"."wzrk_cid" is 'Android notification channel that the message was shown in.';
comment on column "{schema}"."notification_clicked"."wzrk_ck" is 'Collapse key: a newer message with the same key replaces this one on the device.';
comment on column "{schema}"."notification_clicked"."wzrk_click_c2a" is 'Name of the web page element that was clicked, where it is not a plain button.';
comment on column "{schema}"."notification_clicked"."wzrk_click_inner_text" is 'Text of the web page element that was clicked.';
comment on column "{schema}"."notification_clicked"."wzrk_collapsible" is '"true" if a newer message may replace this one.';
comment on column "{schema}"."notification_clicked"."wzrk_cts" is 'When the user clicked, in epoch seconds of the device''s clock.';
comment on column "{schema}"."notification_clicked"."wzrk_dl" is 'Deep link that the message opens.';
comment on column "{schema}"."notification_clicked"."wzrk_dt" is 'Service that delivered the message, for example FIREBASE.';
comment on column "{schema}"."notification_clicked"."wzrk_id" is 'Campaign and run of the message, written like campaign_id; prefer campaign_id where both are there.';
comment on column "{schema}"."notification_clicked"."wzrk_interruption_level" is 'How much iOS lets the message disturb: passive, active, time-sensitive or critical.';
comment on column "{schema}"."notification_clicked"."wzrk_mutable_content" is '"true" if the iOS app may change the message before it is shown, as rich media need it.';
comment on column "{schema}"."notification_clicked"."wzrk_nms" is 'Summary line of the opened message on Android.';
comment on column "{schema}"."notification_clicked"."wzrk_pid" is 'Id of the single push message; devices use it to show no message twice.';
comment on column "{schema}"."notification_clicked"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
comment on column "{schema}"."notification_clicked"."wzrk_pn" is '"true" marks a push message as one of CleverTap''s.';
comment on column "{schema}"."notification_clicked"."wzrk_push_amp" is '"true" if the message came by push amplification, fetched by the app because the push service failed.';
comment on column "{schema}"."notification_clicked"."wzrk_relevance_score" is 'Rank from 0 to 1 by which iOS sorts the message in its summary.';
comment on column "{schema}"."notification_clicked"."wzrk_rnv" is '"true" if the device was asked to report that it showed the message (a push impression).';
comment on column "{schema}"."notification_clicked"."wzrk_slide_no" is 'Which slide of a carousel was clicked, counted by the template.';
comment on column "{schema}"."notification_clicked"."wzrk_sound" is 'Sound file that the message played, or "true" for the default one.';
comment on column "{schema}"."notification_clicked"."wzrk_st" is 'Subtitle below the message''s title.';
comment on column "{schema}"."notification_clicked"."wzrk_ttl" is 'When the message expires, in epoch seconds.';
comment on column "{schema}"."notification_clicked"."wzrk_ttl_s" is 'How long the message stays valid, in seconds from sending.';
create table if not exists "{schema}"."notification_replied" (
	"id" text collate "C" constraint "_pk_notification_replied" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"destination_waba_number" text,
	"event" text,
	"event_text" text,
	"incoming_media_url" text,
	"incoming_message_type" text,
	"incoming_text" text,
	"journey_id" text,
	"lat" double precision,
	"long" double precision,
	"message_id" text,
	"original_timestamp" timestamptz,
	"qr_paylolad" text,
	"sent_at" timestamptz,
	"source_waba_number" text,
	"timestamp" timestamptz,
	"user_id" text,
	"variant" text,
	"wzrk_c2a" text,
	"wzrk_id" text,
	"wzrk_pivot" text
);
create index if not exists "_brin_notification_replied_received_at" on "{schema}"."notification_replied"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_notification_replied_uuid_ts" on "{schema}"."notification_replied"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."notification_replied" is 'One row when a user answers a WhatsApp message.';
comment on column "{schema}"."notification_replied"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."notification_replied"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."notification_replied"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."notification_replied"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."notification_replied"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."notification_replied"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."notification_replied"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."notification_replied"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."notification_replied"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."notification_replied"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."notification_replied"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."notification_replied"."destination_waba_number" is 'WhatsApp business number that received the answer, as digits.';
comment on column "{schema}"."notification_replied"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."notification_replied"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."notification_replied"."incoming_media_url" is 'Address of the picture, sound or document that the user sent.';
comment on column "{schema}"."notification_replied"."incoming_message_type" is 'Kind of answer: text, image, button, location and so on.';
comment on column "{schema}"."notification_replied"."incoming_text" is 'What the user wrote.';
comment on column "{schema}"."notification_replied"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."notification_replied"."lat" is 'Latitude in degrees of a location that the user shared as the answer.';
comment on column "{schema}"."notification_replied"."long" is 'Longitude in degrees of a location that the user shared as the answer.';
comment on column "{schema}"."notification_replied"."message_id" is 'The messaging provider''s id of the user''s answer.';
comment on column "{schema}"."notification_replied"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."notification_replied"."qr_paylolad" is 'Hidden value of the quick-reply button that was pressed (CleverTap''s own spelling).';
comment on column "{schema}"."notification_replied"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."notification_replied"."source_waba_number" is 'Phone number the answer came from, as digits with the country code.';
comment on column "{schema}"."notification_replied"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."notification_replied"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."notification_replied"."variant" is 'Title of the campaign''s A/B variant, the newer twin of wzrk_pivot.';
comment on column "{schema}"."notification_replied"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."notification_replied"."wzrk_id" is 'Campaign and run of the message, written like campaign_id; prefer campaign_id where both are there.';
comment on column "{schema}"."notification_replied"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
create table if not exists "{schema}"."notification_sent" (
	"id" text collate "C" constraint "_pk_notification_sent" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"journey_id" text,
	"labels" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text,
	"variant" text,
	"wzrk_c2a" text,
	"wzrk_pivot" text
);
create index if not exists "_brin_notification_sent_received_at" on "{schema}"."notification_sent"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_notification_sent_uuid_ts" on "{schema}"."notification_sent"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."notification_sent" is 'One row for each message that a campaign or journey sent to a user, on any channel.';
comment on column "{schema}"."notification_sent"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."notification_sent"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."notification_sent"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."notification_sent"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."notification_sent"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."notification_sent"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."notification_sent"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."notification_sent"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."notification_sent"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."notification_sent"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."notification_sent"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."notification_sent"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."notification_sent"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."notification_sent"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."notification_sent"."labels" is 'Campaign labels under the older key; see campaign_labels too.';
comment on column "{schema}"."notification_sent"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."notification_sent"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."notification_sent"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."notification_sent"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."notification_sent"."variant" is 'Title of the campaign''s A/B variant, the newer twin of wzrk_pivot.';
comment on column "{schema}"."notification_sent"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."notification_sent"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
create table if not exists "{schema}"."notification_viewed" (
	"id" text collate "C" constraint "_pk_notification_viewed" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"browser" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"client_name" text,
	"ct_app_version" text,
	"ct_bluetooth_enabled" text,
	"ct_bluetooth_version" text,
	"ct_connected_to_wifi" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_network_carrier" text,
	"ct_network_type" text,
	"ct_os_version" text,
	"ct_sdk_version" text,
	"ct_session_id" bigint,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"journey_id" text,
	"mime_type" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"skip_tcm" text,
	"timestamp" timestamptz,
	"user_agent" text,
	"user_id" text,
	"variant" text,
	"wzrk_acct_id" text,
	"wzrk_acts" text,
	"wzrk_animated" text,
	"wzrk_bc" text,
	"wzrk_bi" text,
	"wzrk_bp" text,
	"wzrk_c2a" text,
	"wzrk_cid" text,
	"wzrk_cts" text,
	"wzrk_dl" text,
	"wzrk_id" text,
	"wzrk_pid" text,
	"wzrk_pivot" text,
	"wzrk_pn" text,
	"wzrk_rnv" text,
	"wzrk_sound" text,
	"wzrk_ttl" bigint
);
create index if not exists "_brin_notification_viewed_received_at" on "{schema}"."notification_viewed"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_notification_viewed_uuid_ts" on "{schema}"."notification_viewed"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."notification_viewed" is 'One row when a user saw a message: an in-app, inbox, web or e-mail view, or an opened push.';
comment on column "{schema}"."notification_viewed"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."notification_viewed"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."notification_viewed"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."notification_viewed"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."notification_viewed"."browser" is 'Web browser in which it happened, for example Chrome; empty in apps.';
comment on column "{schema}"."notification_viewed"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."notification_viewed"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."notification_viewed"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."notification_viewed"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."notification_viewed"."client_name" is 'Mail program that opened the message, for example Gmail or Apple Mail.';
comment on column "{schema}"."notification_viewed"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."notification_viewed"."ct_bluetooth_enabled" is '"true" if Bluetooth was switched on.';
comment on column "{schema}"."notification_viewed"."ct_bluetooth_version" is 'Bluetooth standard of the device: ble, classic or none.';
comment on column "{schema}"."notification_viewed"."ct_connected_to_wifi" is '"true" if the device was on Wi-Fi when the event happened.';
comment on column "{schema}"."notification_viewed"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."notification_viewed"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."notification_viewed"."ct_network_carrier" is 'Mobile network operator that the device was registered with.';
comment on column "{schema}"."notification_viewed"."ct_network_type" is 'Kind of connection at that moment: 2G, 3G, 4G, 5G, WiFi or Unavailable.';
comment on column "{schema}"."notification_viewed"."ct_os_version" is 'Version of the device''s operating system, for example 14 or 17.4.';
comment on column "{schema}"."notification_viewed"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."notification_viewed"."ct_session_id" is 'The app session: by its values the epoch second in which the session began.';
comment on column "{schema}"."notification_viewed"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."notification_viewed"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."notification_viewed"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."notification_viewed"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."notification_viewed"."mime_type" is 'Form of the e-mail that was opened: text/html, or AMP for an interactive one.';
comment on column "{schema}"."notification_viewed"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."notification_viewed"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."notification_viewed"."skip_tcm" is '"true" if the message was an automatic answer or an agent''s chat, which message limits do not count.';
comment on column "{schema}"."notification_viewed"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."notification_viewed"."user_agent" is 'Full user agent string of the browser or mail program.';
comment on column "{schema}"."notification_viewed"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."notification_viewed"."variant" is 'Title of the campaign''s A/B variant, the newer twin of wzrk_pivot.';
comment on column "{schema}"."notification_viewed"."wzrk_acct_id" is 'CleverTap account that sent the message.';
comment on column "{schema}"."notification_viewed"."wzrk_acts" is 'The message''s action buttons as JSON text.';
comment on column "{schema}"."notification_viewed"."wzrk_animated" is '"true" if the message came in with an animation.';
comment on column "{schema}"."notification_viewed"."wzrk_bc" is 'Number that the message set on the app''s badge.';
comment on column "{schema}"."notification_viewed"."wzrk_bi" is 'Which icon the badge shows on Android: 0 none, 1 small, 2 large.';
comment on column "{schema}"."notification_viewed"."wzrk_bp" is 'Address of the big picture in the message.';
comment on column "{schema}"."notification_viewed"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."notification_viewed"."wzrk_cid" is 'Android notification channel that the message was shown in.';
comment on column "{schema}"."notification_viewed"."wzrk_cts" is 'When the user clicked, in epoch seconds of the device''s clock.';
comment on column "{schema}"."notification_viewed"."wzrk_dl" is 'Deep link that the message opens.';
comment on column "{schema}"."notification_viewed"."wzrk_id" is 'Campaign and run of the message, written like campaign_id; prefer campaign_id where both are there.';
comment on column "{schema}"."notification_viewed"."wzrk_pid" is 'Id of the single push message; devices use it to show no message twice.';
comment on column "{schema}"."notification_viewed"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
comment on column "{schema}"."notification_viewed"."wzrk_pn" is '"true" marks a push message as one of CleverTap''s.';
comment on column "{schema}"."notification_viewed"."wzrk_rnv" is '"true" if the device was asked to report that it showed the message (a push impression).';
comment on column "{schema}"."notification_viewed"."wzrk_sound" is 'Sound file that the message played, or "true" for the default one.';
comment on column "{schema}"."notification_viewed"."wzrk_ttl" is 'When the message expires, in epoch seconds.';
create table if not exists "{schema}"."push_impressions" (
	"id" text collate "C" constraint "_pk_push_impressions" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"ct_app_version" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_network_carrier" text,
	"ct_os_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"journey_id" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text,
	"variant" text,
	"wzrk_acct_id" text,
	"wzrk_acts" text,
	"wzrk_animated" text,
	"wzrk_bc" text,
	"wzrk_bi" text,
	"wzrk_bp" text,
	"wzrk_bpds" text,
	"wzrk_c2a" text,
	"wzrk_c2a_short_url" text,
	"wzrk_cid" text,
	"wzrk_ck" text,
	"wzrk_click_c2a" text,
	"wzrk_click_inner_text" text,
	"wzrk_collapsible" text,
	"wzrk_cts" text,
	"wzrk_dl" text,
	"wzrk_dt" text,
	"wzrk_id" text,
	"wzrk_interruption_level" text,
	"wzrk_mutable_content" text,
	"wzrk_nms" text,
	"wzrk_pid" text,
	"wzrk_pivot" text,
	"wzrk_pn" text,
	"wzrk_push_amp" text,
	"wzrk_relevance_score" text,
	"wzrk_rnv" text,
	"wzrk_slide_no" text,
	"wzrk_sound" text,
	"wzrk_st" text,
	"wzrk_ttl" bigint,
	"wzrk_ttl_s" text
);
create index if not exists "_brin_push_impressions_received_at" on "{schema}"."push_impressions"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_push_impressions_uuid_ts" on "{schema}"."push_impressions"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."push_impressions" is 'One row when a device reports that it showed a push message, opened or not.';
comment on column "{schema}"."push_impressions"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."push_impressions"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."push_impressions"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."push_impressions"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."push_impressions"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."push_impressions"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."push_impressions"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."push_impressions"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."push_impressions"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."push_impressions"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."push_impressions"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."push_impressions"."ct_network_carrier" is 'Mobile network operator that the device was registered with.';
comment on column "{schema}"."push_impressions"."ct_os_version" is 'Version of the device''s operating system, for example 14 or 17.4.';
comment on column "{schema}"."push_impressions"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."push_impressions"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."push_impressions"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."push_impressions"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."push_impressions"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."push_impressions"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."push_impressions"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."push_impressions"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."push_impressions"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."push_impressions"."variant" is 'Title of the campaign''s A/B variant, the newer twin of wzrk_pivot.';
comment on column "{schema}"."push_impressions"."wzrk_acct_id" is 'CleverTap account that sent the message.';
comment on column "{schema}"."push_impressions"."wzrk_acts" is 'The message''s action buttons as JSON text.';
comment on column "{schema}"."push_impressions"."wzrk_animated" is '"true" if the message came in with an animation.';
comment on column "{schema}"."push_impressions"."wzrk_bc" is 'Number that the message set on the app''s badge.';
comment on column "{schema}"."push_impressions"."wzrk_bi" is 'Which icon the badge shows on Android: 0 none, 1 small, 2 large.';
comment on column "{schema}"."push_impressions"."wzrk_bp" is 'Address of the big picture in the message.';
comment on column "{schema}"."push_impressions"."wzrk_bpds" is 'How the download of the big picture went, for example SUCCESS, NO_IMAGE or NO_NETWORK.';
comment on column "{schema}"."push_impressions"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."push_impressions"."wzrk_c2a_short_url" is 'Shortened link that the user followed from the message.';
comment on column "{schema}"."push_impressions"."wzrk_cid" is 'Android notification channel that the message was shown in.';
comment on column "{schema}"."push_impressions"."wzrk_ck" is 'Collapse key: a newer message with the same key replaces this one on the device.';
comment on column "{schema}"."push_impressions"."wzrk_click_c2a" is 'Name of the web page element that was clicked, where it is not a plain button.';
comment on column "{schema}"."push_impressions"."wzrk_click_inner_text" is 'Text of the web page element that was clicked.';
comment on column "{schema}"."push_impressions"."wzrk_collapsible" is '"true" if a newer message may replace this one.';
comment on column "{schema}"."push_impressions"."wzrk_cts" is 'When the user clicked, in epoch seconds of the device''s clock.';
comment on column "{schema}"."push_impressions"."wzrk_dl" is 'Deep link that the message opens.';
comment on column "{schema}"."push_impressions"."wzrk_dt" is 'Service that delivered the message, for example FIREBASE.';
comment on column "{schema}"."push_impressions"."wzrk_id" is 'Campaign and run of the message, written like campaign_id; prefer campaign_id where both are there.';
comment on column "{schema}"."push_impressions"."wzrk_interruption_level" is 'How much iOS lets the message disturb: passive, active, time-sensitive or critical.';
comment on column "{schema}"."push_impressions"."wzrk_mutable_content" is '"true" if the iOS app may change the message before it is shown, as rich media need it.';
comment on column "{schema}"."push_impressions"."wzrk_nms" is 'Summary line of the opened message on Android.';
comment on column "{schema}"."push_impressions"."wzrk_pid" is 'Id of the single push message; devices use it to show no message twice.';
comment on column "{schema}"."push_impressions"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
comment on column "{schema}"."push_impressions"."wzrk_pn" is '"true" marks a push message as one of CleverTap''s.';
comment on column "{schema}"."push_impressions"."wzrk_push_amp" is '"true" if the message came by push amplification, fetched by the app because the push service failed.';
comment on column "{schema}"."push_impressions"."wzrk_relevance_score" is 'Rank from 0 to 1 by which iOS sorts the message in its summary.';
comment on column "{schema}"."push_impressions"."wzrk_rnv" is '"true" if the device was asked to report that it showed the message (a push impression).';
comment on column "{schema}"."push_impressions"."wzrk_slide_no" is 'Which slide of a carousel was clicked, counted by the template.';
comment on column "{schema}"."push_impressions"."wzrk_sound" is 'Sound file that the message played, or "true" for the default one.';
comment on column "{schema}"."push_impressions"."wzrk_st" is 'Subtitle below the message''s title.';
comment on column "{schema}"."push_impressions"."wzrk_ttl" is 'When the message expires, in epoch seconds.';
comment on column "{schema}"."push_impressions"."wzrk_ttl_s" is 'How long the message stays valid, in seconds from sending.';
create table if not exists "{schema}"."reply_sent" (
	"id" text collate "C" constraint "_pk_reply_sent" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"anonymous_id" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"ct_app_version" text,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"journey_id" text,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"timestamp" timestamptz,
	"user_id" text,
	"wzrk_c2a" text,
	"wzrk_pivot" text
);
create index if not exists "_brin_reply_sent_received_at" on "{schema}"."reply_sent"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_reply_sent_uuid_ts" on "{schema}"."reply_sent"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."reply_sent" is 'One row for each automatic or agent''s answer that was sent back to a user.';
comment on column "{schema}"."reply_sent"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."reply_sent"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."reply_sent"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."reply_sent"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."reply_sent"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."reply_sent"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."reply_sent"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."reply_sent"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."reply_sent"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."reply_sent"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."reply_sent"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."reply_sent"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."reply_sent"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."reply_sent"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."reply_sent"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."reply_sent"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."reply_sent"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."reply_sent"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."reply_sent"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."reply_sent"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
create table if not exists "{schema}"."utm_visited" (
	"id" text collate "C" constraint "_pk_utm_visited" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"action" text,
	"anonymous_id" text,
	"browser" text,
	"button_id" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"ct_app_version" text,
	"ct_bluetooth_enabled" text,
	"ct_bluetooth_version" text,
	"ct_connected_to_wi_fi" text,
	"ct_connected_to_wifi" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_network_carrier" text,
	"ct_network_type" text,
	"ct_os_version" text,
	"ct_sdk_version" text,
	"ct_session_id" bigint,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"install" text,
	"install_time" text,
	"journey_id" text,
	"original_timestamp" timestamptz,
	"provider" text,
	"sent_at" timestamptz,
	"session_referrer" text,
	"session_source" text,
	"timestamp" timestamptz,
	"user_id" text,
	"utm_campaign" text,
	"utm_medium" text,
	"utm_source" text,
	"variant" text,
	"wzrk_acct_id" text,
	"wzrk_acts" text,
	"wzrk_animated" text,
	"wzrk_bc" text,
	"wzrk_bi" text,
	"wzrk_bp" text,
	"wzrk_bpds" text,
	"wzrk_c2a" text,
	"wzrk_c2a_short_url" text,
	"wzrk_cid" text,
	"wzrk_ck" text,
	"wzrk_click_c2a" text,
	"wzrk_click_inner_text" text,
	"wzrk_collapsible" text,
	"wzrk_cts" text,
	"wzrk_dl" text,
	"wzrk_dt" text,
	"wzrk_id" text,
	"wzrk_interruption_level" text,
	"wzrk_mutable_content" text,
	"wzrk_nms" text,
	"wzrk_pid" text,
	"wzrk_pivot" text,
	"wzrk_pn" text,
	"wzrk_push_amp" text,
	"wzrk_relevance_score" text,
	"wzrk_rnv" text,
	"wzrk_slide_no" text,
	"wzrk_sound" text,
	"wzrk_st" text,
	"wzrk_ttl" bigint,
	"wzrk_ttl_s" text
);
create index if not exists "_brin_utm_visited_received_at" on "{schema}"."utm_visited"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_utm_visited_uuid_ts" on "{schema}"."utm_visited"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."utm_visited" is 'One row when a session began from a link with UTM parameters or from an attributed install.';
comment on column "{schema}"."utm_visited"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."utm_visited"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."utm_visited"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."utm_visited"."action" is 'What the visitor did to arrive, for example a click on a button of a message.';
comment on column "{schema}"."utm_visited"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."utm_visited"."browser" is 'Web browser in which it happened, for example Chrome; empty in apps.';
comment on column "{schema}"."utm_visited"."button_id" is 'Which button of the message was clicked.';
comment on column "{schema}"."utm_visited"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."utm_visited"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."utm_visited"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."utm_visited"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."utm_visited"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."utm_visited"."ct_bluetooth_enabled" is '"true" if Bluetooth was switched on.';
comment on column "{schema}"."utm_visited"."ct_bluetooth_version" is 'Bluetooth standard of the device: ble, classic or none.';
comment on column "{schema}"."utm_visited"."ct_connected_to_wi_fi" is '"true" if the visiting device was on Wi-Fi, under the key in title case; see ct_connected_to_wifi too.';
comment on column "{schema}"."utm_visited"."ct_connected_to_wifi" is '"true" if the device was on Wi-Fi when the event happened.';
comment on column "{schema}"."utm_visited"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."utm_visited"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."utm_visited"."ct_network_carrier" is 'Mobile network operator that the device was registered with.';
comment on column "{schema}"."utm_visited"."ct_network_type" is 'Kind of connection at that moment: 2G, 3G, 4G, 5G, WiFi or Unavailable.';
comment on column "{schema}"."utm_visited"."ct_os_version" is 'Version of the device''s operating system, for example 14 or 17.4.';
comment on column "{schema}"."utm_visited"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."utm_visited"."ct_session_id" is 'The app session: by its values the epoch second in which the session began.';
comment on column "{schema}"."utm_visited"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."utm_visited"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."utm_visited"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."utm_visited"."install" is '"y" if the visit or click led to an install of the app.';
comment on column "{schema}"."utm_visited"."install_time" is 'When the app was installed by the attribution partner''s clock, text as sent.';
comment on column "{schema}"."utm_visited"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."utm_visited"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."utm_visited"."provider" is 'Attribution partner that reported the visit, for example AppsFlyer or Branch.';
comment on column "{schema}"."utm_visited"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."utm_visited"."session_referrer" is 'Address of the page that the visitor came from.';
comment on column "{schema}"."utm_visited"."session_source" is 'Traffic source that CleverTap gave the whole session, with or without UTM parameters.';
comment on column "{schema}"."utm_visited"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."utm_visited"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."utm_visited"."utm_campaign" is 'Marketing campaign from the link; often a title, not CleverTap''s campaign id.';
comment on column "{schema}"."utm_visited"."utm_medium" is 'Marketing channel from the link: cpc, email, push and so on.';
comment on column "{schema}"."utm_visited"."utm_source" is 'Who sent the visitor, from the link: google, newsletter and so on.';
comment on column "{schema}"."utm_visited"."variant" is 'Title of the campaign''s A/B variant, the newer twin of wzrk_pivot.';
comment on column "{schema}"."utm_visited"."wzrk_acct_id" is 'CleverTap account that sent the message.';
comment on column "{schema}"."utm_visited"."wzrk_acts" is 'The message''s action buttons as JSON text.';
comment on column "{schema}"."utm_visited"."wzrk_animated" is '"true" if the message came in with an animation.';
comment on column "{schema}"."utm_visited"."wzrk_bc" is 'Number that the message set on the app''s badge.';
comment on column "{schema}"."utm_visited"."wzrk_bi" is 'Which icon the badge shows on Android: 0 none, 1 small, 2 large.';
comment on column "{schema}"."utm_visited"."wzrk_bp" is 'Address of the big picture in the message.';
comment on column "{schema}"."utm_visited"."wzrk_bpds" is 'How the download of the big picture went, for example SUCCESS, NO_IMAGE or NO_NETWORK.';
comment on column "{schema}"."utm_visited"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."utm_visited"."wzrk_c2a_short_url" is 'Shortened link that the user followed from the message.';
comment on column "{schema}"."utm_visited"."wzrk_cid" is 'Android notification channel that the message was shown in.';
comment on column "{schema}"."utm_visited"."wzrk_ck" is 'Collapse key: a newer message with the same key replaces this one on the device.';
comment on column "{schema}"."utm_visited"."wzrk_click_c2a" is 'Name of the web page element that was clicked, where it is not a plain button.';
comment on column "{schema}"."utm_visited"."wzrk_click_inner_text" is 'Text of the web page element that was clicked.';
comment on column "{schema}"."utm_visited"."wzrk_collapsible" is '"true" if a newer message may replace this one.';
comment on column "{schema}"."utm_visited"."wzrk_cts" is 'When the user clicked, in epoch seconds of the device''s clock.';
comment on column "{schema}"."utm_visited"."wzrk_dl" is 'Deep link that the message opens.';
comment on column "{schema}"."utm_visited"."wzrk_dt" is 'Service that delivered the message, for example FIREBASE.';
comment on column "{schema}"."utm_visited"."wzrk_id" is 'Campaign and run of the message, written like campaign_id; prefer campaign_id where both are there.';
comment on column "{schema}"."utm_visited"."wzrk_interruption_level" is 'How much iOS lets the message disturb: passive, active, time-sensitive or critical.';
comment on column "{schema}"."utm_visited"."wzrk_mutable_content" is '"true" if the iOS app may change the message before it is shown, as rich media need it.';
comment on column "{schema}"."utm_visited"."wzrk_nms" is 'Summary line of the opened message on Android.';
comment on column "{schema}"."utm_visited"."wzrk_pid" is 'Id of the single push message; devices use it to show no message twice.';
comment on column "{schema}"."utm_visited"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
comment on column "{schema}"."utm_visited"."wzrk_pn" is '"true" marks a push message as one of CleverTap''s.';
comment on column "{schema}"."utm_visited"."wzrk_push_amp" is '"true" if the message came by push amplification, fetched by the app because the push service failed.';
comment on column "{schema}"."utm_visited"."wzrk_relevance_score" is 'Rank from 0 to 1 by which iOS sorts the message in its summary.';
comment on column "{schema}"."utm_visited"."wzrk_rnv" is '"true" if the device was asked to report that it showed the message (a push impression).';
comment on column "{schema}"."utm_visited"."wzrk_slide_no" is 'Which slide of a carousel was clicked, counted by the template.';
comment on column "{schema}"."utm_visited"."wzrk_sound" is 'Sound file that the message played, or "true" for the default one.';
comment on column "{schema}"."utm_visited"."wzrk_st" is 'Subtitle below the message''s title.';
comment on column "{schema}"."utm_visited"."wzrk_ttl" is 'When the message expires, in epoch seconds.';
comment on column "{schema}"."utm_visited"."wzrk_ttl_s" is 'How long the message stays valid, in seconds from sending.';
create table if not exists "{schema}"."webhook_delivered" (
	"id" text collate "C" constraint "_pk_webhook_delivered" primary key,
	"received_at" timestamptz,
	"uuid_ts" timestamptz,
	"all_identities" text,
	"anonymous_id" text,
	"campaign_id" text,
	"campaign_labels" text,
	"campaign_name" text,
	"campaign_type" text,
	"content_name" text,
	"ct_app_version" text,
	"ct_latitude" double precision,
	"ct_longitude" double precision,
	"ct_sdk_version" text,
	"ct_source" text,
	"event" text,
	"event_text" text,
	"journey_id" text,
	"mp_processing_time_ms" bigint,
	"original_timestamp" timestamptz,
	"sent_at" timestamptz,
	"session_props_session_source" text,
	"timestamp" timestamptz,
	"ts" text,
	"user_id" text,
	"wzrk_c2a" text,
	"wzrk_pivot" text
);
create index if not exists "_brin_webhook_delivered_received_at" on "{schema}"."webhook_delivered"
	using brin ("received_at") with (autosummarize = on, pages_per_range = 16);
create index if not exists "_brin_webhook_delivered_uuid_ts" on "{schema}"."webhook_delivered"
	using brin ("uuid_ts") with (autosummarize = on, pages_per_range = 16);
comment on table "{schema}"."webhook_delivered" is 'One row for each webhook call of a campaign that the receiver accepted.';
comment on column "{schema}"."webhook_delivered"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."webhook_delivered"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."webhook_delivered"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."webhook_delivered"."all_identities" is 'All known identities of the user as one text, for example [u-1001, pat@example.org].';
comment on column "{schema}"."webhook_delivered"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."webhook_delivered"."campaign_id" is 'The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch seconds for a triggered one.';
comment on column "{schema}"."webhook_delivered"."campaign_labels" is 'Labels that the marketer put on the campaign, for reports by theme.';
comment on column "{schema}"."webhook_delivered"."campaign_name" is 'Title that the marketer gave the campaign.';
comment on column "{schema}"."webhook_delivered"."campaign_type" is 'Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push.';
comment on column "{schema}"."webhook_delivered"."content_name" is 'Title of the webhook template or content that was sent.';
comment on column "{schema}"."webhook_delivered"."ct_app_version" is 'Version of the app that the event came from, for example 5.2.1; empty for server-side events.';
comment on column "{schema}"."webhook_delivered"."ct_latitude" is 'Latitude of the device in degrees, positive to the north.';
comment on column "{schema}"."webhook_delivered"."ct_longitude" is 'Longitude of the device in degrees, positive to the east.';
comment on column "{schema}"."webhook_delivered"."ct_sdk_version" is 'Number of CleverTap''s SDK in the app, for example 70000 for 7.0.0.';
comment on column "{schema}"."webhook_delivered"."ct_source" is 'Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner''s name.';
comment on column "{schema}"."webhook_delivered"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."webhook_delivered"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."webhook_delivered"."journey_id" is 'The journey that the campaign is a step of; empty for single campaigns.';
comment on column "{schema}"."webhook_delivered"."mp_processing_time_ms" is 'Milliseconds that the marketing platform took to process the call.';
comment on column "{schema}"."webhook_delivered"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."webhook_delivered"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."webhook_delivered"."session_props_session_source" is 'Traffic source of the session that triggered the call.';
comment on column "{schema}"."webhook_delivered"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."webhook_delivered"."ts" is 'Time of delivery as the call carried it, text as sent; the event''s own time is in "timestamp".';
comment on column "{schema}"."webhook_delivered"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
comment on column "{schema}"."webhook_delivered"."wzrk_c2a" is 'Text of the button that the user clicked.';
comment on column "{schema}"."webhook_delivered"."wzrk_pivot" is 'Variant of the campaign''s A/B test that the user got; wzrk_default where there is no test.';
insert into "{schema}"."_columns" ("table_name", "column_name", "path", "type", "event") values
	('ab_experiment_disqualified', 'id', null, 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'received_at', null, 'timestamptz', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'uuid_ts', null, 'timestamptz', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'anonymous_id', null, 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'ct_app_version', '["CT App Version"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'ct_source', '["CT Source"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'event', null, 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'event_text', null, 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'experiment_id', '["Experiment Id"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'mutually_exclusive', '["Mutually Exclusive"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'original_timestamp', null, 'timestamptz', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'sent_at', null, 'timestamptz', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'stickiness', '["Stickiness"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'timestamp', null, 'timestamptz', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'user_id', null, 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'variant', '["Variant"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'variant_id', '["Variant Id"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_disqualified', 'version', '["Version"]', 'text', 'AB Experiment Disqualified'),
	('ab_experiment_rolled_out', 'id', null, 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'received_at', null, 'timestamptz', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'uuid_ts', null, 'timestamptz', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'anonymous_id', null, 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'ct_app_version', '["CT App Version"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'ct_source', '["CT Source"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'event', null, 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'event_text', null, 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'experiment_id', '["Experiment Id"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'mutually_exclusive', '["Mutually Exclusive"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'original_timestamp', null, 'timestamptz', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'sent_at', null, 'timestamptz', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'stickiness', '["Stickiness"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'timestamp', null, 'timestamptz', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'user_id', null, 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'variant', '["Variant"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'variant_id', '["Variant Id"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_rolled_out', 'version', '["Version"]', 'text', 'AB Experiment Rolled Out'),
	('ab_experiment_stopped', 'id', null, 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'received_at', null, 'timestamptz', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'uuid_ts', null, 'timestamptz', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'anonymous_id', null, 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'ct_app_version', '["CT App Version"]', 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'ct_source', '["CT Source"]', 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'event', null, 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'event_text', null, 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'experiment_id', '["experiment_id"]', 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'mutually_exclusive', '["mutually_exclusive"]', 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'original_timestamp', null, 'timestamptz', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'sent_at', null, 'timestamptz', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'stickiness', '["stickiness"]', 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'timestamp', null, 'timestamptz', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'user_id', null, 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'variant', '["variant"]', 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'variant_id', '["variant_id"]', 'text', 'AB Experiment Stopped'),
	('ab_experiment_stopped', 'version', '["version"]', 'text', 'AB Experiment Stopped'),
	('app_installed', 'id', null, 'text', 'App Installed'),
	('app_installed', 'received_at', null, 'timestamptz', 'App Installed'),
	('app_installed', 'uuid_ts', null, 'timestamptz', 'App Installed'),
	('app_installed', 'anonymous_id', null, 'text', 'App Installed'),
	('app_installed', 'ct_app_version', '["CT App Version"]', 'text', 'App Installed'),
	('app_installed', 'ct_latitude', '["CT Latitude"]', 'double precision', 'App Installed'),
	('app_installed', 'ct_longitude', '["CT Longitude"]', 'double precision', 'App Installed'),
	('app_installed', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'App Installed'),
	('app_installed', 'ct_source', '["CT Source"]', 'text', 'App Installed'),
	('app_installed', 'event', null, 'text', 'App Installed'),
	('app_installed', 'event_text', null, 'text', 'App Installed'),
	('app_installed', 'original_timestamp', null, 'timestamptz', 'App Installed'),
	('app_installed', 'sent_at', null, 'timestamptz', 'App Installed'),
	('app_installed', 'timestamp', null, 'timestamptz', 'App Installed'),
	('app_installed', 'user_id', null, 'text', 'App Installed'),
	('app_launched', 'id', null, 'text', 'App Launched'),
	('app_launched', 'received_at', null, 'timestamptz', 'App Launched'),
	('app_launched', 'uuid_ts', null, 'timestamptz', 'App Launched'),
	('app_launched', 'anonymous_id', null, 'text', 'App Launched'),
	('app_launched', 'ct_app_version', '["CT App Version"]', 'text', 'App Launched'),
	('app_launched', 'ct_bluetooth_enabled', '["CT Bluetooth Enabled"]', 'text', 'App Launched'),
	('app_launched', 'ct_bluetooth_version', '["CT Bluetooth Version"]', 'text', 'App Launched'),
	('app_launched', 'ct_connected_to_wi_fi', '["CT Connected To WiFi"]', 'text', 'App Launched'),
	('app_launched', 'ct_connected_to_wifi', '["ct_connected_to_wifi"]', 'text', 'App Launched'),
	('app_launched', 'ct_first_time', '["ct_first_time"]', 'text', 'App Launched'),
	('app_launched', 'ct_latitude', '["CT Latitude"]', 'double precision', 'App Launched'),
	('app_launched', 'ct_longitude', '["CT Longitude"]', 'double precision', 'App Launched'),
	('app_launched', 'ct_network_carrier', '["CT Network Carrier"]', 'text', 'App Launched'),
	('app_launched', 'ct_network_type', '["CT Network Type"]', 'text', 'App Launched'),
	('app_launched', 'ct_os_version', '["CT OS Version"]', 'text', 'App Launched'),
	('app_launched', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'App Launched'),
	('app_launched', 'ct_session_id', '["CT Session Id"]', 'bigint', 'App Launched'),
	('app_launched', 'ct_source', '["CT Source"]', 'text', 'App Launched'),
	('app_launched', 'event', null, 'text', 'App Launched'),
	('app_launched', 'event_text', null, 'text', 'App Launched'),
	('app_launched', 'keyword', '["Keyword"]', 'text', 'App Launched'),
	('app_launched', 'model', '["Model"]', 'text', 'App Launched'),
	('app_launched', 'original_timestamp', null, 'timestamptz', 'App Launched'),
	('app_launched', 'sent_at', null, 'timestamptz', 'App Launched'),
	('app_launched', 'timestamp', null, 'timestamptz', 'App Launched'),
	('app_launched', 'user_id', null, 'text', 'App Launched'),
	('app_uninstalled', 'id', null, 'text', 'App Uninstalled'),
	('app_uninstalled', 'received_at', null, 'timestamptz', 'App Uninstalled'),
	('app_uninstalled', 'uuid_ts', null, 'timestamptz', 'App Uninstalled'),
	('app_uninstalled', 'anonymous_id', null, 'text', 'App Uninstalled'),
	('app_uninstalled', 'clevertap_id', '["clevertapId"]', 'text', 'App Uninstalled'),
	('app_uninstalled', 'ct_app_version', '["CT App Version"]', 'text', 'App Uninstalled'),
	('app_uninstalled', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'App Uninstalled'),
	('app_uninstalled', 'ct_source', '["CT Source"]', 'text', 'App Uninstalled'),
	('app_uninstalled', 'event', null, 'text', 'App Uninstalled'),
	('app_uninstalled', 'event_text', null, 'text', 'App Uninstalled'),
	('app_uninstalled', 'original_timestamp', null, 'timestamptz', 'App Uninstalled'),
	('app_uninstalled', 'sent_at', null, 'timestamptz', 'App Uninstalled'),
	('app_uninstalled', 'source', '["source"]', 'text', 'App Uninstalled'),
	('app_uninstalled', 'timestamp', null, 'timestamptz', 'App Uninstalled'),
	('app_uninstalled', 'token', '["token"]', 'text', 'App Uninstalled'),
	('app_uninstalled', 'user_id', null, 'text', 'App Uninstalled'),
	('app_version_changed', 'id', null, 'text', 'App Version Changed'),
	('app_version_changed', 'received_at', null, 'timestamptz', 'App Version Changed'),
	('app_version_changed', 'uuid_ts', null, 'timestamptz', 'App Version Changed'),
	('app_version_changed', 'anonymous_id', null, 'text', 'App Version Changed'),
	('app_version_changed', 'ct_app_version', '["CT App Version"]', 'text', 'App Version Changed'),
	('app_version_changed', 'ct_app_version_prev', '["CT App Version Prev"]', 'text', 'App Version Changed'),
	('app_version_changed', 'ct_latitude', '["CT Latitude"]', 'double precision', 'App Version Changed'),
	('app_version_changed', 'ct_longitude', '["CT Longitude"]', 'double precision', 'App Version Changed'),
	('app_version_changed', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'App Version Changed'),
	('app_version_changed', 'ct_source', '["CT Source"]', 'text', 'App Version Changed'),
	('app_version_changed', 'event', null, 'text', 'App Version Changed'),
	('app_version_changed', 'event_text', null, 'text', 'App Version Changed'),
	('app_version_changed', 'original_timestamp', null, 'timestamptz', 'App Version Changed'),
	('app_version_changed', 'sent_at', null, 'timestamptz', 'App Version Changed'),
	('app_version_changed', 'timestamp', null, 'timestamptz', 'App Version Changed'),
	('app_version_changed', 'user_id', null, 'text', 'App Version Changed'),
	('channel_unsubscribed', 'id', null, 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'received_at', null, 'timestamptz', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'uuid_ts', null, 'timestamptz', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'anonymous_id', null, 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'campaign_id', '["Campaign Id"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'campaign_labels', '["Campaign labels"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'campaign_name', '["Campaign name"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'campaign_type', '["Campaign type"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'clevertap_id', '["Clevertap ID"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'ct_app_version', '["CT App Version"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'ct_source', '["CT Source"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'event', null, 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'event_text', null, 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'group', '["Group"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'identity', '["Identity"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'journey_id', '["Journey Id"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'mime_type', '["mimeType"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'original_timestamp', null, 'timestamptz', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'reason', '["Reason"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'resubscribed', '["Resubscribed"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'sent_at', null, 'timestamptz', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'subscription_type', '["Subscription Type"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'timestamp', null, 'timestamptz', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'type', '["Type"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'user_id', null, 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'variant', '["Variant"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Channel Unsubscribed'),
	('channel_unsubscribed', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Channel Unsubscribed'),
	('control_group', 'id', null, 'text', 'Control Group'),
	('control_group', 'received_at', null, 'timestamptz', 'Control Group'),
	('control_group', 'uuid_ts', null, 'timestamptz', 'Control Group'),
	('control_group', 'anonymous_id', null, 'text', 'Control Group'),
	('control_group', 'campaign_id', '["Campaign Id"]', 'text', 'Control Group'),
	('control_group', 'campaign_labels', '["Campaign labels"]', 'text', 'Control Group'),
	('control_group', 'campaign_name', '["Campaign name"]', 'text', 'Control Group'),
	('control_group', 'campaign_type', '["Campaign type"]', 'text', 'Control Group'),
	('control_group', 'control_group_name', '["controlGroupName"]', 'text', 'Control Group'),
	('control_group', 'ct_app_version', '["CT App Version"]', 'text', 'Control Group'),
	('control_group', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Control Group'),
	('control_group', 'ct_source', '["CT Source"]', 'text', 'Control Group'),
	('control_group', 'event', null, 'text', 'Control Group'),
	('control_group', 'event_text', null, 'text', 'Control Group'),
	('control_group', 'journey_id', '["Journey Id"]', 'text', 'Control Group'),
	('control_group', 'journey_name', '["Journey name"]', 'text', 'Control Group'),
	('control_group', 'original_timestamp', null, 'timestamptz', 'Control Group'),
	('control_group', 'sent_at', null, 'timestamptz', 'Control Group'),
	('control_group', 'timestamp', null, 'timestamptz', 'Control Group'),
	('control_group', 'user_id', null, 'text', 'Control Group'),
	('control_group', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Control Group'),
	('control_group', 'wzrk_id', '["wzrk_id"]', 'text', 'Control Group'),
	('control_group', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Control Group'),
	('geocluster_entered', 'id', null, 'text', 'Geocluster Entered'),
	('geocluster_entered', 'received_at', null, 'timestamptz', 'Geocluster Entered'),
	('geocluster_entered', 'uuid_ts', null, 'timestamptz', 'Geocluster Entered'),
	('geocluster_entered', 'anonymous_id', null, 'text', 'Geocluster Entered'),
	('geocluster_entered', 'application_version', '["application_version"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'cluster_id', '["cluster_id"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'cluster_name', '["cluster_name"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'ct_app_version', '["CT App Version"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'ct_connected_to_wifi', '["ct_connected_to_wifi"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'ct_latitude', '["CT Latitude"]', 'double precision', 'Geocluster Entered'),
	('geocluster_entered', 'ct_longitude', '["CT Longitude"]', 'double precision', 'Geocluster Entered'),
	('geocluster_entered', 'ct_network_carrier', '["CT Network Carrier"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'ct_network_type', '["CT Network Type"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'ct_os_version', '["CT OS Version"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'ct_source', '["CT Source"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'event', null, 'text', 'Geocluster Entered'),
	('geocluster_entered', 'event_text', null, 'text', 'Geocluster Entered'),
	('geocluster_entered', 'geofence_id', '["geofence_id"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'latitude', '["latitude"]', 'double precision', 'Geocluster Entered'),
	('geocluster_entered', 'longitude', '["longitude"]', 'double precision', 'Geocluster Entered'),
	('geocluster_entered', 'network_carrier', '["network_carrier"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'original_timestamp', null, 'timestamptz', 'Geocluster Entered'),
	('geocluster_entered', 'os_version', '["os_version"]', 'text', 'Geocluster Entered'),
	('geocluster_entered', 'sent_at', null, 'timestamptz', 'Geocluster Entered'),
	('geocluster_entered', 'timestamp', null, 'timestamptz', 'Geocluster Entered'),
	('geocluster_entered', 'user_id', null, 'text', 'Geocluster Entered'),
	('geocluster_exited', 'id', null, 'text', 'Geocluster Exited'),
	('geocluster_exited', 'received_at', null, 'timestamptz', 'Geocluster Exited'),
	('geocluster_exited', 'uuid_ts', null, 'timestamptz', 'Geocluster Exited'),
	('geocluster_exited', 'anonymous_id', null, 'text', 'Geocluster Exited'),
	('geocluster_exited', 'application_version', '["application_version"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'cluster_id', '["cluster_id"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'cluster_name', '["cluster_name"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'ct_app_version', '["CT App Version"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'ct_connected_to_wifi', '["ct_connected_to_wifi"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'ct_source', '["CT Source"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'event', null, 'text', 'Geocluster Exited'),
	('geocluster_exited', 'event_text', null, 'text', 'Geocluster Exited'),
	('geocluster_exited', 'geofence_id', '["geofence_id"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'latitude', '["latitude"]', 'double precision', 'Geocluster Exited'),
	('geocluster_exited', 'longitude', '["longitude"]', 'double precision', 'Geocluster Exited'),
	('geocluster_exited', 'network_carrier', '["network_carrier"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'original_timestamp', null, 'timestamptz', 'Geocluster Exited'),
	('geocluster_exited', 'os_version', '["os_version"]', 'text', 'Geocluster Exited'),
	('geocluster_exited', 'sent_at', null, 'timestamptz', 'Geocluster Exited'),
	('geocluster_exited', 'timestamp', null, 'timestamptz', 'Geocluster Exited'),
	('geocluster_exited', 'user_id', null, 'text', 'Geocluster Exited'),
	('notification_clicked', 'id', null, 'text', 'Notification Clicked'),
	('notification_clicked', 'received_at', null, 'timestamptz', 'Notification Clicked'),
	('notification_clicked', 'uuid_ts', null, 'timestamptz', 'Notification Clicked'),
	('notification_clicked', 'anonymous_id', null, 'text', 'Notification Clicked'),
	('notification_clicked', 'browser', '["browser"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'campaign_id', '["Campaign Id"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'campaign_labels', '["Campaign labels"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'campaign_name', '["Campaign name"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'campaign_type', '["Campaign type"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'client_name', '["Client Name"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_app_version', '["CT App Version"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_bluetooth_enabled', '["CT Bluetooth Enabled"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_bluetooth_version', '["CT Bluetooth Version"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_connected_to_wifi', '["ct_connected_to_wifi"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_latitude', '["CT Latitude"]', 'double precision', 'Notification Clicked'),
	('notification_clicked', 'ct_longitude', '["CT Longitude"]', 'double precision', 'Notification Clicked'),
	('notification_clicked', 'ct_network_carrier', '["CT Network Carrier"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_network_type', '["CT Network Type"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_os_version', '["CT OS Version"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'ct_session_id', '["CT Session Id"]', 'bigint', 'Notification Clicked'),
	('notification_clicked', 'ct_source', '["CT Source"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'event', null, 'text', 'Notification Clicked'),
	('notification_clicked', 'event_text', null, 'text', 'Notification Clicked'),
	('notification_clicked', 'install', '["Install"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'journey_id', '["Journey Id"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'mime_type', '["mimeType"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'original_timestamp', null, 'timestamptz', 'Notification Clicked'),
	('notification_clicked', 'sent_at', null, 'timestamptz', 'Notification Clicked'),
	('notification_clicked', 'skip_tcm', '["skipTCM"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'timestamp', null, 'timestamptz', 'Notification Clicked'),
	('notification_clicked', 'user_agent', '["User Agent"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'user_id', null, 'text', 'Notification Clicked'),
	('notification_clicked', 'variant', '["Variant"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_acct_id', '["wzrk_acct_id"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_acts', '["wzrk_acts"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_animated', '["wzrk_animated"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_bc', '["wzrk_bc"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_bi', '["wzrk_bi"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_bp', '["wzrk_bp"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_bpds', '["wzrk_bpds"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_c2a_short_url', '["wzrk_c2a_short_url"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_cid', '["wzrk_cid"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_ck', '["wzrk_ck"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_click_c2a', '["wzrk_click_c2a"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_click_inner_text', '["wzrk_click_innerText"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_collapsible', '["wzrk_collapsible"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_cts', '["wzrk_cts"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_dl', '["wzrk_dl"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_dt', '["wzrk_dt"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_id', '["wzrk_id"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_interruption_level', '["wzrk_interruption_level"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_mutable_content', '["wzrk_mutable_content"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_nms', '["wzrk_nms"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_pid', '["wzrk_pid"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_pn', '["wzrk_pn"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_push_amp', '["wzrk_push_amp"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_relevance_score', '["wzrk_relevance_score"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_rnv', '["wzrk_rnv"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_slide_no', '["wzrk_slideNo"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_sound', '["wzrk_sound"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_st', '["wzrk_st"]', 'text', 'Notification Clicked'),
	('notification_clicked', 'wzrk_ttl', '["wzrk_ttl"]', 'bigint', 'Notification Clicked'),
	('notification_clicked', 'wzrk_ttl_s', '["wzrk_ttl_s"]', 'text', 'Notification Clicked'),
	('notification_replied', 'id', null, 'text', 'Notification Replied'),
	('notification_replied', 'received_at', null, 'timestamptz', 'Notification Replied'),
	('notification_replied', 'uuid_ts', null, 'timestamptz', 'Notification Replied'),
	('notification_replied', 'anonymous_id', null, 'text', 'Notification Replied'),
	('notification_replied', 'campaign_id', '["Campaign Id"]', 'text', 'Notification Replied'),
	('notification_replied', 'campaign_labels', '["Campaign labels"]', 'text', 'Notification Replied'),
	('notification_replied', 'campaign_name', '["Campaign name"]', 'text', 'Notification Replied'),
	('notification_replied', 'campaign_type', '["Campaign type"]', 'text', 'Notification Replied'),
	('notification_replied', 'ct_app_version', '["CT App Version"]', 'text', 'Notification Replied'),
	('notification_replied', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Notification Replied'),
	('notification_replied', 'ct_source', '["CT Source"]', 'text', 'Notification Replied'),
	('notification_replied', 'destination_waba_number', '["Destination WABA number"]', 'text', 'Notification Replied'),
	('notification_replied', 'event', null, 'text', 'Notification Replied'),
	('notification_replied', 'event_text', null, 'text', 'Notification Replied'),
	('notification_replied', 'incoming_media_url', '["Incoming media URL"]', 'text', 'Notification Replied'),
	('notification_replied', 'incoming_message_type', '["Incoming message type"]', 'text', 'Notification Replied'),
	('notification_replied', 'incoming_text', '["Incoming text"]', 'text', 'Notification Replied'),
	('notification_replied', 'journey_id', '["Journey Id"]', 'text', 'Notification Replied'),
	('notification_replied', 'lat', '["Lat"]', 'double precision', 'Notification Replied'),
	('notification_replied', 'long', '["Long"]', 'double precision', 'Notification Replied'),
	('notification_replied', 'message_id', '["Message Id"]', 'text', 'Notification Replied'),
	('notification_replied', 'original_timestamp', null, 'timestamptz', 'Notification Replied'),
	('notification_replied', 'qr_paylolad', '["QR Paylolad"]', 'text', 'Notification Replied'),
	('notification_replied', 'sent_at', null, 'timestamptz', 'Notification Replied'),
	('notification_replied', 'source_waba_number', '["Source WABA number"]', 'text', 'Notification Replied'),
	('notification_replied', 'timestamp', null, 'timestamptz', 'Notification Replied'),
	('notification_replied', 'user_id', null, 'text', 'Notification Replied'),
	('notification_replied', 'variant', '["Variant"]', 'text', 'Notification Replied'),
	('notification_replied', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Notification Replied'),
	('notification_replied', 'wzrk_id', '["wzrk_id"]', 'text', 'Notification Replied'),
	('notification_replied', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Notification Replied'),
	('notification_sent', 'id', null, 'text', 'Notification Sent'),
	('notification_sent', 'received_at', null, 'timestamptz', 'Notification Sent'),
	('notification_sent', 'uuid_ts', null, 'timestamptz', 'Notification Sent'),
	('notification_sent', 'anonymous_id', null, 'text', 'Notification Sent'),
	('notification_sent', 'campaign_id', '["Campaign Id"]', 'text', 'Notification Sent'),
	('notification_sent', 'campaign_labels', '["Campaign labels"]', 'text', 'Notification Sent'),
	('notification_sent', 'campaign_name', '["Campaign name"]', 'text', 'Notification Sent'),
	('notification_sent', 'campaign_type', '["Campaign type"]', 'text', 'Notification Sent'),
	('notification_sent', 'ct_app_version', '["CT App Version"]', 'text', 'Notification Sent'),
	('notification_sent', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Notification Sent'),
	('notification_sent', 'ct_source', '["CT Source"]', 'text', 'Notification Sent'),
	('notification_sent', 'event', null, 'text', 'Notification Sent'),
	('notification_sent', 'event_text', null, 'text', 'Notification Sent'),
	('notification_sent', 'journey_id', '["Journey Id"]', 'text', 'Notification Sent'),
	('notification_sent', 'labels', '["Labels"]', 'text', 'Notification Sent'),
	('notification_sent', 'original_timestamp', null, 'timestamptz', 'Notification Sent'),
	('notification_sent', 'sent_at', null, 'timestamptz', 'Notification Sent'),
	('notification_sent', 'timestamp', null, 'timestamptz', 'Notification Sent'),
	('notification_sent', 'user_id', null, 'text', 'Notification Sent'),
	('notification_sent', 'variant', '["Variant"]', 'text', 'Notification Sent'),
	('notification_sent', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Notification Sent'),
	('notification_sent', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Notification Sent'),
	('notification_viewed', 'id', null, 'text', 'Notification Viewed'),
	('notification_viewed', 'received_at', null, 'timestamptz', 'Notification Viewed'),
	('notification_viewed', 'uuid_ts', null, 'timestamptz', 'Notification Viewed'),
	('notification_viewed', 'anonymous_id', null, 'text', 'Notification Viewed'),
	('notification_viewed', 'browser', '["browser"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'campaign_id', '["Campaign Id"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'campaign_labels', '["Campaign labels"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'campaign_name', '["Campaign name"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'campaign_type', '["Campaign type"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'client_name', '["Client Name"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_app_version', '["CT App Version"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_bluetooth_enabled', '["CT Bluetooth Enabled"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_bluetooth_version', '["CT Bluetooth Version"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_connected_to_wifi', '["ct_connected_to_wifi"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_latitude', '["CT Latitude"]', 'double precision', 'Notification Viewed'),
	('notification_viewed', 'ct_longitude', '["CT Longitude"]', 'double precision', 'Notification Viewed'),
	('notification_viewed', 'ct_network_carrier', '["CT Network Carrier"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_network_type', '["CT Network Type"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_os_version', '["CT OS Version"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'ct_session_id', '["CT Session Id"]', 'bigint', 'Notification Viewed'),
	('notification_viewed', 'ct_source', '["CT Source"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'event', null, 'text', 'Notification Viewed'),
	('notification_viewed', 'event_text', null, 'text', 'Notification Viewed'),
	('notification_viewed', 'journey_id', '["Journey Id"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'mime_type', '["mimeType"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'original_timestamp', null, 'timestamptz', 'Notification Viewed'),
	('notification_viewed', 'sent_at', null, 'timestamptz', 'Notification Viewed'),
	('notification_viewed', 'skip_tcm', '["skipTCM"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'timestamp', null, 'timestamptz', 'Notification Viewed'),
	('notification_viewed', 'user_agent', '["User Agent"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'user_id', null, 'text', 'Notification Viewed'),
	('notification_viewed', 'variant', '["Variant"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_acct_id', '["wzrk_acct_id"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_acts', '["wzrk_acts"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_animated', '["wzrk_animated"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_bc', '["wzrk_bc"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_bi', '["wzrk_bi"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_bp', '["wzrk_bp"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_cid', '["wzrk_cid"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_cts', '["wzrk_cts"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_dl', '["wzrk_dl"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_id', '["wzrk_id"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_pid', '["wzrk_pid"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_pn', '["wzrk_pn"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_rnv', '["wzrk_rnv"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_sound', '["wzrk_sound"]', 'text', 'Notification Viewed'),
	('notification_viewed', 'wzrk_ttl', '["wzrk_ttl"]', 'bigint', 'Notification Viewed'),
	('push_impressions', 'id', null, 'text', 'Push Impressions'),
	('push_impressions', 'received_at', null, 'timestamptz', 'Push Impressions'),
	('push_impressions', 'uuid_ts', null, 'timestamptz', 'Push Impressions'),
	('push_impressions', 'anonymous_id', null, 'text', 'Push Impressions'),
	('push_impressions', 'campaign_id', '["Campaign Id"]', 'text', 'Push Impressions'),
	('push_impressions', 'campaign_labels', '["Campaign labels"]', 'text', 'Push Impressions'),
	('push_impressions', 'campaign_name', '["Campaign name"]', 'text', 'Push Impressions'),
	('push_impressions', 'campaign_type', '["Campaign type"]', 'text', 'Push Impressions'),
	('push_impressions', 'ct_app_version', '["CT App Version"]', 'text', 'Push Impressions'),
	('push_impressions', 'ct_latitude', '["CT Latitude"]', 'double precision', 'Push Impressions'),
	('push_impressions', 'ct_longitude', '["CT Longitude"]', 'double precision', 'Push Impressions'),
	('push_impressions', 'ct_network_carrier', '["CT Network Carrier"]', 'text', 'Push Impressions'),
	('push_impressions', 'ct_os_version', '["CT OS Version"]', 'text', 'Push Impressions'),
	('push_impressions', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Push Impressions'),
	('push_impressions', 'ct_source', '["CT Source"]', 'text', 'Push Impressions'),
	('push_impressions', 'event', null, 'text', 'Push Impressions'),
	('push_impressions', 'event_text', null, 'text', 'Push Impressions'),
	('push_impressions', 'journey_id', '["Journey Id"]', 'text', 'Push Impressions'),
	('push_impressions', 'original_timestamp', null, 'timestamptz', 'Push Impressions'),
	('push_impressions', 'sent_at', null, 'timestamptz', 'Push Impressions'),
	('push_impressions', 'timestamp', null, 'timestamptz', 'Push Impressions'),
	('push_impressions', 'user_id', null, 'text', 'Push Impressions'),
	('push_impressions', 'variant', '["Variant"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_acct_id', '["wzrk_acct_id"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_acts', '["wzrk_acts"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_animated', '["wzrk_animated"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_bc', '["wzrk_bc"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_bi', '["wzrk_bi"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_bp', '["wzrk_bp"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_bpds', '["wzrk_bpds"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_c2a_short_url', '["wzrk_c2a_short_url"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_cid', '["wzrk_cid"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_ck', '["wzrk_ck"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_click_c2a', '["wzrk_click_c2a"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_click_inner_text', '["wzrk_click_innerText"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_collapsible', '["wzrk_collapsible"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_cts', '["wzrk_cts"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_dl', '["wzrk_dl"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_dt', '["wzrk_dt"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_id', '["wzrk_id"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_interruption_level', '["wzrk_interruption_level"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_mutable_content', '["wzrk_mutable_content"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_nms', '["wzrk_nms"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_pid', '["wzrk_pid"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_pn', '["wzrk_pn"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_push_amp', '["wzrk_push_amp"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_relevance_score', '["wzrk_relevance_score"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_rnv', '["wzrk_rnv"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_slide_no', '["wzrk_slideNo"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_sound', '["wzrk_sound"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_st', '["wzrk_st"]', 'text', 'Push Impressions'),
	('push_impressions', 'wzrk_ttl', '["wzrk_ttl"]', 'bigint', 'Push Impressions'),
	('push_impressions', 'wzrk_ttl_s', '["wzrk_ttl_s"]', 'text', 'Push Impressions'),
	('reply_sent', 'id', null, 'text', 'Reply Sent'),
	('reply_sent', 'received_at', null, 'timestamptz', 'Reply Sent'),
	('reply_sent', 'uuid_ts', null, 'timestamptz', 'Reply Sent'),
	('reply_sent', 'anonymous_id', null, 'text', 'Reply Sent'),
	('reply_sent', 'campaign_id', '["Campaign Id"]', 'text', 'Reply Sent'),
	('reply_sent', 'campaign_labels', '["Campaign labels"]', 'text', 'Reply Sent'),
	('reply_sent', 'campaign_name', '["Campaign name"]', 'text', 'Reply Sent'),
	('reply_sent', 'campaign_type', '["Campaign type"]', 'text', 'Reply Sent'),
	('reply_sent', 'ct_app_version', '["CT App Version"]', 'text', 'Reply Sent'),
	('reply_sent', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Reply Sent'),
	('reply_sent', 'ct_source', '["CT Source"]', 'text', 'Reply Sent'),
	('reply_sent', 'event', null, 'text', 'Reply Sent'),
	('reply_sent', 'event_text', null, 'text', 'Reply Sent'),
	('reply_sent', 'journey_id', '["Journey Id"]', 'text', 'Reply Sent'),
	('reply_sent', 'original_timestamp', null, 'timestamptz', 'Reply Sent'),
	('reply_sent', 'sent_at', null, 'timestamptz', 'Reply Sent'),
	('reply_sent', 'timestamp', null, 'timestamptz', 'Reply Sent'),
	('reply_sent', 'user_id', null, 'text', 'Reply Sent'),
	('reply_sent', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Reply Sent'),
	('reply_sent', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Reply Sent'),
	('utm_visited', 'id', null, 'text', 'UTM Visited'),
	('utm_visited', 'received_at', null, 'timestamptz', 'UTM Visited'),
	('utm_visited', 'uuid_ts', null, 'timestamptz', 'UTM Visited'),
	('utm_visited', 'action', '["action"]', 'text', 'UTM Visited'),
	('utm_visited', 'anonymous_id', null, 'text', 'UTM Visited'),
	('utm_visited', 'browser', '["browser"]', 'text', 'UTM Visited'),
	('utm_visited', 'button_id', '["button_id"]', 'text', 'UTM Visited'),
	('utm_visited', 'campaign_id', '["Campaign Id"]', 'text', 'UTM Visited'),
	('utm_visited', 'campaign_labels', '["Campaign labels"]', 'text', 'UTM Visited'),
	('utm_visited', 'campaign_name', '["Campaign name"]', 'text', 'UTM Visited'),
	('utm_visited', 'campaign_type', '["Campaign type"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_app_version', '["CT App Version"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_bluetooth_enabled', '["CT Bluetooth Enabled"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_bluetooth_version', '["CT Bluetooth Version"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_connected_to_wi_fi', '["CT Connected To WiFi"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_connected_to_wifi', '["ct_connected_to_wifi"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_latitude', '["CT Latitude"]', 'double precision', 'UTM Visited'),
	('utm_visited', 'ct_longitude', '["CT Longitude"]', 'double precision', 'UTM Visited'),
	('utm_visited', 'ct_network_carrier', '["CT Network Carrier"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_network_type', '["CT Network Type"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_os_version', '["CT OS Version"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'UTM Visited'),
	('utm_visited', 'ct_session_id', '["CT Session Id"]', 'bigint', 'UTM Visited'),
	('utm_visited', 'ct_source', '["CT Source"]', 'text', 'UTM Visited'),
	('utm_visited', 'event', null, 'text', 'UTM Visited')
	on conflict ("table_name", "column_name") do update set "type" = excluded."type";
insert into "{schema}"."_columns" ("table_name", "column_name", "path", "type", "event") values
	('utm_visited', 'event_text', null, 'text', 'UTM Visited'),
	('utm_visited', 'install', '["Install"]', 'text', 'UTM Visited'),
	('utm_visited', 'install_time', '["install_time"]', 'text', 'UTM Visited'),
	('utm_visited', 'journey_id', '["Journey Id"]', 'text', 'UTM Visited'),
	('utm_visited', 'original_timestamp', null, 'timestamptz', 'UTM Visited'),
	('utm_visited', 'provider', '["provider"]', 'text', 'UTM Visited'),
	('utm_visited', 'sent_at', null, 'timestamptz', 'UTM Visited'),
	('utm_visited', 'session_referrer', '["session_referrer"]', 'text', 'UTM Visited'),
	('utm_visited', 'session_source', '["session_source"]', 'text', 'UTM Visited'),
	('utm_visited', 'timestamp', null, 'timestamptz', 'UTM Visited'),
	('utm_visited', 'user_id', null, 'text', 'UTM Visited'),
	('utm_visited', 'utm_campaign', '["utm_campaign"]', 'text', 'UTM Visited'),
	('utm_visited', 'utm_medium', '["utm_medium"]', 'text', 'UTM Visited'),
	('utm_visited', 'utm_source', '["utm_source"]', 'text', 'UTM Visited'),
	('utm_visited', 'variant', '["Variant"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_acct_id', '["wzrk_acct_id"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_acts', '["wzrk_acts"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_animated', '["wzrk_animated"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_bc', '["wzrk_bc"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_bi', '["wzrk_bi"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_bp', '["wzrk_bp"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_bpds', '["wzrk_bpds"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_c2a_short_url', '["wzrk_c2a_short_url"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_cid', '["wzrk_cid"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_ck', '["wzrk_ck"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_click_c2a', '["wzrk_click_c2a"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_click_inner_text', '["wzrk_click_innerText"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_collapsible', '["wzrk_collapsible"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_cts', '["wzrk_cts"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_dl', '["wzrk_dl"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_dt', '["wzrk_dt"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_id', '["wzrk_id"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_interruption_level', '["wzrk_interruption_level"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_mutable_content', '["wzrk_mutable_content"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_nms', '["wzrk_nms"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_pid', '["wzrk_pid"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_pn', '["wzrk_pn"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_push_amp', '["wzrk_push_amp"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_relevance_score', '["wzrk_relevance_score"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_rnv', '["wzrk_rnv"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_slide_no', '["wzrk_slideNo"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_sound', '["wzrk_sound"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_st', '["wzrk_st"]', 'text', 'UTM Visited'),
	('utm_visited', 'wzrk_ttl', '["wzrk_ttl"]', 'bigint', 'UTM Visited'),
	('utm_visited', 'wzrk_ttl_s', '["wzrk_ttl_s"]', 'text', 'UTM Visited'),
	('webhook_delivered', 'id', null, 'text', 'Webhook Delivered'),
	('webhook_delivered', 'received_at', null, 'timestamptz', 'Webhook Delivered'),
	('webhook_delivered', 'uuid_ts', null, 'timestamptz', 'Webhook Delivered'),
	('webhook_delivered', 'all_identities', '["all_identities"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'anonymous_id', null, 'text', 'Webhook Delivered'),
	('webhook_delivered', 'campaign_id', '["Campaign Id"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'campaign_labels', '["Campaign labels"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'campaign_name', '["Campaign name"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'campaign_type', '["Campaign type"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'content_name', '["ContentName"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'ct_app_version', '["CT App Version"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'ct_latitude', '["CT Latitude"]', 'double precision', 'Webhook Delivered'),
	('webhook_delivered', 'ct_longitude', '["CT Longitude"]', 'double precision', 'Webhook Delivered'),
	('webhook_delivered', 'ct_sdk_version', '["CT SDK Version"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'ct_source', '["CT Source"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'event', null, 'text', 'Webhook Delivered'),
	('webhook_delivered', 'event_text', null, 'text', 'Webhook Delivered'),
	('webhook_delivered', 'journey_id', '["Journey Id"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'mp_processing_time_ms', '["mp_processing_time_ms"]', 'bigint', 'Webhook Delivered'),
	('webhook_delivered', 'original_timestamp', null, 'timestamptz', 'Webhook Delivered'),
	('webhook_delivered', 'sent_at', null, 'timestamptz', 'Webhook Delivered'),
	('webhook_delivered', 'session_props_session_source', '["session_props | session_source"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'timestamp', null, 'timestamptz', 'Webhook Delivered'),
	('webhook_delivered', 'ts', '["ts"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'user_id', null, 'text', 'Webhook Delivered'),
	('webhook_delivered', 'wzrk_c2a', '["wzrk_c2a"]', 'text', 'Webhook Delivered'),
	('webhook_delivered', 'wzrk_pivot', '["wzrk_pivot"]', 'text', 'Webhook Delivered')
	on conflict ("table_name", "column_name") do update set "type" = excluded."type";
create or replace view "{schema}"."tracks" as
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."ab_experiment_disqualified"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."ab_experiment_rolled_out"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."ab_experiment_stopped"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."app_installed"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."app_launched"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."app_uninstalled"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."app_version_changed"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."channel_unsubscribed"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."control_group"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."geocluster_entered"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."geocluster_exited"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."notification_clicked"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."notification_replied"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."notification_sent"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."notification_viewed"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."push_impressions"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."reply_sent"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."utm_visited"
union all
select "id"::text collate "C" as "id", "received_at"::timestamptz as "received_at", "uuid_ts"::timestamptz as "uuid_ts", "anonymous_id"::text as "anonymous_id", "event"::text as "event", "event_text"::text as "event_text", "original_timestamp"::timestamptz as "original_timestamp", "sent_at"::timestamptz as "sent_at", "timestamp"::timestamptz as "timestamp", "user_id"::text as "user_id"
from "{schema}"."webhook_delivered";
comment on view "{schema}"."tracks" is 'All track events of all tables: the columns they share, context as text.';
comment on column "{schema}"."tracks"."id" is 'Key of the row: the messageId that was sent, or a digest of the record that begins ct_ or ln_.';
comment on column "{schema}"."tracks"."received_at" is 'When the event arrived; for files the start of the load.';
comment on column "{schema}"."tracks"."uuid_ts" is 'When the row was loaded: one value for all rows of a load.';
comment on column "{schema}"."tracks"."anonymous_id" is 'Device or installation (CleverTap ID) that the event came from, also before anybody logged in.';
comment on column "{schema}"."tracks"."event" is 'Table of the event: its name in snake_case, the same in every row.';
comment on column "{schema}"."tracks"."event_text" is 'Name of the event as the sender spelled it.';
comment on column "{schema}"."tracks"."original_timestamp" is 'When the event happened by the sender''s clock, not corrected.';
comment on column "{schema}"."tracks"."sent_at" is 'When the sender sent the event, by the sender''s clock.';
comment on column "{schema}"."tracks"."timestamp" is 'When the event happened, corrected for the sender''s clock where that is known: the time to report by.';
comment on column "{schema}"."tracks"."user_id" is 'Identity of the logged-in user; empty for anonymous devices.';
