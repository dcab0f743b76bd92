-- Sources that receive events: their write keys, whether they are enabled and loading, and who changed what.
alter table "{schema}"."sources" add column if not exists "disabled_at" timestamptz;
comment on column "{schema}"."sources"."settings" is 'Settings of the source that are kept in the database: region, user_identity, timezone, account.';
comment on column "{schema}"."sources"."disabled_at" is 'Since when the source takes no requests; empty if it does.';
do $$
begin
	-- A renamed source keeps its destinations.
	if exists (select from pg_catalog.pg_constraint where conrelid = '"{schema}"."destinations"'::pg_catalog.regclass
			and conname = '_fk_destinations_source' and confupdtype <> 'c') then
		alter table "{schema}"."destinations" drop constraint "_fk_destinations_source",
			add constraint "_fk_destinations_source" foreign key ("source") references "{schema}"."sources" ("nickname") on update cascade;
	end if;
end $$;
create table if not exists "{schema}"."write_keys" (
	"id" text collate "C" constraint "_pk_write_keys" primary key,
	"source" text collate "C" not null
		constraint "_fk_write_keys_source" references "{schema}"."sources" ("nickname") on update cascade on delete cascade,
	"digest" bytea not null constraint "_uq_write_keys_digest" unique constraint "_ck_write_keys_digest" check (octet_length("digest") = 32),
	"hint" text not null,
	"label" text,
	"declared" boolean not null default false,
	"created_at" timestamptz not null default now(),
	"revoked_at" timestamptz
);
create index if not exists "_ix_write_keys_source" on "{schema}"."write_keys" ("source");
comment on table "{schema}"."write_keys" is 'The keys with which clients send events to a source. Only digests: the keys themselves are nowhere.';
comment on column "{schema}"."write_keys"."id" is 'Name of the key, for commands and logs; it says nothing of the key.';
comment on column "{schema}"."write_keys"."source" is 'Nickname of the source that the key sends to.';
comment on column "{schema}"."write_keys"."digest" is 'SHA-256 of the key.';
comment on column "{schema}"."write_keys"."hint" is 'The first characters of the key, to tell keys apart.';
comment on column "{schema}"."write_keys"."label" is 'What people noted about the key: who uses it, and where.';
comment on column "{schema}"."write_keys"."declared" is 'True if the key comes from a configuration file.';
comment on column "{schema}"."write_keys"."created_at" is 'When the key was made.';
comment on column "{schema}"."write_keys"."revoked_at" is 'Since when the key is not accepted any more; empty if it is.';
create table if not exists "{schema}"."key_uses" (
	"key" text collate "C" constraint "_pk_key_uses" primary key
		constraint "_fk_key_uses_key" references "{schema}"."write_keys" ("id") on delete cascade,
	"last_seen_at" timestamptz not null
);
comment on table "{schema}"."key_uses" is 'When each key was used last, to the minute or so.';
comment on column "{schema}"."key_uses"."key" is 'The key, by its id.';
comment on column "{schema}"."key_uses"."last_seen_at" is 'When a request with it arrived last.';
create table if not exists "{schema}"."intake" (
	"source" text collate "C" constraint "_pk_intake" primary key
		constraint "_fk_intake_source" references "{schema}"."sources" ("nickname") on update cascade on delete cascade,
	"paused_at" timestamptz,
	"reason" text,
	"worker" text,
	"updated_at" timestamptz not null default now()
);
comment on table "{schema}"."intake" is 'How loading of what arrived over HTTP goes, for each source that needed a word about it.';
comment on column "{schema}"."intake"."source" is 'Nickname of the source.';
comment on column "{schema}"."intake"."paused_at" is 'Since when nothing of the source can be loaded; empty if it can. What arrives waits in the stream.';
comment on column "{schema}"."intake"."reason" is 'Why, and what to do.';
comment on column "{schema}"."intake"."worker" is 'The process that said so.';
comment on column "{schema}"."intake"."updated_at" is 'When it did.';
create table if not exists "{schema}"."audit" (
	"id" bigint generated always as identity constraint "_pk_audit" primary key,
	"at" timestamptz not null default now(),
	"role" text not null default session_user,
	"actor" text not null,
	"action" text not null,
	"source" text,
	"detail" jsonb not null default '{}'
);
comment on table "{schema}"."audit" is 'Who changed sources and write keys, and when. Rows are only added.';
comment on column "{schema}"."audit"."id" is 'Number of the entry.';
comment on column "{schema}"."audit"."at" is 'When it happened.';
comment on column "{schema}"."audit"."role" is 'The Postgres role.';
comment on column "{schema}"."audit"."actor" is 'The account and machine that the command ran on, as it said itself.';
comment on column "{schema}"."audit"."action" is 'What was done, such as source.add or key.revoke.';
comment on column "{schema}"."audit"."source" is 'Nickname that the source had then.';
comment on column "{schema}"."audit"."detail" is 'The settings or the key''s id; never a key.';
create or replace function "{schema}"."_audit_is_kept"() returns trigger language plpgsql as $$
begin
	raise exception 'rows of % are only added', tg_table_name using errcode = 'insufficient_privilege';
end $$;
drop trigger if exists "_audit_is_kept" on "{schema}"."audit";
create trigger "_audit_is_kept" before update or delete or truncate on "{schema}"."audit"
	for each statement execute function "{schema}"."_audit_is_kept"();
