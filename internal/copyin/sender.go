package copyin

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// messageBytes is the size of a CopyData message. pgconn's own are of 64 KiB.
const messageBytes = 256 << 10

// sender sends a COPY stream in larger pieces than pgconn.CopyFrom: it is the reader that CopyFrom reads from, but what
// is read goes to the server there and then. CopyFrom's goroutine is the only one that writes meanwhile, so it may.
type sender struct {
	stream   io.Reader
	frontend *pgproto3.Frontend
	buf      []byte
}

func (s *sender) from(stream io.Reader, pg *pgconn.PgConn) *sender {
	s.stream, s.frontend = stream, pg.Frontend()
	if s.buf == nil {
		s.buf = make([]byte, messageBytes)
		s.buf[0] = 'd'
	}
	return s
}

// Read implements io.Reader. It returns no bytes, because they are sent.
func (s *sender) Read([]byte) (int, error) {
	n, err := io.ReadFull(s.stream, s.buf[5:])
	if n > 0 {
		binary.BigEndian.PutUint32(s.buf[1:], uint32(n+4))
		if err := s.frontend.SendUnbufferedEncodedCopyData(s.buf[:5+n]); err != nil {
			return 0, err
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return 0, err
}
