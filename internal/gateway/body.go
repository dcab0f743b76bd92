package gateway

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// slack is what a body may have beyond its limit because it does not count: a byte order mark and a line end.
const slack = 5

// Errors of a body that cannot be read, beside those of the connection.
var (
	errTooLarge    = errors.New("the body is over the limit")
	errFarTooLarge = errors.New("the body is far over the limit")
	errBadGzip     = errors.New("the body is no whole gzip stream")
)

// readBody reads a body to its end into b. A body over the limit is errTooLarge after it was read, so that the client
// hears the answer, and errFarTooLarge once that is not worth it.
func readBody(b *buffer, from io.Reader) error {
	for {
		room, err := b.tail()
		if err != nil {
			return err
		}
		if room = room[:min(len(room), MaxBatch+slack+1-b.n)]; len(room) == 0 {
			return drain(from, b.n)
		}
		n, err := from.Read(room)
		b.n += n
		if errors.Is(err, io.EOF) {
			if b.n > MaxBatch+slack {
				return errTooLarge
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// drain reads the rest of a body that is too large, n bytes of which were read, and returns why it is not taken.
func drain(from io.Reader, n int) error {
	rest, err := io.Copy(io.Discard, io.LimitReader(from, int64(MaxRead-n+1)))
	switch {
	case int64(n)+rest > MaxRead:
		return errFarTooLarge
	case err != nil:
		return err
	}
	return errTooLarge
}

// isGzip reports whether a body is compressed. JSON never begins like that, so the header need not be believed.
func isGzip(body []byte) bool {
	return len(body) >= 2 && body[0] == 0x1f && body[1] == 0x8b
}

// inflater decompresses bodies; it keeps its tables.
type inflater struct {
	from bytes.Reader
	zip  gzip.Reader
}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// inflate decompresses body into b: all members of the stream, within the limits of a body. The stream must be whole.
func inflate(b *buffer, body []byte) error {
	f, _ := inflaters.Get().(*inflater)
	defer inflaters.Put(f)
	f.from.Reset(body)
	defer f.from.Reset(nil)
	if err := f.zip.Reset(&f.from); err != nil {
		return errBadGzip
	}
	err := readBody(b, &f.zip)
	switch {
	case err == nil, errors.Is(err, errBusy), errors.Is(err, errTooLarge), errors.Is(err, errFarTooLarge):
		return err
	}
	return errBadGzip
}

// plain returns what counts of a body: without the mark that some editors put first, and the end of its last line.
func plain(body []byte) []byte {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if n := len(body); n > 0 && body[n-1] == '\n' {
		body = body[:n-1]
	}
	if n := len(body); n > 0 && body[n-1] == '\r' {
		body = body[:n-1]
	}
	return body
}
