package gateway

import (
	"errors"
	"sync"
	"sync/atomic"
)

// Sizes of buffers: powers of two, the largest of which holds the largest body with what is cut off it.
const (
	bufferMin = 16 << 10
	bufferMax = 512 << 10
	classes   = 6
)

// errBusy is the error of a budget that is used up.
var errBusy = errors.New("too much is in flight")

// budget bounds the memory of all bodies together, and keeps buffers that were used for the next one.
type budget struct {
	max  int64
	used atomic.Int64
	free [classes]sync.Pool // of *[]byte
}

// claim takes n bytes, or fails at once: to wait would only move the queue into memory.
func (g *budget) claim(n int64) error {
	if g.used.Add(n) > g.max {
		g.used.Add(-n)
		return errBusy
	}
	return nil
}

// buffer is one growing piece of memory of a budget. The zero buffer has none yet.
type buffer struct {
	from  *budget
	room  *[]byte // nil: none
	class int
	n     int // bytes in use
}

// bytes returns what is in the buffer, until it grows or is released.
func (b *buffer) bytes() []byte {
	if b.room == nil {
		return nil
	}
	return (*b.room)[:b.n]
}

// tail returns room for more, at least one byte of it, of which the caller fills some and adds that to n. A buffer doubles
// only when it is full: who announces a large body and sends a small part of it holds little.
func (b *buffer) tail() ([]byte, error) {
	if b.room == nil {
		return b.grow(0)
	}
	if b.n < len(*b.room) {
		return (*b.room)[b.n:], nil
	}
	return b.grow(b.class + 1)
}

func (b *buffer) grow(class int) ([]byte, error) {
	if class >= classes {
		return nil, errTooLarge
	}
	if err := b.from.claim(bufferMin << class); err != nil {
		return nil, err
	}
	room, _ := b.from.free[class].Get().(*[]byte)
	if room == nil {
		made := make([]byte, bufferMin<<class)
		room = &made
	}
	n := copy(*room, b.bytes())
	b.release()
	b.room, b.class, b.n = room, class, n
	return (*room)[n:], nil
}

// release gives the memory back. What bytes returned must not be used any more.
func (b *buffer) release() {
	if b.room == nil {
		return
	}
	b.from.free[b.class].Put(b.room)
	b.from.used.Add(-(bufferMin << b.class))
	b.room, b.n = nil, 0
}
