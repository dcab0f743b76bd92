package stream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// TokenPath is the file with which other processes of the machine sign in at the embedded server of a folder.
func TokenPath(dir string) string { return filepath.Join(dir, "token") }

// errLocked says that another process has a folder open.
var errLocked = errors.New("another process uses it")

// embedded is the server inside this process. It can be started anew: one that has met a full disk takes nothing more until
// then.
type embedded struct {
	opts  *Options
	token string
	lock  *os.File

	mu     sync.Mutex
	server *server.Server
}

// startEmbedded makes the folder this process's own and starts the server on it.
func startEmbedded(ctx context.Context, o *Options) (*embedded, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the streams' folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(o.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the streams' folder: %w", err)
	}
	e := &embedded{opts: o, lock: lock}
	if err := lockFile(lock); err != nil {
		err = fmt.Errorf("lock the streams' folder %s: %w: end it, connect to its server, or choose another folder", o.Dir, err)
		return nil, errors.Join(err, lock.Close())
	}
	if e.token, err = token(o.Dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return e, nil
}

// token reads the folder's token, or makes one.
func token(dir string) (string, error) {
	kept, err := os.ReadFile(TokenPath(dir))
	if err == nil && len(kept) > 0 {
		return string(kept), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the streams' token: %w", err)
	}
	made := rand.Text()
	if err := os.WriteFile(TokenPath(dir), []byte(made), 0o600); err != nil {
		return "", fmt.Errorf("keep the streams' token: %w", err)
	}
	return made, nil
}

// unlimited is the room that the server believes to have: each stream has its own limit, and the disk is watched.
const unlimited = 1 << 60

func (e *embedded) serverOptions() (*server.Options, error) {
	s := &server.Options{
		ServerName: "tapline", Host: "127.0.0.1", DontListen: e.opts.Listen == "", NoSigs: true, Authorization: e.token,
		JetStream: true, StoreDir: e.opts.Dir, JetStreamMaxStore: unlimited, DisableJetStreamBanner: true,
		// Without it an acknowledged frame is on disk up to two minutes later.
		SyncAlways: !e.opts.unsafe,
	}
	if e.opts.Listen != "" {
		host, port, err := net.SplitHostPort(e.opts.Listen)
		if err != nil {
			return nil, fmt.Errorf("listen at %q: %w", e.opts.Listen, err)
		}
		s.Host = host
		if s.Port, err = strconv.Atoi(port); err != nil {
			return nil, fmt.Errorf("listen at %q: %w", e.opts.Listen, err)
		}
		if s.Port == 0 {
			s.Port = server.RANDOM_PORT
		}
	}
	return s, nil
}

// starting is how long the server may take to read its streams.
const starting = 5 * time.Minute

func (e *embedded) start(ctx context.Context) error {
	o, err := e.serverOptions()
	if err != nil {
		return err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("make the streams' server: %w", err)
	}
	s.SetLoggerV2(&serverLog{e.opts.Logger}, false, false, false)
	s.Start() // reads the streams
	if limit, ok := ctx.Deadline(); !s.ReadyForConnections(wait(limit, ok)) || !s.JetStreamEnabled() {
		s.Shutdown()
		return fmt.Errorf("start the streams' server on %s: it is not ready: its warnings, in the log, say why", e.opts.Dir)
	}
	e.mu.Lock()
	e.server = s
	e.mu.Unlock()
	return nil
}

func wait(limit time.Time, ok bool) time.Duration {
	if !ok {
		return starting
	}
	return min(starting, max(time.Second, time.Until(limit)))
}

// InProcessConn implements nats.InProcessConnProvider for whichever server runs now.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil {
		return nil, errors.New("the streams' server is being started again")
	}
	return e.server.InProcessConn()
}

// running reports whether streams are served at all.
func (e *embedded) running() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server != nil && e.server.Running() && e.server.JetStreamEnabled()
}

// check returns a *SettingError if the server does not sync before it acknowledges.
func (e *embedded) check() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.server.JetStreamConfig(); c == nil || !c.SyncAlways {
		return unsynced("the embedded server", "this is a defect of Tapline: please report it")
	}
	return nil
}

// url is where other processes reach the server.
func (e *embedded) url() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil || e.opts.Listen == "" {
		return ""
	}
	return e.server.ClientURL()
}

func (e *embedded) stop() {
	e.mu.Lock()
	s := e.server
	e.server = nil
	e.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

func (e *embedded) close() error {
	e.stop()
	return e.lock.Close()
}

// serverLog hands on what the server warns of. It has no payloads: only traces would.
type serverLog struct{ log *slog.Logger }

func (l *serverLog) Noticef(string, ...any) {}
func (l *serverLog) Debugf(string, ...any)  {}
func (l *serverLog) Tracef(string, ...any)  {}
func (l *serverLog) Warnf(format string, v ...any) {
	l.log.Warn("streams' server", "message", fmt.Sprintf(format, v...))
}

func (l *serverLog) Errorf(format string, v ...any) {
	l.log.Error("streams' server", "message", fmt.Sprintf(format, v...))
}

func (l *serverLog) Fatalf(format string, v ...any) {
	l.log.Error("streams' server", "message", fmt.Sprintf(format, v...))
}
