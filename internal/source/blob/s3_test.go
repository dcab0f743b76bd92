package blob_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/blob"
	"github.com/tapline/tapline/internal/source/blob/blobtest"
	"github.com/tapline/tapline/internal/source/file"
)

func TestWhatAURLMeans(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	for _, name := range []string{
		"a.json", "a.json.gz", "day/1/x.json", "day/1/y.csv", "day/2/x.json", "day/.part/x.json", "day/.x.json", "day/", "days.json",
		"odd/a b+c%20d?.json", "odd/[1].json", "äö/é.json",
	} {
		s3.Put(t, name, events(name, 1))
	}
	for pattern, want := range map[string][]string{
		"a.json":              {"a.json"},
		"day":                 {"day/1/x.json", "day/1/y.csv", "day/2/x.json"},
		"day/":                {"day/1/x.json", "day/1/y.csv", "day/2/x.json"},
		"day/1/x.json":        {"day/1/x.json"},
		"day/*":               nil,
		"day/*/x.json":        {"day/1/x.json", "day/2/x.json"},
		"day/**":              {"day/1/x.json", "day/1/y.csv", "day/2/x.json"},
		"**/x.json":           {"day/1/x.json", "day/2/x.json"},
		"**.csv":              {"day/1/y.csv"},
		"day*":                {"days.json"},
		"day/[!1]/*":          {"day/2/x.json"},
		"day/?/x.json":        {"day/1/x.json", "day/2/x.json"},
		"day/.*":              {"day/.x.json"},
		"odd/a b+c%20d?.json": {"odd/a b+c%20d?.json"},
		"odd/*":               {"odd/[1].json", "odd/a b+c%20d?.json"},
		"*/é.json":            {"äö/é.json"},
		"":                    {"a.json", "a.json.gz", "day/1/x.json", "day/1/y.csv", "day/2/x.json", "days.json", "odd/[1].json", "odd/a b+c%20d?.json", "äö/é.json"},
	} {
		us, errs := units(t, open(t, options(), s3.URL(pattern)))
		if diff := cmp.Diff(want, names(us)); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", pattern, diff)
		}
		if want == nil && (len(errs) != 1 || !strings.Contains(errs[0].Error(), "no object matches")) || want != nil && errs != nil {
			t.Errorf("%q: errors %v", pattern, errs)
		}
		for _, u := range us {
			if ids, err := read(t.Context(), t, u); err != nil || len(ids) != 1 {
				t.Errorf("read %s: %v %v", u.Name(), ids, err)
			}
		}
	}
}

// TestPages lists 5,000 objects: in pages, each asked for once, with the ledger asked a page at a time, and reads them.
func TestPages(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	const n = 5000
	for i := range n {
		s3.Put(t, fmt.Sprintf("in/%05d.json", i), events(strconv.Itoa(i), 1))
	}
	o := options()
	asked := 0
	o.Known = func(_ context.Context, keys []string) (map[string]bool, error) {
		asked++
		if len(keys) > 1000 {
			t.Errorf("asked for %d keys at once", len(keys))
		}
		known := map[string]bool{}
		for _, k := range keys {
			if strings.Contains(k, "7.json") {
				known[k] = true
			}
		}
		return known, nil
	}
	var got int
	keys := map[string]bool{}
	for u, err := range open(t, o, s3.URL("in/*")).Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		keys[u.Key()] = true
		if source.KindOf(u) != source.KindObject {
			t.Fatalf("kind %s", source.KindOf(u))
		}
		if strings.HasSuffix(u.Name(), "7.json") {
			continue // as a loader does with what is known
		}
		ids, err := read(t.Context(), t, u)
		if err != nil || len(ids) != 1 {
			t.Fatalf("read %s: %v %v", u.Name(), ids, err)
		}
		got++
	}
	if len(keys) != n || got != n-n/10 || asked != 5 || s3.Lists() > 6 { // the last page may say that there is one more

		t.Errorf("got %d units and read %d, with %d questions and %d listings; want %d, %d, 5 and 5 or 6", len(keys), got, asked, s3.Lists(), n, n-n/10)
	}
	for i := range n {
		name := fmt.Sprintf("in/%05d.json", i)
		if want := 1 - btoi(i%10 == 7); s3.Reads(name) != want {
			t.Fatalf("%s was read %d times, want %d", name, s3.Reads(name), want)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestKeys: another version is another unit, the same bytes under the same name are the same one.
func TestKeys(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	key := func() string {
		us, errs := units(t, open(t, options(), s3.URL("x.json")))
		if len(us) != 1 || errs != nil {
			t.Fatalf("got %d units, %v", len(us), errs)
		}
		return us[0].Key()
	}
	s3.Put(t, "x.json", events("a", 1))
	first := key()
	s3.Put(t, "x.json", events("b", 1))
	second := key()
	s3.Put(t, "x.json", events("a", 1))
	if third := key(); first == second || third != first {
		t.Errorf("keys %s, %s, %s: want the first and third equal, the second not", first, second, third)
	}
	if !strings.HasPrefix(first, "object:s3://exports/x.json:") || !strings.HasSuffix(first, ":"+strconv.Itoa(len(events("a", 1)))) {
		t.Errorf("key %s: want bucket, name, version and size", first)
	}
}

// TestCutBodies breaks each body off again and again: reads go on where it was, and only while something comes.
func TestCutBodies(t *testing.T) {
	t.Parallel()
	for _, size := range []int{3, 40_000} { // fetched ahead, and read as it is loaded
		s3 := blobtest.S3(t)
		plain := events("e", size)
		s3.Put(t, "plain.json", plain)
		s3.Put(t, "packed.json.gz", gzipOf(t, plain))
		var ranges atomic.Int64
		s3.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path == "/"+blobtest.Bucket || r.URL.Path == "/"+blobtest.Bucket+"/" {
				next.ServeHTTP(w, r)
				return
			}
			if r.Header.Get("Range") != "" {
				ranges.Add(1)
			}
			blobtest.Cut(w, r, next, len(plain)/5+rand.IntN(100))
		})
		us, errs := units(t, open(t, options(), s3.URL("")))
		if len(us) != 2 || errs != nil {
			t.Fatalf("got %d units, %v", len(us), errs)
		}
		for _, u := range us {
			ids, err := read(t.Context(), t, u)
			if err != nil || len(ids) != size || !slices.Contains(ids, "e-"+strconv.Itoa(size-1)) {
				t.Errorf("%s: got %d events and %v, want %d", u.Name(), len(ids), err, size)
			}
		}
		if ranges.Load() == 0 {
			t.Error("no read was broken off")
		}
	}
}

