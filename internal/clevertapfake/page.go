package clevertapfake

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// cursorBytes is how long a cursor is before it is encoded: real ones have some two kilobytes.
const cursorBytes = 1200

// cursor is a place in a window.
type cursor struct {
	encoded string // as it is given away
	window  window
	records []Record // of the window, when its first cursor was made
	page    int      // counted from 0
	from    int      // the page's first record
	size    int
	pending int  // how often it is not ready yet
	dead    bool // all cursors of a window that has started again
}

// rawCursor returns the cursor of a query exactly as it came.
func rawCursor(rawQuery string) string {
	for part := range strings.SplitSeq(rawQuery, "&") {
		if value, ok := strings.CutPrefix(part, "cursor="); ok {
			return value
		}
	}
	return ""
}

// newCursor makes the first cursor of a window.
func (s *Server) newCursor(w window, size int) *cursor {
	if s.opts.PageSize > 0 && (size <= 0 || size > s.opts.PageSize) {
		size = s.opts.PageSize
	}
	return s.keep(&cursor{window: w, records: s.opts.Population.Records(w.event, w.day), size: max(size, 1), pending: s.opts.Pending})
}

// keep gives a cursor its name.
func (s *Server) keep(c *cursor) *cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	seed := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %d", c.window.event, c.window.day, c.from, len(s.cursors)))
	plain := base64.StdEncoding.EncodeToString(bytes.Repeat(append(seed[:], 0xfb, 0xff), cursorBytes/34))
	c.encoded = url.QueryEscape(plain)
	s.cursors[plain] = c
	return c
}

// find returns the cursor that a request has, and answers if there is none.
func (s *Server) find(w http.ResponseWriter, raw string) *cursor {
	plain, err := url.QueryUnescape(raw)
	if err == nil && strings.Contains(plain, "%") {
		s.count(func(st *Stats) { st.Doubled++ })
		fail(w, http.StatusBadRequest, "Invalid cursor: it was encoded twice", http.StatusBadRequest)
		return nil
	}
	s.mu.Lock()
	c := s.cursors[plain]
	s.mu.Unlock()
	if err != nil || c == nil || c.dead {
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(File("status_fail.json"))
		return nil
	}
	return c
}

// page is the second step.
func (s *Server) page(w http.ResponseWriter, r *http.Request, raw string) {
	c := s.find(w, raw)
	if c == nil {
		return
	}
	if s.notReady(c) {
		fail(w, http.StatusOK, "Request still in progress, please retry later", 2)
		return
	}
	if s.misbehave(w, r, fmt.Sprintf("page %s %d %d", c.window.event, c.window.day, c.page), c) {
		return
	}
	s.count(func(st *Stats) { st.Pages++ })
	_, _ = w.Write(s.render(c))
}

func (s *Server) notReady(c *cursor) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.pending--
	return c.pending >= 0
}

// pageKey is a page that was rendered.
type pageKey struct {
	window       window
	from, before int
	size, all    int
}

// render returns the page of a cursor. The records of a page are rendered once.
func (s *Server) render(c *cursor) []byte {
	end := c.end()
	from := c.from
	if s.fault() == Overlap || s.fault() == Everything && c.page%2 == 1 {
		from = max(0, from-2)
	}
	next := ""
	if end < len(c.records) {
		next = s.keep(&cursor{window: c.window, records: c.records, page: c.page + 1, from: end, size: c.size}).encoded
	}
	if s.fault() == CursorLoop && next != "" {
		next = c.encoded
	}
	key := pageKey{c.window, from, end, c.size, len(c.records)}
	s.mu.Lock()
	body := s.cache[key]
	s.mu.Unlock()
	if body == nil {
		var b bytes.Buffer
		for i := from; i < end; i++ {
			if i > from {
				b.WriteString(", ")
			}
			b.Write(c.records[i].Raw)
		}
		body = b.Bytes()
		s.mu.Lock()
		s.cache[key] = body
		s.mu.Unlock()
	}
	return wrap(body, next, c.page%2 == 1)
}

