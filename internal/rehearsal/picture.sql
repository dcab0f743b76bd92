with ours as (
	select n.oid, n.nspname from pg_catalog.pg_namespace n
	where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'tapline') and n.nspname !~ '^pg_(temp|toast_temp)_'
), relations as (
	select c.*, pg_catalog.quote_ident(o.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name
	from pg_catalog.pg_class c join ours o on o.oid = c.relnamespace
	where c.relname not in ('_migrations', '_migration_files', '_pk__migration_files', '_migrations_pkey')
		and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
			and d.objid = c.oid and d.deptype = 'e')
)
select 'schema "' || pg_catalog.replace(nspname, '"', '""') || '"', '' from ours where nspname <> 'public'
union all
select case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'S' then 'sequence ' when 'f' then 'foreign table ' else 'table ' end || c.name,
	''
from relations c where c.relkind in ('r', 'p', 'v', 'm', 'f') or c.relkind = 'S' and not exists (
	select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('a', 'i'))
union all
select 'kind of ' || c.name, pg_catalog.concat_ws(' ', c.relkind::text, c.relpersistence::text, pg_catalog.array_to_string(c.reloptions, ','),
	case when c.relrowsecurity then 'row security' end)
from relations c where c.relkind in ('r', 'p', 'v', 'm', 'f')
union all
select 'query of ' || c.name, pg_catalog.pg_get_viewdef(c.oid) from relations c where c.relkind in ('v', 'm')
union all
select 'comment of ' || c.name, pg_catalog.obj_description(c.oid, 'pg_class')
from relations c where c.relkind in ('r', 'p', 'v', 'm', 'f') and pg_catalog.obj_description(c.oid, 'pg_class') is not null
union all
select 'column ' || pg_catalog.quote_ident(a.attname) || ' of ' || c.name, pg_catalog.concat_ws(' ',
	pg_catalog.format_type(a.atttypid, a.atttypmod), case when a.attcollation <> t.typcollation then 'collate ' || l.collname end,
	case when a.attnotnull then 'not null' end, 'default ' || pg_catalog.pg_get_expr(f.adbin, f.adrelid), nullif(a.attidentity::text, ''), nullif(a.attgenerated::text, ''))
from relations c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_collation l on l.oid = a.attcollation
left join pg_catalog.pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
where c.relkind in ('r', 'p', 'v', 'm', 'f')
union all
select 'comment on column ' || pg_catalog.quote_ident(a.attname) || ' of ' || c.name, d.description
from relations c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_description d on d.objoid = a.attrelid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = a.attnum
where c.relkind in ('r', 'p', 'v', 'm', 'f')
union all
select 'index ' || pg_catalog.quote_ident(i.relname) || ' of ' || c.name, pg_catalog.pg_get_indexdef(i.oid) || case when x.indisvalid then '' else ' (invalid)' end
from relations c join pg_catalog.pg_index x on x.indrelid = c.oid join pg_catalog.pg_class i on i.oid = x.indexrelid
union all
select 'constraint ' || pg_catalog.quote_ident(k.conname) || ' of ' || c.name, pg_catalog.pg_get_constraintdef(k.oid)
from relations c join pg_catalog.pg_constraint k on k.conrelid = c.oid
union all
select 'trigger ' || pg_catalog.quote_ident(g.tgname) || ' of ' || c.name, pg_catalog.pg_get_triggerdef(g.oid)
from relations c join pg_catalog.pg_trigger g on g.tgrelid = c.oid where not g.tgisinternal
union all
select 'policy ' || pg_catalog.quote_ident(p.polname) || ' of ' || c.name, pg_catalog.concat_ws(' ', p.polcmd::text,
	pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
from relations c join pg_catalog.pg_policy p on p.polrelid = c.oid
union all
select 'function ' || pg_catalog.quote_ident(o.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
	pg_catalog.concat_ws(' ', pg_catalog.pg_get_function_result(p.oid), p.prosrc)
from pg_catalog.pg_proc p join ours o on o.oid = p.pronamespace
where not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')
union all
select 'type ' || pg_catalog.quote_ident(o.nspname) || '.' || pg_catalog.quote_ident(t.typname), t.typtype::text || ' ' || coalesce(
	(select pg_catalog.string_agg(e.enumlabel, ',' order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid), '')
from pg_catalog.pg_type t join ours o on o.oid = t.typnamespace
where (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and exists (select from pg_catalog.pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
	and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e')
