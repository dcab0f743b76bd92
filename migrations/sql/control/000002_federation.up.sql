-- Where the rows of sources are forwarded to, how far that is, and what was not taken.
create table if not exists "{schema}"."destinations" (
	"name" text collate "C" constraint "_pk_destinations" primary key,
	"source" text collate "C" not null constraint "_fk_destinations_source" references "{schema}"."sources" ("nickname"),
	"endpoint" text not null,
	"region" text not null,
	"key_from" text not null,
	"settings" jsonb not null default '{}',
	"status" text not null default 'active' constraint "_ck_destinations_status" check ("status" in ('active', 'retrying', 'paused')),
	"last_error" text,
	"last_error_at" timestamptz,
	"created_at" timestamptz not null default now()
);
comment on table "{schema}"."destinations" is 'One row for each place that the rows of a source are forwarded to.';
comment on column "{schema}"."destinations"."name" is 'Name of the destination.';
comment on column "{schema}"."destinations"."source" is 'Nickname of the source whose rows it gets.';
comment on column "{schema}"."destinations"."endpoint" is 'URL of the Tracking API; /v1/batch is appended.';
comment on column "{schema}"."destinations"."region" is 'Region of the endpoint: us or eu.';
comment on column "{schema}"."destinations"."key_from" is 'Where the write key is read from, env:NAME or file:PATH; never the key.';
comment on column "{schema}"."destinations"."settings" is 'Filters and limits of the destination.';
comment on column "{schema}"."destinations"."status" is 'active, retrying (it does not answer as it should at the moment) or paused.';
comment on column "{schema}"."destinations"."last_error" is 'What went wrong last; empty since it went well again.';
comment on column "{schema}"."destinations"."last_error_at" is 'When that was.';
comment on column "{schema}"."destinations"."created_at" is 'When the destination was added.';
create table if not exists "{schema}"."cursors" (
	"destination" text collate "C" constraint "_pk_cursors" primary key
		constraint "_fk_cursors_destination" references "{schema}"."destinations" ("name") on delete cascade,
	"seq" bigint not null default 0,
	"table_name" text collate "C",
	"row_id" text collate "C",
	"part_rows" bigint not null default 0,
	"delivered" bigint not null default 0,
	"filtered" bigint not null default 0,
	"latency_p95" double precision,
	"sent_at" timestamptz,
	"lease_owner" uuid,
	"lease_until" timestamptz
);
comment on table "{schema}"."cursors" is 'How far each destination is. A cursor moves only when all before it has arrived or is in _undelivered.';
comment on column "{schema}"."cursors"."destination" is 'The destination.';
comment on column "{schema}"."cursors"."seq" is 'The last load, by its number in _loads, that is done.';
comment on column "{schema}"."cursors"."table_name" is 'Within a large load after that: the table of the last row that is done; the order is by table and id.';
comment on column "{schema}"."cursors"."row_id" is 'The id of that row.';
comment on column "{schema}"."cursors"."part_rows" is 'How many rows of that large load are done.';
comment on column "{schema}"."cursors"."delivered" is 'Messages that have arrived since the destination was added.';
comment on column "{schema}"."cursors"."filtered" is 'Rows that the filters of the destination left out.';
comment on column "{schema}"."cursors"."latency_p95" is 'Seconds that 95 of 100 of the last requests took at most.';
comment on column "{schema}"."cursors"."sent_at" is 'When the cursor moved last.';
comment on column "{schema}"."cursors"."lease_owner" is 'The process that sends to the destination.';
comment on column "{schema}"."cursors"."lease_until" is 'Until when no other process does.';
create table if not exists "{schema}"."_undelivered" (
	"destination" text collate "C"
		constraint "_fk__undelivered_destination" references "{schema}"."destinations" ("name") on delete cascade,
	"message_id" text collate "C",
	"table_name" text collate "C" not null,
	"row_id" text collate "C" not null,
	"reason" text not null,
	"response" text,
	"message" json,
	"at" timestamptz not null default now(),
	constraint "_pk__undelivered" primary key ("destination", "message_id")
);
comment on table "{schema}"."_undelivered" is 'Messages that a destination did not take. They hold the data of events.';
comment on column "{schema}"."_undelivered"."destination" is 'The destination.';
comment on column "{schema}"."_undelivered"."message_id" is 'The messageId that was sent.';
comment on column "{schema}"."_undelivered"."table_name" is 'Table of the row.';
comment on column "{schema}"."_undelivered"."row_id" is 'The row''s id.';
comment on column "{schema}"."_undelivered"."reason" is 'rejected (the destination answered 400), too_large (above 32,000 bytes) or invalid (no such call can be made of the row).';
comment on column "{schema}"."_undelivered"."response" is 'What the destination answered, write key masked, cut.';
comment on column "{schema}"."_undelivered"."message" is 'The message as it was to be sent.';
comment on column "{schema}"."_undelivered"."at" is 'When that was.';
