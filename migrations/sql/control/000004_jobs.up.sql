-- Jobs on a schedule: what is due, what has run, and what people were told.
create table if not exists "{schema}"."jobs" (
	"name" text collate "C" constraint "_pk_jobs" primary key,
	"schedule" text not null,
	"scheduled_for" timestamptz not null default now(),
	"created_at" timestamptz not null default now()
);
comment on table "{schema}"."jobs" is 'One row for each job that a daemon (tapline run) has had on a schedule. What a job does is in the configuration file.';
comment on column "{schema}"."jobs"."name" is 'Name of the job.';
comment on column "{schema}"."jobs"."schedule" is 'Its schedule and time zone when a daemon last started; if that changes, nothing before the change is missed.';
comment on column "{schema}"."jobs"."scheduled_for" is 'The last time at which the job was due that is taken care of; at first, when it was first seen.';
comment on column "{schema}"."jobs"."created_at" is 'When a daemon first had the job.';
create table if not exists "{schema}"."job_runs" (
	"id" uuid default pg_catalog.gen_random_uuid() constraint "_pk_job_runs" primary key,
	"job" text collate "C" not null,
	"run" uuid not null,
	"attempt" integer not null,
	"cause" text not null constraint "_ck_job_runs_cause" check ("cause" in ('schedule', 'catch_up', 'resume', 'always', 'hand')),
	"scheduled_for" timestamptz,
	"missed" integer not null default 0,
	"started_at" timestamptz not null default clock_timestamp(),
	"finished_at" timestamptz,
	"outcome" text not null constraint "_ck_job_runs_outcome" check ("outcome" in
		('running', 'done', 'quarantined', 'found', 'failed', 'timed_out', 'interrupted', 'lost', 'skipped')),
	"exit_code" integer,
	"counts" jsonb,
	"error" text,
	"host" text not null,
	"process" bigint not null,
	"backend" integer,
	"version" text not null
);
create index if not exists "_ix_job_runs_job" on "{schema}"."job_runs" ("job", "started_at");
comment on table "{schema}"."job_runs" is 'One row for each attempt of a run of a job.';
comment on column "{schema}"."job_runs"."id" is 'Key of the attempt.';
comment on column "{schema}"."job_runs"."job" is 'Name of the job.';
comment on column "{schema}"."job_runs"."run" is 'The run; its attempts share it.';
comment on column "{schema}"."job_runs"."attempt" is 'Number of the attempt within its run, from 1.';
comment on column "{schema}"."job_runs"."cause" is 'schedule, catch_up (it was due while no daemon ran), resume (of a run that was lost or interrupted), always, or hand.';
comment on column "{schema}"."job_runs"."scheduled_for" is 'When it was due; empty for runs by hand and jobs that run always.';
comment on column "{schema}"."job_runs"."missed" is 'How many times it was due before that, unnoticed, for which this run makes up.';
comment on column "{schema}"."job_runs"."started_at" is 'When the attempt started.';
comment on column "{schema}"."job_runs"."finished_at" is 'When it ended, or was found to have ended.';
comment on column "{schema}"."job_runs"."outcome" is 'running (lost, if nobody holds the job''s lock), done, quarantined (done, with events in quarantine), found (a check found something), failed, timed_out, interrupted (asked to stop), lost (its process or its lock is gone) or skipped.';
comment on column "{schema}"."job_runs"."exit_code" is 'Exit code of the command.';
comment on column "{schema}"."job_runs"."counts" is 'What the command counted.';
comment on column "{schema}"."job_runs"."error" is 'Why it failed, cut.';
comment on column "{schema}"."job_runs"."host" is 'Machine that ran it.';
comment on column "{schema}"."job_runs"."process" is 'Number of the process there.';
comment on column "{schema}"."job_runs"."backend" is 'Number of the Postgres process whose session holds the job''s lock.';
comment on column "{schema}"."job_runs"."version" is 'Version of Tapline.';
create table if not exists "{schema}"."alerts" (
	"key" text collate "C" constraint "_pk_alerts" primary key,
	"kind" text not null,
	"state" text not null constraint "_ck_alerts_state" check ("state" in ('firing', 'resolved')),
	"text" text not null,
	"since" timestamptz not null default now(),
	"told_state" text,
	"told_at" timestamptz,
	"claimed_until" timestamptz
);
comment on table "{schema}"."alerts" is 'What people were told, or are to be told, by the webhook of the configuration file.';
comment on column "{schema}"."alerts"."key" is 'What it is about, such as job/NAME.';
comment on column "{schema}"."alerts"."kind" is 'job_failed, job_overdue, table_stale or quarantine_rate.';
comment on column "{schema}"."alerts"."state" is 'firing or resolved.';
comment on column "{schema}"."alerts"."text" is 'What is said.';
comment on column "{schema}"."alerts"."since" is 'Since when it is in that state.';
comment on column "{schema}"."alerts"."told_state" is 'The state that the webhook has taken last; empty if none.';
comment on column "{schema}"."alerts"."told_at" is 'When that was.';
comment on column "{schema}"."alerts"."claimed_until" is 'Until when one process tries to tell it, and no other does.';
