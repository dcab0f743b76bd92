package widen

import (
	"context"
	"fmt"
	"strings"
)

// Described is a step of a Job, for people.
type Described struct {
	Title string `json:"step"`
	SQL   string `json:"sql"`
}

// Steps says what Run will do. Its error is that of a Job that cannot be done so.
func (j *Job) Steps(ctx context.Context) ([]Described, error) {
	var out []Described
	if !j.Swapped {
		if err := j.suited(); err != nil {
			return nil, err
		}
		file, err := j.migrator.WidenSQL(ctx, j.widenings())
		if err != nil {
			return nil, err
		}
		if !j.Begun {
			out = append(out, Described{"Make a second column, and a trigger that fills it in rows that come from now on (short lock)", statements(j.beginSQL())})
		}
		out = append(out, Described{"Rehearse the swap and roll it back (short lock)", ""}, j.rowsStep(), j.swapStep(fmt.Sprintf("%06d_%s", file.Version, file.Name)))
	}
	out = append(out, j.discardsStep())
	if len(j.Columns) == 0 {
		return out, nil
	}
	return append(out, Described{"Forget the state: " + stateTable + " and " + misfitsTable + " go when nothing else is being widened", ""}), nil
}

// RewriteSteps says what Rewrite will do.
func (j *Job) RewriteSteps(ctx context.Context) ([]Described, error) {
	if j.Begun {
		return nil, &PendingError{j.Columns[0].Widening, j.Swapped}
	}
	if j.Swapped {
		return []Described{j.discardsStep()}, nil
	}
	if err := j.rewritable(); err != nil {
		return nil, err
	}
	file, err := j.migrator.WidenSQL(ctx, j.widenings())
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("Apply migration %06d_%s, with the table locked all the time", file.Version, file.Name)
	return []Described{{title, file.Up}, j.discardsStep()}, nil
}

func (j *Job) rowsStep() Described {
	var all []string
	for i := range j.Columns {
		find, fill := j.batchSQL(&j.Columns[i])
		all = append(all, find, fill)
	}
	return Described{fmt.Sprintf("Fill the rows that are there, %d at a time, each in a transaction of its own", j.req.BatchSize), statements(all)}
}

func (j *Job) swapStep(file string) Described {
	var all []string
	for i := range j.Columns {
		c := &j.Columns[i]
		all = append(all, "lock table only "+ident(j.req.Schema, c.Table)+" in access exclusive mode")
		all = append(all, j.takePlaceSQL(c)...)
	}
	title := "Swap, and record it as migration " + file + ", whose file changes the type in place (short lock); comment, grants, tracks"
	var views []string
	for i := range j.Columns {
		views = append(views, j.Columns[i].Views...)
	}
	if len(views) > 0 {
		title += ", " + strings.Join(views, ", ")
	}
	return Described{title + " stay", statements(all)}
}

func (j *Job) discardsStep() Described {
	return Described{"Store the values that wait in _discards for " + j.req.Table + "." + j.req.Column + " and fit now", ""}
}

func statements(all []string) string { return strings.Join(all, ";\n") + ";\n" }

// LockEstimate is about how many seconds Rewrite locks the tables: Postgres writes them anew with their indexes, at some
// 40 MiB a second on the machine this was written on.
func (j *Job) LockEstimate() float64 {
	var bytes int64
	for i := range j.Columns {
		if !j.Columns[i].Instant() {
			bytes += j.Columns[i].Bytes
		}
	}
	return float64(bytes) / (40 << 20)
}
