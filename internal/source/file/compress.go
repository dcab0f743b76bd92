package file

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the most that a zstd stream may make its reader remember: zstd's own limit without --long is 8 MiB,
// with --ultra 128 MiB. Half of that keeps the process under 200 MiB (rule 28).
const maxWindow = 64 << 20

var (
	gzipMagic    = []byte{0x1f, 0x8b}
	zstdMagic    = []byte{0x28, 0xb5, 0x2f, 0xfd}
	zstdSkipped  = []byte{0x2a, 0x4d, 0x18} // after a byte 0x50 to 0x5f: a frame to skip, as pzstd begins with
	errGarbage   = errors.New("more bytes after the end of the compressed data")
	errCutShort  = errors.New("the compressed data ends too early")
	errChecksum  = errors.New("the data does not match its checksum or size")
	errEmptyGzip = errors.New("empty file is not a gzip stream")
	errEmptyZstd = errors.New("empty file is not a zstd stream")
)

// checkEmpty says what an empty file is: no events, unless its name promises a compressed stream (rule 29).
func checkEmpty(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".gz", ".gzip":
		return &FormatError{Reason: EmptyStream, Err: errEmptyGzip}
	case ".zst", ".zstd":
		return &FormatError{Reason: EmptyStream, Err: errEmptyZstd}
	}
	return nil
}

const (
	byNothing = iota
	byGzip
	byZstd
)

// compression tells by its first four bytes what a file is compressed by.
func compression(head []byte) int {
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		return byGzip
	case bytes.Equal(head, zstdMagic), len(head) == 4 && head[0]>>4 == 5 && bytes.Equal(head[1:], zstdSkipped):
		return byZstd
	}
	return byNothing
}

// decompress returns the text of r, which is compressed as its first bytes say (rule 27), and what closes it. Errors of
// the compressed stream are FormatErrors with Reason, Err and Hint.
func decompress(r io.Reader) (io.Reader, func(), error) {
	br := bufio.NewReaderSize(r, 128<<10)
	head, err := br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch compression(head) {
	case byGzip:
		return &gzipReader{br: br}, func() {}, nil
	case byZstd:
		// One thread, in step with Read: the read-ahead is our own, and goroutines that outlive a reader are a leak.
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(1<<62))
		if err != nil {
			return nil, nil, zstdError(err)
		}
		return zstdReader{z}, z.Close, nil
	}
	return br, func() {}, nil
}

// gzipReader reads the members of a gzip file as one stream. It takes the members one by one, because gzip.Reader alone
// cannot tell a cut header from garbage, and takes a header that is cut in the middle of its file name for a clean end.
type gzipReader struct {
	br     *bufio.Reader
	member *gzip.Reader
	open   bool
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		if !g.open {
			if err := g.next(); err != nil {
				return 0, err
			}
		}
		n, err := g.member.Read(p)
		if errors.Is(err, io.EOF) {
			g.open, err = false, nil
		}
		if n > 0 || err != nil {
			return n, gzipError(err)
		}
	}
}

// next goes to the next member. It gives io.EOF where the file ends between two.
func (g *gzipReader) next() error {
	head, err := g.br.Peek(2)
	if len(head) == 0 {
		return err
	}
	if !bytes.HasPrefix(gzipMagic, head) {
		return &FormatError{Reason: TrailingGarbage, Err: errGarbage}
	}
	if g.member == nil {
		g.member = new(gzip.Reader)
	}
	if err := g.member.Reset(g.br); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return gzipError(err)
	}
	g.member.Multistream(false)
	g.open = true
	return nil
}

func gzipError(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &FormatError{Reason: Truncated, Err: errCutShort, Hint: "get the file again"}
	case errors.Is(err, gzip.ErrChecksum):
		return &FormatError{Reason: BadChecksum, Err: errChecksum, Hint: "get the file again"}
	case errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return &FormatError{Reason: Corrupt, Err: err, Hint: "get the file again"}
	}
	return err
}

type zstdReader struct{ z *zstd.Decoder }

func (r zstdReader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, zstdError(err)
}

func zstdError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &FormatError{Reason: Truncated, Err: errCutShort, Hint: "get the file again"}
	case errors.Is(err, zstd.ErrMagicMismatch):
		return &FormatError{Reason: TrailingGarbage, Err: errGarbage}
	case errors.Is(err, zstd.ErrCRCMismatch):
		return &FormatError{Reason: BadChecksum, Err: errChecksum, Hint: "get the file again"}
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return &FormatError{Reason: UnsupportedEncoding, Err: err, Hint: "compress it again without --long or --ultra"}
	}
	return &FormatError{Reason: Corrupt, Err: err, Hint: "get the file again"}
}

// foreign are the first bytes of what is no text, with what it is.
var foreign = []struct {
	magic  string
	reason Reason
	what   string
	hint   string
}{
	{"\xff\xfe\x00\x00", UnsupportedEncoding, "the text is UTF-32", "save it as UTF-8"},
	{"\x00\x00\xfe\xff", UnsupportedEncoding, "the text is UTF-32", "save it as UTF-8"},
	{"\xff\xfe", UnsupportedEncoding, "the text is UTF-16", "save it as UTF-8"},
	{"\xfe\xff", UnsupportedEncoding, "the text is UTF-16", "save it as UTF-8"},
	{"<?xml", XMLNotSupported, "the file is XML", "export JSON, CSV or Parquet"},
	{"BZh", UnknownFormat, "the file is compressed by bzip2", "decompress it; gzip and zstd are read"},
	{"\xfd7zXZ\x00", UnknownFormat, "the file is compressed by xz", "decompress it; gzip and zstd are read"},
	{"\x04\x22\x4d\x18", UnknownFormat, "the file is compressed by lz4", "decompress it; gzip and zstd are read"},
	{"PK\x03\x04", UnknownFormat, "the file is a zip archive", "unpack it; gzip and zstd are read"},
	{"\x1f\x8b", UnknownFormat, "the file is compressed twice", "decompress it once"},
	{"\x28\xb5\x2f\xfd", UnknownFormat, "the file is compressed twice", "decompress it once"},
}

// checkText says what is wrong with a text that begins like head, nil if it may be text.
func checkText(head []byte) error {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return &FormatError{Reason: f.reason, Err: errors.New(f.what), Hint: f.hint}
		}
	}
	return nil
}