// Prerender makes all pages of that many records, so that none has to be made while somebody waits for it.
func (s *Server) Prerender(size int) {
	for _, event := range s.opts.Population.Events() {
		for _, day := range s.opts.Population.days(event) {
			c := s.newCursor(window{event, day}, size)
			for next := c; next != nil; {
				s.render(next)
				c, next = next, nil
				if end := c.end(); end < len(c.records) {
					next = &cursor{window: c.window, records: c.records, page: c.page + 1, from: end, size: c.size}
				}
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cursors)
}

// wrap makes a page of records. The cursor stands before or behind them.
func wrap(records []byte, next string, behind bool) []byte {
	var b bytes.Buffer
	b.Grow(len(records) + len(next) + 100)
	b.WriteString(`{"status": "success", `)
	if next != "" && !behind {
		fmt.Fprintf(&b, `"next_cursor": "%s", `, next)
	}
	b.WriteString(`"records": [`)
	b.Write(records)
	b.WriteString(`]`)
	if next != "" && behind {
		fmt.Fprintf(&b, `, "next_cursor": "%s"`, next)
	}
	b.WriteString(`}`)
	return b.Bytes()
}

// end is the first record of the next page. True twins are on one page: on two they could not be told from an overlap.
func (c *cursor) end() int {
	end := min(c.from+c.size, len(c.records))
	for end > 0 && end < len(c.records) && bytes.Equal(c.records[end].Raw, c.records[end-1].Raw) {
		end++
	}
	return end
}

func (s *Server) fault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts.Fault
}

// misbehave answers badly if it is the request's turn, and reports whether it did. c is nil in the first step.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, request string, c *cursor) bool {
	f := s.turnOf(request, c != nil)
	switch f {
	case NoFault, Overlap, CursorLoop:
		return false
	case TooMany:
		answerFile(w, http.StatusTooManyRequests, "http_429.json")
	case Throttled:
		fail(w, http.StatusOK, "Request throttled", 1)
	case InProgress:
		fail(w, http.StatusOK, "Request still in progress, please retry later", 2)
	case StillRunning:
		answerFile(w, http.StatusOK, "still_running.json")
	case Accepted:
		w.WriteHeader(http.StatusAccepted)
	case ServerError:
		fail(w, http.StatusInternalServerError, "Internal Server Error", http.StatusInternalServerError)
	case BadGateway:
		answerFile(w, http.StatusBadGateway, "http_502.html")
	case HTML:
		answerFile(w, http.StatusOK, "http_502.html")
	case Reset:
		panic(http.ErrAbortHandler)
	case Cut, CutClean, Hang:
		s.half(w, r, f, c)
	default:
		s.odd(w, f, c)
	}
	return true
}

// turnOf decides whether something goes wrong with a request, and what.
func (s *Server) turnOf(request string, page bool) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.opts.Fault
	if f == NoFault || s.hit[request] {
		return NoFault
	}
	s.turn++
	if f == Everything {
		all := Faults()
		f = all[s.turn%(len(all)-1)]
	}
	if !page && !f.atBegin() || !s.opts.EveryRequest && s.turn%3 != 0 {
		return NoFault
	}
	s.hit[request] = true
	if f != Overlap && f != CursorLoop {
		s.stats.Faults++
	}
	return f
}

// half sends a part of an answer.
func (s *Server) half(w http.ResponseWriter, r *http.Request, f Fault, c *cursor) {
	body := File("truncated_body.json")
	if c != nil {
		// Whoever takes it for whole takes it for the last page.
		whole := wrap(joined(c.records[c.from:c.end()]), "", true)
		body = whole[:len(whole)*2/3]
	}
	if f == Cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+1000))
	}
	_, _ = w.Write(body)
	if f == Hang {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
}

func joined(records []Record) []byte {
	var all [][]byte
	for _, r := range records {
		all = append(all, r.Raw)
	}
	return bytes.Join(all, []byte(", "))
}

// odd answers with a page that is none.
func (s *Server) odd(w http.ResponseWriter, f Fault, c *cursor) {
	switch f {
	case NoRecords:
		answerFile(w, http.StatusOK, "records_missing.json")
	case NullRecords:
		answerFile(w, http.StatusOK, "records_null.json")
	case EmptyPage:
		next := s.keep(&cursor{window: c.window, records: c.records, page: c.page, from: c.from, size: c.size})
		_, _ = w.Write(wrap(nil, next.encoded, false))
	case Expired:
		s.mu.Lock()
		for _, other := range s.cursors {
			if other.window == c.window {
				other.dead = true
			}
		}
		s.mu.Unlock()
		answerFile(w, http.StatusOK, "status_fail.json")
	}
}
