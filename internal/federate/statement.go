package federate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// span is a stretch of uuid_ts, both ends in it.
type span struct{ first, last time.Time }

// ranges returns stretches of uuid_ts that have the rows of a piece, and of no other load that has any. The index is gone through
// once for each stretch, where it would be once for each load: of a large table that takes longer than to read the rows.
// Mostly there is one; there are more where loads have committed in another order than they began in.
func (r *reader) ranges(ctx context.Context, tx pgx.Tx, p *piece) ([]span, error) {
	if len(p.loads) == 0 {
		return nil, nil
	}
	all := span{p.loads[0].uuidTS, p.loads[0].uuidTS}
	for i := range p.loads {
		if at := p.loads[i].uuidTS; at.Before(all.first) {
			all.first = at
		} else if at.After(all.last) {
			all.last = at
		}
	}
	if all.first.Equal(all.last) {
		return []span{all}, nil
	}
	rows, err := tx.Query(ctx, `select min(uuid_ts), max(uuid_ts) from (
			select uuid_ts, ours, count(*) filter (where not ours) over (order by uuid_ts) as stretch from (
				select uuid_ts, seq between $1 and $2 as ours from `+r.name("_loads")+`
				where status = 'finished' and uuid_ts between $3 and $4 and (rows > 0 or seq between $1 and $2)) as l) as l
		where ours group by stretch order by 1`, p.loads[0].seq, p.loads[len(p.loads)-1].seq, all.first, all.last)
	if err != nil {
		return nil, fmt.Errorf("find where loads stand: %w", err)
	}
	var out []span
	var s span
	_, err = pgx.ForEachRow(rows, []any{&s.first, &s.last}, func() error {
		out = append(out, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find where loads stand: %w", err)
	}
	return out, nil
}

// statement is what reads the rows of a piece from a table, with its parameters.
func (r *reader) statement(p *piece, t *table) (string, [][]byte) {
	var within []string
	for _, s := range p.ranges {
		within = append(within, `"uuid_ts" between '`+stamp(s.first)+"' and '"+stamp(s.last)+"'")
	}
	// Within the stretches stand rows of loads that were pruned as well. "is true" keeps the planner from going through the
	// index for each of them after all.
	sql := t.selects + " where (" + strings.Join(within, " or ") + `) and ("uuid_ts" = any ($1::pg_catalog.timestamptz[])) is true`
	for _, from := range []time.Time{r.f.opt.From, r.d.Settings.Since} {
		if !from.IsZero() {
			sql += " and " + t.time + " >= '" + stamp(from) + "'"
		}
	}
	if to := r.f.opt.To; !to.IsZero() {
		sql += " and " + t.time + " < '" + stamp(to) + "'"
	}
	stamps := make([]string, len(p.loads))
	for i := range p.loads {
		stamps[i] = `"` + stamp(p.loads[i].uuidTS) + `"`
	}
	params := [][]byte{[]byte("{" + strings.Join(stamps, ",") + "}")}
	if !p.ordered {
		return sql, params
	}
	if p.start.table == t.name {
		sql += ` and "id" > $2`
		params = append(params, []byte(p.start.row))
	}
	return sql + ` order by "id"`, params
}

// stamp is a time as Postgres reads it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999-07") }
