drop table if exists "{schema}"."_undelivered";
drop table if exists "{schema}"."cursors";
drop table if exists "{schema}"."destinations";