// TestNothingComes gives up after as many tries as were allowed.
func TestNothingComes(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	s3.Put(t, "x.json", events("e", 2))
	us, _ := units(t, open(t, with(options(), func(o *blob.Options) { o.Tries = 3 }), s3.URL("x.json")))
	s3.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) { blobtest.Cut(w, r, next, 0) })
	_, err := read(t.Context(), t, us[0])
	var why *blob.Error
	if err == nil || !errors.As(err, &why) || why.Name != us[0].Name() || s3.Reads("x.json") < 3 {
		t.Errorf("got %v after %d reads, want a *blob.Error after 3", err, s3.Reads("x.json"))
	}
	s3.Fault(nil)
	if ids, err := read(t.Context(), t, us[0]); err != nil || len(ids) != 2 {
		t.Errorf("opened again: got %v, %v", ids, err)
	}
}

// TestSlowDown answers two of three requests with 503.
func TestSlowDown(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	for i := range 4 {
		s3.Put(t, fmt.Sprintf("%02d.json", i), events(strconv.Itoa(i), 2))
	}
	var n atomic.Int64
	s3.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n.Add(1)%3 != 0 {
			blobtest.SlowDown(w)
			return
		}
		next.ServeHTTP(w, r)
	})
	o := with(options(), func(o *blob.Options) { o.PageSize, o.Tries = 3, 50 })
	us, errs := units(t, open(t, o, s3.URL("")))
	if len(us) != 4 || errs != nil {
		t.Fatalf("got %d units, %v", len(us), errs)
	}
	for _, u := range us {
		if ids, err := read(t.Context(), t, u); err != nil || len(ids) != 2 {
			t.Errorf("read %s: %v, %v", u.Name(), ids, err)
		}
	}
}

// TestChanged overwrites objects between the listing and the read, and in the middle of it. None of that may be loaded.
func TestChanged(t *testing.T) {
	t.Parallel()
	for _, size := range []int{3, 40_000} {
		s3 := blobtest.S3(t)
		put := func(version string) { s3.Put(t, "x.json", events(version, size)) }
		put("a")
		us, _ := units(t, open(t, options(), s3.URL("x.json")))
		put("b")
		if ids, err := read(t.Context(), t, us[0]); reasonOf(err) != file.ChangedWhileRead {
			t.Errorf("overwritten before: got %d events and %v", len(ids), err)
		}
		s3.Delete(t, "x.json")
		if ids, err := read(t.Context(), t, us[0]); reasonOf(err) != file.ChangedWhileRead {
			t.Errorf("deleted before: got %d events and %v", len(ids), err)
		}
		put("a")
		us, _ = units(t, open(t, options(), s3.URL("x.json")))
		var once atomic.Bool
		s3.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if once.CompareAndSwap(false, true) {
				defer put("b") // before the connection breaks
				blobtest.Cut(w, r, next, size*20)
			}
			next.ServeHTTP(w, r)
		})
		if ids, err := read(t.Context(), t, us[0]); reasonOf(err) != file.ChangedWhileRead {
			t.Errorf("overwritten in the middle: got %d events and %v", len(ids), err)
		}
	}
}

