package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/internal/parquet"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/tempfile"
	"github.com/tapline/tapline/schema"
)

var (
	errParquet   = errors.New("the file is Parquet")
	errNoParquet = errors.New("the file is not Parquet")
)

// isParquet reports whether a text begins as Parquet does, plain or with an encrypted footer.
func isParquet(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PAR1")) || bytes.HasPrefix(head, []byte("PARE"))
}

// maxUnpacked is how large a Parquet file that was compressed as a whole may be, in bytes.
const maxUnpacked = 8 << 30

// tableReader reads CleverTap's records from Parquet: each row becomes the JSON record that CleverTap would have
// exported, which is decoded like any other. A record's line is the number of its row.
type tableReader struct {
	in    *Input
	setup setup
	ctx   context.Context //nolint:containedctx // of the reader: Next has none

	spool  *os.File // a copy to jump around in; nil if the Body is good for that
	rows   *parquet.Reader
	dec    *decode.Decoder
	line   []byte
	read   atomic.Int64
	owned  *occurrence.Counter
	future int64
	closed bool
	err    error
}

var (
	_ source.Reader = (*tableReader)(nil)
	_ source.Former = (*tableReader)(nil)
)

// newTableReader opens an input that is Parquet, as a whole compressed or not. The Body and the counts stay the caller's
// if there is an error.
func newTableReader(ctx context.Context, in *Input, s setup) (*tableReader, error) {
	r := &tableReader{in: in, setup: s, ctx: ctx}
	if err := r.begin(); err != nil {
		return nil, errors.Join(in.explain(reasonOf(err), r.at()), r.dropSpool())
	}
	return r, nil
}

func (r *tableReader) begin() error {
	if f := r.setup.format; f != "" && f != FormatCleverTapParquet {
		return &FormatError{
			Reason: UnknownFormat, Err: fmt.Errorf("the file is Parquet, the format that was given is %s", f), Hint: hintFormat,
		}
	}
	opt, err := r.setup.decodeOptions(decode.CleverTap)
	if err != nil {
		return err
	}
	opt.Within = true // no line but a record
	if r.dec, err = decode.New(opt); err != nil {
		return err
	}
	from, size, err := r.random()
	if err != nil {
		return err
	}
	r.rows, err = parquet.Open(from, size, opt.EventName != "")
	return err
}

// random returns the bytes of the file as they can be jumped around in: what comes from somewhere else, or is
// compressed, is copied into a temporary file without a name.
func (r *tableReader) random() (io.ReaderAt, int64, error) {
	var head [4]byte
	if at, ok := r.in.Body.(io.ReaderAt); ok {
		if _, err := at.ReadAt(head[:], 0); err != nil {
			return nil, 0, err
		}
		if compression(head[:]) == byNothing {
			return at, r.in.Size, nil
		}
	}
	text, release, err := decompress(contextReader{r.ctx, r.in.Body.From(0)})
	if err != nil {
		return nil, 0, err
	}
	defer release()
	if r.spool, err = tempfile.New(r.setup.opts.TempDir, "tapline-parquet-"); err != nil {
		return nil, 0, err
	}
	n, err := io.Copy(struct{ io.Writer }{r.spool}, io.LimitReader(text, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = &FormatError{Reason: TooLarge, Err: errors.New("the file is larger than 8 GiB when it is decompressed")}
	}
	return r.spool, n, err
}

// reasonOf translates what package parquet finds wrong.
func reasonOf(err error) error {
	var p *parquet.Error
	if !errors.As(err, &p) {
		return err
	}
	f := &FormatError{Reason: Corrupt, Err: p.Err}
	switch p.Problem {
	case parquet.Truncated:
		f.Reason, f.Hint = Truncated, "get the file again"
	case parquet.Encrypted:
		f.Reason, f.Hint = Encrypted, "export it without encryption"
	case parquet.UnknownType:
		f.Reason, f.Hint = UnknownType, "export JSON or CSV"
	case parquet.UnknownShape:
		f.Reason = UnknownFormat
	case parquet.TooLarge:
		f.Reason, f.Hint = TooLarge, "or export JSON or CSV"
	case parquet.Corrupt:
		f.Hint = "get the file again"
	}
	return f
}

// Next implements source.Reader.
func (r *tableReader) Next(ev *schema.Event) error {
	if r.err != nil {
		return r.err
	}
	if err := r.next(ev); err != nil {
		r.err = r.in.explain(reasonOf(err), r.at())
		if errors.Is(err, io.EOF) {
			r.read.Store(r.in.Size)
			if err := r.in.Body.Check(r.in.Size); err != nil {
				r.err = err
			}
		}
		return r.err
	}
	if r.setup.isFuture(ev) {
		r.future++
	}
	return nil
}

func (r *tableReader) next(ev *schema.Event) error {
	if err := context.Cause(r.ctx); err != nil {
		return err
	}
	var err error
	if r.line, err = r.rows.Next(r.line[:0]); err != nil {
		return err
	}
	if n := r.rows.Rows(); n > 0 {
		r.read.Store(int64(float64(r.in.Size) * float64(r.rows.Given()) / float64(n)))
	}
	if len(r.line) > decode.MaxEvent {
		decode.TooLarge(ev, decode.Redact(r.line[:decode.KeptOfTooLarge]), int64(len(r.line)), sha256.Sum256(r.line))
	} else {
		r.dec.Line(r.line, ev)
	}
	ev.Line, ev.Offset = r.rows.Given(), 0
	return r.dec.Err()
}

// at is how many bytes of the input were read, about.
func (r *tableReader) at() int64 { return r.read.Load() }

// Form implements source.Former.
func (r *tableReader) Form() ([]byte, error) { return json.Marshal(r.dec.Form()) }

// Read implements source.Reader: the share of the rows that were read, in bytes.
func (r *tableReader) Read() int64 { return r.read.Load() }

// Notes implements source.Reader.
func (r *tableReader) Notes() source.Notes {
	ambiguous, missing := r.dec.Hours()
	return r.setup.notes(r.future, ambiguous, missing)
}

// Close implements source.Reader.
func (r *tableReader) Close() error {
	if r.closed {
		return nil
	}
	r.closed, r.err = true, errClosed
	return errors.Join(r.rows.Close(), r.dropSpool(), r.in.Body.Close(), r.owned.Close())
}

func (r *tableReader) dropSpool() error {
	if r.spool == nil {
		return nil
	}
	err := r.spool.Close()
	r.spool = nil
	return err
}
