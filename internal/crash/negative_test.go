package crash_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// small is enough to notice each of the broken builds.
var small = input{name: "small", files: 5, events: 200}

// Builds that are broken on purpose go through what the sound one goes through. The oracle must notice.
func TestBrokenBuildsAreNoticed(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	for _, group := range []bool{false, true} {
		brokenBuildsAreNoticed(t, server, group)
	}
}

func brokenBuildsAreNoticed(t *testing.T, server *localpg.Cluster, group bool) {
	in := small
	if group {
		in = grouped
	}
	for _, c := range []struct {
		tags, want string
		seen       bool // by the observer, too
	}{
		{tags: sound},
		{tags: brokenLedger, want: "units without their load", seen: true},
		{tags: brokenUnits, want: "loads without their unit", seen: true},
		{tags: brokenKey, want: "ids are more than once"},
	} {
		t.Run(fmt.Sprintf("%s, groups %t", c.tags, group), func(t *testing.T) {
			b := newDatabase(t, server, c.tags, in)
			b.group = group
			o := observe(t, b.pool)
			b.killAllAlong("in-copy:20", "before-commit:1", "after-commit:1", "after-commit:1")
			b.start("").mustFinish()
			seen, err := o.end(), b.check()
			t.Logf("observer: %v\noracle: %v", seen, err)
			if (seen != nil) != c.seen {
				t.Errorf("the observer says %v", seen)
			}
			if c.want == "" && err != nil {
				t.Errorf("the oracle rejects the sound build: %v", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("the oracle says %v, want %q", err, c.want)
			}
		})
	}
}

// killAllAlong is killAt without opinions on what is in after each kill.
func (b *bench) killAllAlong(schedule ...string) {
	b.t.Helper()
	for _, point := range schedule {
		if p := b.start(point); !p.killed() {
			b.t.Fatalf("the loader was not killed at %s: %v\n%s", point, p.cmd.ProcessState, p.log())
		}
	}
}
