package migrations

import (
	"context"

	"github.com/golang-migrate/migrate/v4/database"
)

// LockKey opens the key of a schema's lock to the tests, which stand in for another Migrator.
var LockKey = lockKey

// SlowUnlock makes a Migrator that is at work already wait on the server before it gives golang-migrate's lock back, and
// gives the errors of that to err.
func SlowUnlock(m *Migrator, err chan<- error) {
	m.session.driver.Driver = slowUnlock{m.session.driver.Driver, m.session, err}
}

type slowUnlock struct {
	database.Driver
	s   *session
	err chan<- error
}

func (d slowUnlock) Unlock() error {
	_, err := d.s.conn.Exec(context.Background(), "select pg_catalog.pg_sleep(0.3)")
	d.err <- err
	if err != nil {
		return err
	}
	return d.Driver.Unlock()
}
