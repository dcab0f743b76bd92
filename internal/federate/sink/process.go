package sink

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Serve is a process that is a destination: it listens on a free port of this machine, prints its URL as the first line of
// stdout, and ends when stdin does. Beside the Tracking API it has
//
//	GET  /kept          how many messages it keeps, how many came again, and how many things were wrong
//	GET  /ids           the ids that it keeps, one a line
//	POST /hold?after=N  from the N-th request after this on, none is answered until /release
//	GET  /held          how many requests wait
//	POST /release
func (s *Sink) Serve(stdin io.Reader, stdout io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: s.control()} //nolint:gosec // nobody but this machine's tests and benchmarks
	go func() { _ = server.Serve(listener) }()
	if _, err := fmt.Fprintln(stdout, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	_ = server.Close() // whoever still waits need not
	return err
}

func (s *Sink) control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/batch", s)
	mux.HandleFunc("GET /kept", func(w http.ResponseWriter, _ *http.Request) {
		kept, repeated, _ := s.Counts()
		fmt.Fprint(w, kept, " ", repeated, " ", len(s.Wrong()))
	})
	mux.HandleFunc("GET /ids", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Join(slices.Sorted(maps.Keys(s.Messages())), "\n"))
	})
	var h holding
	mux.HandleFunc("POST /hold", func(_ http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		h.start(after)
		s.Set(h.judge)
	})
	mux.HandleFunc("GET /held", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, h.waiting()) })
	mux.HandleFunc("POST /release", func(http.ResponseWriter, *http.Request) {
		s.Set(nil)
		h.end()
	})
	return mux
}
