package serve

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/registry"
	"github.com/tapline/tapline/migrations"
)

// tasks are goroutines that end together.
type tasks struct{ group sync.WaitGroup }

func newTasks() *tasks { return &tasks{} }

func (t *tasks) run(do func()) { t.group.Go(do) }

func (t *tasks) wait() { t.group.Wait() }

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Final reports whether an error of preparing is a contradiction that waiting does not mend.
func Final(err error) bool {
	var conflict *registry.ConflictError
	var owned *migrations.OwnedError
	var setting *config.Error
	var newer *migrations.NewerError
	return errors.As(err, &conflict) || errors.As(err, &owned) || errors.As(err, &setting) || errors.As(err, &newer)
}