// TestIfMatch: reads ask for the version that was listed, so that the store itself refuses another one.
func TestIfMatch(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	s3.Put(t, "x.json", events("a", 1))
	us, _ := units(t, open(t, options(), s3.URL("x.json")))
	s3.Fault(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if r.Header.Get("If-Match") == "" || !strings.Contains(us[0].Key(), strings.Trim(r.Header.Get("If-Match"), `"`)) {
			t.Errorf("If-Match %q, want the ETag in %s", r.Header.Get("If-Match"), us[0].Key())
		}
		w.WriteHeader(http.StatusPreconditionFailed)
		_, _ = w.Write([]byte(`<Error><Code>PreconditionFailed</Code></Error>`))
	})
	if _, err := read(t.Context(), t, us[0]); reasonOf(err) != file.ChangedWhileRead {
		t.Errorf("got %v", err)
	}
}

// TestStall: a store that sends nothing any more does not hold the load for ever.
func TestStall(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	s3.Put(t, "x.json", events("e", 40_000))
	us, _ := units(t, open(t, with(options(), func(o *blob.Options) { o.Stall = 50 * time.Millisecond }), s3.URL("x.json")))
	var first atomic.Bool
	s3.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !first.CompareAndSwap(false, true) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(events("e", 40_000))))
		_, _ = w.Write(events("e", 100))
		w.(http.Flusher).Flush()
		<-r.Context().Done() // until the client gives up
	})
	ids, err := read(t.Context(), t, us[0])
	if err != nil || len(ids) != 40_000 {
		t.Errorf("got %d events and %v", len(ids), err)
	}
}

// TestContentEncoding: what is stored as compressed is decompressed once, by us, after its end has been seen.
func TestContentEncoding(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	for i, n := range []int{3, 200_000} {
		s3.Put(t, fmt.Sprintf("%d.json.gz", i), gzipOf(t, events("e", n)))
	}
	s3.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Content-Encoding", "gzip")
		next.ServeHTTP(w, r)
	})
	us, _ := units(t, open(t, options(), s3.URL("*.gz")))
	for i, n := range []int{3, 200_000} {
		if ids, err := read(t.Context(), t, us[i]); err != nil || len(ids) != n {
			t.Errorf("got %d events and %v, want %d", len(ids), err, n)
		}
	}
	s3.Put(t, "more.json", events("e", 3))
	us, _ = units(t, open(t, options(), s3.URL("more.json")))
	s3.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		w.Header().Set("ETag", rec.Header().Get("ETag"))
		w.Header().Set("Last-Modified", rec.Header().Get("Last-Modified"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", rec.Body.Len()-1, rec.Body.Len()))
		_, _ = w.Write(append(rec.Body.Bytes(), events("e", 1)...))
	})
	if ids, err := read(t.Context(), t, us[0]); err == nil {
		t.Errorf("more bytes than there are: got %d events and no error", len(ids))
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	s3.Put(t, "x.json", events("e", 1))
	s3.Fault(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`))
	})
	lists := s3.Lists()
	us, errs := units(t, open(t, options(), s3.URL("secretfolder/**")))
	if len(us) != 0 || len(errs) != 1 || !strings.Contains(errs[0].Error(), "credentials") || s3.Lists() != lists+1 {
		t.Fatalf("got %d units, %v after %d requests", len(us), errs, s3.Lists()-lists)
	}
	if text := errs[0].Error(); strings.Contains(text, "endpoint") || strings.Contains(text, "\n") || !strings.Contains(text, "s3://exports/secretfolder/") {
		t.Errorf("error %q", text)
	}
}

// TestOddNames reads objects whose names the library behind would write otherwise.
func TestOddNames(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	want := []string{"a/../b.json", "c/__0x41__.json", "d//e.json", `f\g.json`, `h"'.json`, "i&<>.json"}
	for _, name := range want {
		s3.Put(t, name, events(name, 1))
	}
	us, errs := units(t, open(t, options(), s3.URL("a/../*"), s3.URL("")))
	if diff := cmp.Diff(want, names(us)); diff != "" || errs != nil {
		t.Errorf("(-want +got)\n%s%v", diff, errs)
	}
	for _, u := range us {
		if ids, err := read(t.Context(), t, u); err != nil || len(ids) != 1 {
			t.Errorf("read %s: %v %v", u.Name(), ids, err)
		}
	}
}
