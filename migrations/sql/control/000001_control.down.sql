drop table if exists "{schema}"."sources";
drop table if exists "{schema}"."_migration_files";
