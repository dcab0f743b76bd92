package file

import (
	"io"
	"sync"
)

const (
	// blockSize is how much text is handed over at a time, headroom what may be left of the block before: a whole line
	// of the longest kind, so that every line is contiguous without a copy of its own.
	blockSize = 512 << 10
	headroom  = 512 << 10
	// blocks is how many are on their way: one in use, one ready, one being filled.
	blocks = 3
)

// block is a piece of text at buf[headroom:headroom+n]. err is what came after it.
type block struct {
	buf [headroom + blockSize]byte
	n   int
	err error
}

// readAhead fills blocks in a goroutine, so that reading and decompressing overlap with decoding.
type readAhead struct {
	full  chan *block
	empty chan *block // nil: to be taken from the pool
	stop  chan struct{}
	done  sync.WaitGroup
	pool  *sync.Pool
}

func newReadAhead(r io.Reader, pool *sync.Pool) *readAhead {
	a := &readAhead{
		full: make(chan *block, blocks), empty: make(chan *block, blocks), stop: make(chan struct{}), pool: pool,
	}
	for range blocks {
		a.empty <- nil
	}
	a.done.Go(func() { a.run(r) })
	return a
}

func (a *readAhead) run(r io.Reader) {
	for {
		var b *block
		select {
		case b = <-a.empty:
		case <-a.stop:
			return
		}
		if b == nil {
			b = a.pool.Get().(*block)
		}
		b.n, b.err = fill(r, b.buf[headroom:])
		last := b.err != nil
		a.full <- b // has room for all blocks
		if last {
			return
		}
	}
}

// fill reads until p is full or there is an error, and returns the error that belongs after the n bytes.
func fill(r io.Reader, p []byte) (n int, err error) {
	idle := 0
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
		if idle++; m > 0 {
			idle = 0
		}
		if idle > 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// close ends the goroutine and waits for it: until then it reads the file. A block that the caller still has is its own.
func (a *readAhead) close() {
	close(a.stop)
	a.done.Wait()
	for {
		select {
		case b := <-a.full:
			a.pool.Put(b)
		case b := <-a.empty:
			if b != nil {
				a.pool.Put(b)
			}
		default:
			return
		}
	}
}
