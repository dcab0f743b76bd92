package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// poll is how often Start and Stop look whether the server got there; a start takes about 100 ms.
const poll = 10 * time.Millisecond

// Start makes the cluster if there is none, starts the server unless it runs, and waits until it answers. The server
// goes on when this process ends, and a Ctrl-C in the terminal does not reach it. Several processes may call Start at
// once. A start that ctx interrupts is not undone: the server may come up later, and the next Start finds it.
func (c *Cluster) Start(ctx context.Context) error {
	if err := c.prepare(); err != nil {
		return err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	pm, running, err := c.running()
	switch {
	case err != nil:
		return err
	case running:
		err = c.waitReady(ctx, pm.pid, 0)
	default:
		if err = c.initialize(ctx); err == nil {
			err = c.launch(ctx, pm.pid)
		}
	}
	if err != nil {
		return err
	}
	return c.createDatabase(ctx)
}

// initialize makes the cluster if there is none. It is made beside its place and moved there when complete, so that a
// kill in between leaves nothing that looks like a cluster.
func (c *Cluster) initialize(ctx context.Context) error {
	major, err := c.dataMajor()
	if err != nil || major != 0 {
		return err
	}
	if _, err := os.Lstat(c.dataDir()); err == nil {
		return fmt.Errorf("%s holds no Postgres data: move it away, or choose another folder with --data-dir", c.dataDir())
	}
	if err := c.makePassword(); err != nil {
		return err
	}
	c.log.InfoContext(ctx, "creating a local Postgres", "folder", c.home, "version", c.bin.Version)
	fresh := c.dataDir() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove half-made cluster: %w", err)
	}
	out, err := c.initdb(ctx, fresh, "C.UTF-8")
	if err != nil && strings.Contains(out, "invalid locale name") { // not every system has C.UTF-8
		out, err = c.initdb(ctx, fresh, "C")
	}
	if err != nil {
		return fmt.Errorf("create Postgres cluster: %w: %s", err, lastLines(out, 10))
	}
	if err := os.Rename(fresh, c.dataDir()); err != nil {
		return fmt.Errorf("create Postgres cluster: %w", err)
	}
	return nil
}

func (c *Cluster) initdb(ctx context.Context, dir, locale string) (string, error) {
	args := []string{
		"-D", dir, "-U", Role, "-E", "UTF8", "--locale=" + locale,
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=" + filepath.Join(c.home, "password"),
	}
	if c.noSync {
		args = append(args, "--no-sync")
	}
	out, err := c.command(ctx, filepath.Join(c.bin.Dir, "initdb"), args...).CombinedOutput()
	return string(out), err
}

// launch starts the server. Its port may be taken by somebody else between our look and its own: then again with
// another. stale is the process number in a leftover postmaster.pid, 0 if there is none.
func (c *Cluster) launch(ctx context.Context, stale int) (err error) {
	if stale != 0 {
		if err := c.endLeftBehind(ctx); err != nil {
			return err
		}
	}
	for range 3 {
		var port, pid int
		if port, err = c.choosePort(); err != nil {
			return err
		}
		if err := c.writeFile("port", strconv.Itoa(port)); err != nil {
			return err
		}
		logged := size(c.logFile())
		if pid, err = c.spawn(ctx, port, stale); err != nil {
			return err
		}
		if err = c.waitReady(ctx, pid, logged); err == nil {
			c.log.InfoContext(ctx, "started the local Postgres", "pid", pid, "port", port, "log", c.logFile())
			return nil
		}
		if ctx.Err() != nil || portFree(port) {
			return err
		}
	}
	return err
}

// spawn runs postgres detached from this process and returns its process number. It does not use pg_ctl, which hands
// paths to a shell inside double quotes, where a dollar sign in one is no longer itself, and which gives up after a
// fixed time although crash recovery may take longer. The shell is there to leave the server without a parent that
// would have to collect it; arguments reach it as words, not as text to parse.
func (c *Cluster) spawn(ctx context.Context, port, stale int) (int, error) {
	args := []string{"-c", `"$@" </dev/null >>"$0" 2>&1 & echo $!`, c.logFile(), filepath.Join(c.bin.Dir, "postgres")}
	args = append(args, serverArgs(c.dataDir(), c.settings)...)
	cmd := c.command(context.WithoutCancel(ctx), "/bin/sh", append(args, "-c", "port="+strconv.Itoa(port))...)
	if stale != 0 {
		// The number in postmaster.pid now belongs to a process that is not this cluster's, as happens after a reboot
		// or in a new container. Postgres would refuse to start while it lives, but not if it is told that it is its
		// grandparent. Unlike removing the file, this keeps its check for backends that still use the shared memory.
		cmd.Env = append(cmd.Env, "PG_GRANDPARENT_PID="+strconv.Itoa(stale))
	}
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("start Postgres: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		return 0, fmt.Errorf("start Postgres: %w", err)
	}
	return pid, nil
}

// waitReady waits until the server accepts connections. If it ends instead, the error has what it wrote to its log since
// the log was that long.
func (c *Cluster) waitReady(ctx context.Context, pid int, logged int64) error {
	for {
		gone := !alive(pid)
		pm, err := readPostmaster(c.dataDir())
		if err == nil && pm.pid == pid && pm.ready {
			return nil
		}
		if gone {
			return fmt.Errorf("start Postgres: it ended at once; %s says:\n%s", c.logFile(),
				lastLines(readFrom(c.logFile(), logged), 15))
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("start Postgres: it is not ready yet (%w); %s says:\n%s", err, c.logFile(),
				lastLines(readFrom(c.logFile(), logged), 5))
		}
	}
}

// createDatabase makes the database unless it exists. The caller holds the lock, so nobody else does.
func (c *Cluster) createDatabase(ctx context.Context) (err error) {
	if err := c.writeService(); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, c.OwnDSN("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the local Postgres: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	var exists bool
	const query = `select exists (select from pg_catalog.pg_database where datname = $1)`
	if err := conn.QueryRow(ctx, query, Database).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %s: %w", Database, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{Database}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", Database, err)
	}
	return nil
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
