-- The control schema: what Tapline knows of all sources of this database.
create table if not exists "{schema}"."sources" (
	"nickname" text collate "C" constraint "_pk_sources" primary key,
	"schema_name" text collate "C" not null constraint "_uq_sources_schema_name" unique,
	"kind" text not null default 'clevertap',
	"settings" jsonb not null default '{}',
	"catalogue" text,
	"created_at" timestamptz not null default now()
);
do $$
begin
	-- Only an owner may comment; a DBA may have made the schema.
	if exists (select from pg_catalog.pg_namespace where oid = '"{schema}"'::pg_catalog.regnamespace and pg_catalog.pg_has_role(nspowner, 'usage')) then
		comment on schema "{schema}" is 'Tapline: which sources there are. Each source has its own schema with the events.';
	end if;
end $$;
comment on table "{schema}"."sources" is 'One row for each source that loads into this database.';
comment on column "{schema}"."sources"."nickname" is 'Name that people gave the source, for example CleverTap_Prod.';
comment on column "{schema}"."sources"."schema_name" is 'Postgres schema that belongs to this source alone.';
comment on column "{schema}"."sources"."kind" is 'What the source sends: clevertap or segment.';
comment on column "{schema}"."sources"."settings" is 'Settings of the source that are kept in the database.';
comment on column "{schema}"."sources"."catalogue" is 'Digest of the event catalogue that the schema was last brought up to.';
comment on column "{schema}"."sources"."created_at" is 'When the source was first set up in this database.';
create table if not exists "{schema}"."_migration_files" (
	"version" bigint constraint "_pk_migration_files" primary key,
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
