package parquet

import (
	"bytes"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

var errLarger = errors.New("a page is larger than its header says")

// expander decompresses pages, each into the place of the one before. The library allocates whatever the compressed bytes
// make of themselves; with this they are known to make no more of themselves than the page's header says.
type expander struct {
	buf  []byte
	zstd *zstd.Decoder
}

func (x *expander) close() {
	if x.zstd != nil {
		x.zstd.Close()
	}
}

// expand returns what is compressed in a page: at most size bytes, valid until the next call.
func (x *expander) expand(codec format.CompressionCodec, body []byte, size int) (out []byte, err error) {
	if cap(x.buf) < size {
		x.buf = make([]byte, size)
	}
	switch codec {
	case format.Uncompressed:
		return body, nil
	case format.Snappy:
		if n, err := snappy.DecodedLen(body); err != nil || n > size {
			return nil, errors.Join(err, errLarger)
		}
		return snappy.Decode(x.buf[:size], body)
	case format.Lz4Raw:
		// The library takes any fault for a lack of room, and asks for twice as much until there is none.
		n, err := lz4.UncompressBlock(body, x.buf[:size])
		return x.buf[:max(n, 0)], err
	case format.Zstd:
		return x.expandZstd(body, size)
	case format.Brotli:
		return x.read(brotli.NewReader(bytes.NewReader(body)), size)
	case format.Gzip:
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return x.read(r, size)
	}
	return nil, problem(UnknownType, "the columns are compressed with %s, which is not read", codec)
}

func (x *expander) expandZstd(body []byte, size int) (out []byte, err error) {
	if x.zstd == nil {
		x.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxPages))
		if err != nil {
			return nil, err
		}
	}
	if err := x.zstd.Reset(bytes.NewReader(body)); err != nil {
		return nil, err
	}
	return x.read(x.zstd, size)
}

// read takes all of a stream.
func (x *expander) read(r io.Reader, size int) ([]byte, error) {
	n, err := io.ReadFull(r, x.buf[:size])
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return x.buf[:n], nil // too short a page is for the library to judge
	}
	if err != nil {
		return nil, err
	}
	var more [1]byte
	if n, err := io.ReadFull(r, more[:]); n > 0 {
		return nil, errLarger
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return x.buf[:size], nil
}
