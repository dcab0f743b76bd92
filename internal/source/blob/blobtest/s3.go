// Package blobtest runs a server of S3's protocol for tests, with faults on demand.
package blobtest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket is the bucket that a Server has.
const Bucket = "exports"

// Server is a store with one bucket, in memory.
type Server struct {
	backend *s3mem.Backend
	http    *httptest.Server

	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request, next http.Handler)
	reads map[string]int
	lists int
}

// S3 starts a server that ends with the test.
func S3(t testing.TB) *Server {
	t.Helper()
	s := &Server{backend: s3mem.New(), reads: map[string]int{}}
	if err := s.backend.CreateBucket(Bucket); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(s.backend).Server()
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if name := strings.TrimPrefix(r.URL.Path, "/"+Bucket+"/"); r.Method == http.MethodGet && name != r.URL.Path && name != "" {
			s.reads[name]++
		} else {
			s.lists++
		}
		fault := s.fault
		s.mu.Unlock()
		if fault != nil {
			fault(w, r, fake)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(s.http.Close)
	return s
}

// URL returns the URL of a name or pattern in the bucket.
func (s *Server) URL(name string) string {
	return "s3://" + Bucket + "/" + name + "?endpoint=" + s.http.URL + "&use_path_style=true&anonymous=true"
}

// Put stores an object, over the one of that name if there is one.
func (s *Server) Put(t testing.TB, name string, content []byte) {
	t.Helper()
	_, err := s.backend.PutObject(Bucket, name, map[string]string{"Last-Modified": "Mon, 05 Oct 2026 00:00:00 GMT"},
		bytes.NewReader(content), int64(len(content)), nil)
	if err != nil {
		t.Fatal(err)
	}
}

// Delete removes an object.
func (s *Server) Delete(t testing.TB, name string) {
	t.Helper()
	if _, err := s.backend.DeleteObject(Bucket, name); err != nil {
		t.Fatal(err)
	}
}

// Fault lets f answer from now on; next is the real answer. nil ends that.
func (s *Server) Fault(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Reads is how many requests there were for an object's bytes, Lists how many for pages of a listing.
func (s *Server) Reads(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[name]
}

// Lists is how many pages of a listing were asked for.
func (s *Server) Lists() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists
}

// SlowDown answers as S3 does when it is asked too often.
func SlowDown(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`))
}

// Cut gives the real answer up to n bytes of its body, then breaks the connection.
func Cut(w http.ResponseWriter, r *http.Request, next http.Handler, n int) {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	body := rec.Body.Bytes()
	if len(body) <= n {
		_, _ = w.Write(body)
		return
	}
	_, _ = w.Write(body[:n])
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}
