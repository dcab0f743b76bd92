package pgtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// errCut ends the two directions of a session whose time has come.
var errCut = errors.New("connection cut")

// Request codes that stand where a start-up message has the protocol version.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104
)

// session is one connection through the proxy.
type session struct {
	p              *Proxy
	client, server net.Conn
	statements     map[string]string // prepared statements by name
	portals        map[string]string // SQL of bound portals by name
	armed          bool              // the statement was found, and its Sync is what to wait for

	mu      sync.Mutex
	pending int  // ReadyForQuery messages that the server still owes
	mute    bool // the server's messages go nowhere, until it owes none
}

func newSession(p *Proxy, client, server net.Conn) *session {
	return &session{
		p: p, client: client, server: server,
		statements: map[string]string{}, portals: map[string]string{}, pending: 1, // the start-up's
	}
}

// close may be called at any time and more than once.
func (s *session) close() {
	_ = s.client.Close()
	_ = s.server.Close()
}

// run forwards until either side ends or a cut, and returns when both directions have.
func (s *session) run() {
	in := bufio.NewReader(s.client)
	if cancel, err := s.startUp(in); err != nil || cancel {
		s.note(err)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		s.note(s.replies())
		s.close()
	})
	err := s.requests(in)
	s.note(err)
	if !errors.Is(err, errMuted) {
		s.close()
	}
	wg.Wait()
}

// errMuted ends the direction from the client; the other one goes on until the server has done the statement.
var errMuted = errors.New("waiting for the server")

// note counts a cut, before the client can notice it.
func (s *session) note(err error) {
	if errors.Is(err, errCut) {
		s.p.mu.Lock()
		defer s.p.mu.Unlock()
		s.p.cuts++
	}
}

// toServer counts what passes to the server, and cuts within a message if the count says so.
type toServer struct{ s *session }

// Write implements io.Writer.
func (w toServer) Write(b []byte) (int, error) {
	allowed := w.s.p.take(len(b))
	n, err := w.s.server.Write(b[:allowed])
	if err == nil && allowed < len(b) {
		err = errCut
	}
	return n, err
}

// startUp forwards the messages without a type byte. A cancel request is a whole connection of its own.
func (s *session) startUp(in *bufio.Reader) (cancel bool, err error) {
	for {
		head, err := in.Peek(8)
		if err != nil {
			return false, err
		}
		length, code := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
		if length < 8 || length > 1<<16 {
			return false, fmt.Errorf("start-up message of %d bytes", length)
		}
		if _, err := io.CopyN(toServer{s}, in, int64(length)); err != nil {
			return false, err
		}
		switch code {
		case codeCancel:
			_, err := io.Copy(s.client, s.server) // nothing, until the server has passed it on
			return true, err
		case codeSSL, codeGSS:
			if _, err := io.CopyN(s.client, s.server, 1); err != nil { // "N": loopback has neither
				return false, err
			}
		default:
			return false, nil
		}
	}
}

// requests forwards the client's messages.
func (s *session) requests(in *bufio.Reader) error {
	out := bufio.NewWriter(toServer{s})
	for {
		kind, length, err := header(in)
		if err != nil {
			return err
		}
		var body []byte
		if inspected(kind) {
			body = make([]byte, length)
			if _, err := io.ReadFull(in, body); err != nil {
				return err
			}
		}
		after, err := s.inspect(kind, body)
		if err != nil {
			return errors.Join(out.Flush(), err) // what came before it does reach the server
		}
		if err := writeHeader(out, kind, length); err != nil {
			return err
		}
		if body != nil {
			_, err = out.Write(body)
		} else {
			_, err = io.CopyN(out, in, int64(length))
		}
		if err == nil && (after || in.Buffered() == 0) {
			err = out.Flush()
		}
		if err == nil && after {
			err = errMuted
		}
		if err != nil {
			return err
		}
	}
}

// inspected reports whether the content of a message matters. Others, above all the data of COPY, may be large.
func inspected(kind byte) bool { return bytes.IndexByte([]byte("QPBES"), kind) >= 0 }

// inspect follows which statement a message executes. It returns true if the message is to be forwarded and everything
// after it to be cut, errCut if it is not even to be forwarded.
func (s *session) inspect(kind byte, body []byte) (after bool, err error) {
	fields := bytes.SplitN(body, []byte{0}, 3)
	switch {
	case kind == 'P' && len(fields) == 3: // Parse: name, SQL
		s.statements[string(fields[0])] = string(fields[1])
	case kind == 'B' && len(fields) == 3: // Bind: portal, statement
		s.portals[string(fields[0])] = s.statements[string(fields[1])]
	case kind == 'E' && len(fields) >= 2: // Execute: portal
		if r := s.p.match(s.portals[string(fields[0])]); r != nil {
			if !r.after {
				return false, errCut
			}
			s.armed = true
		}
	case kind == 'Q':
		r := s.p.match(string(fields[0]))
		if r != nil && !r.after {
			return false, errCut
		}
		s.owe(r != nil)
		return r != nil, nil
	case kind == 'S':
		s.owe(s.armed)
		return s.armed, nil
	}
	return false, nil
}

// owe notes, before the message is forwarded, that the server will end its reply with ReadyForQuery.
func (s *session) owe(mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending++
	s.mute = s.mute || mute
}

// replies forwards the server's messages.
func (s *session) replies() error {
	in, out := bufio.NewReader(s.server), bufio.NewWriter(s.client)
	for {
		kind, length, err := header(in)
		if err != nil {
			return err
		}
		mute, done := s.reply(kind)
		switch {
		case done:
			return errCut
		case mute:
			_, err = io.CopyN(io.Discard, in, int64(length))
		default:
			if err = writeHeader(out, kind, length); err == nil {
				_, err = io.CopyN(out, in, int64(length))
			}
			if err == nil && in.Buffered() == 0 {
				err = out.Flush()
			}
		}
		if err != nil {
			return err
		}
	}
}

// reply reports whether the server's messages are held back, and whether the one of that kind is what the cut waits for:
// the end of the last reply, or the server's turn to wait for COPY data.
func (s *session) reply(kind byte) (mute, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == 'Z' {
		s.pending--
	}
	copying := kind == 'G' || kind == 'W'
	return s.mute, s.mute && (s.pending == 0 || copying)
}

// header reads the type of a message and the length of what follows.
func header(in *bufio.Reader) (kind byte, length int, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, 0, err
	}
	length = int(binary.BigEndian.Uint32(head[1:])) - 4
	if length < 0 {
		return 0, 0, fmt.Errorf("message %q of length %d", head[0], length)
	}
	return head[0], length, nil
}

func writeHeader(out *bufio.Writer, kind byte, length int) error {
	_, err := out.Write(binary.BigEndian.AppendUint32([]byte{kind}, uint32(length+4)))
	return err
}
