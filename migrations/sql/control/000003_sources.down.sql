drop table if exists "{schema}"."audit";
drop function if exists "{schema}"."_audit_is_kept"();
drop table if exists "{schema}"."intake";
drop table if exists "{schema}"."key_uses";
drop table if exists "{schema}"."write_keys";
alter table if exists "{schema}"."sources" drop column if exists "disabled_at";
