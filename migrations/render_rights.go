package migrations

// writeOver lets whoever may add rows to a table of newest states change them too: a row of users is written over when
// something newer is known of the user. Default privileges, by which a loader may write to what a migration makes, are the
// same for all tables of a schema.
func (r *renderer) writeOver(table string) {
	name := qualified(r.schema, table)
	r.add("do ", body("declare\n\tr record;\nbegin\n"+
		"\tfor r in select distinct x.grantee from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) x\n"+
		"\t\twhere c.oid = "+lit(name)+"::pg_catalog.regclass and x.privilege_type = 'INSERT' and x.grantee not in (0, c.relowner) loop\n"+
		"\t\texecute pg_catalog.format("+lit("grant update on "+name+" to %I")+", pg_catalog.pg_get_userbyid(r.grantee));\n"+
		"\tend loop;\nend "), ";\n")
}
