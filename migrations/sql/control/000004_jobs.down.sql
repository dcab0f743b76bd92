drop table if exists "{schema}"."alerts";
drop table if exists "{schema}"."job_runs";
drop table if exists "{schema}"."jobs";
