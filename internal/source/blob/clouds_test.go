package blob_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/source/blob"
	"github.com/tapline/tapline/internal/source/file"
)

// cloud is a store with one bucket, of which a test sees what is asked. It speaks as much of a protocol as is needed to
// list and read.
type cloud struct {
	mu       sync.Mutex
	objects  map[string][]byte
	versions map[string]int
	cuts     map[string]int // connections of an object
	encoding string         // Content-Encoding of all objects
	asked    []http.Header
	fault    func(w http.ResponseWriter, r *http.Request) bool // true if it has answered
}

func newCloud() *cloud {
	return &cloud{objects: map[string][]byte{}, versions: map[string]int{}, cuts: map[string]int{}}
}

func (c *cloud) put(name string, content []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.objects[name] = content
	c.versions[name]++
	c.cuts[name] = 0
}

// page returns the names that begin with prefix, behind the marker, and the next marker.
func (c *cloud) page(prefix, marker string, n int) (names []string, next string) {
	for name := range c.objects {
		if strings.HasPrefix(name, prefix) && name > marker {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) > n {
		names = names[:n]
		next = names[n-1]
	}
	return names, next
}

// rangeOf parses "bytes=from-to".
func rangeOf(header string, size int) (from, to int) {
	to = size
	if spec, ok := strings.CutPrefix(header, "bytes="); ok {
		a, b, _ := strings.Cut(spec, "-")
		from, _ = strconv.Atoi(a)
		if b != "" {
			last, _ := strconv.Atoi(b)
			to = min(last+1, size)
		}
	}
	return from, to
}

// serve answers with a range of an object, and breaks the first two connections off after 500 bytes.
func (c *cloud) serve(w http.ResponseWriter, name, ranged string) {
	body := c.objects[name]
	from, to := rangeOf(ranged, len(body))
	if c.encoding != "" {
		w.Header().Set("Content-Encoding", c.encoding)
		w.Header().Set("X-Goog-Stored-Content-Encoding", c.encoding)
	}
	w.Header().Set("Last-Modified", "Mon, 05 Oct 2026 00:00:00 GMT")
	w.Header().Set("Content-Length", strconv.Itoa(to-from))
	if ranged != "" {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(body)))
		w.WriteHeader(http.StatusPartialContent)
	}
	c.cuts[name]++
	if cut := 500; to-from > cut && c.cuts[name] < 3 {
		_, _ = w.Write(body[from : from+cut])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body[from:to])
}

// azure answers as Azure's blob service.
func (c *cloud) azure(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r.Header.Clone())
	if c.fault != nil && c.fault(w, r) {
		return
	}
	w.Header().Set("x-ms-version", "2024-11-04")
	q := r.URL.Query()
	if q.Get("comp") == "list" {
		n, _ := strconv.Atoi(q.Get("maxresults"))
		names, next := c.page(q.Get("prefix"), q.Get("marker"), max(n, 1))
		var b strings.Builder
		b.WriteString(`<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>`)
		for _, name := range names {
			b.WriteString("<Blob><Name>")
			_ = xml.EscapeText(&b, []byte(name))
			fmt.Fprintf(&b, `</Name><Properties><Last-Modified>Mon, 05 Oct 2026 00:00:00 GMT</Last-Modified><Etag>0x8D%d</Etag>`+
				`<Content-Length>%d</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>`, c.versions[name], len(c.objects[name]))
		}
		fmt.Fprintf(&b, `</Blobs><NextMarker>%s</NextMarker></EnumerationResults>`, next)
		w.Header().Set("Content-Type", "application/xml")
		_, _ = w.Write([]byte(b.String()))
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/"+azureAccount+"/exports/")
	tag := fmt.Sprintf("0x8D%d", c.versions[name])
	if match := r.Header.Get("If-Match"); match != "" && strings.Trim(match, `"`) != tag {
		w.Header().Set("x-ms-error-code", "ConditionNotMet")
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	w.Header().Set("ETag", tag)
	ranged := r.Header.Get("x-ms-range")
	if ranged == "" {
		ranged = r.Header.Get("Range")
	}
	c.serve(w, name, ranged)
}

// google answers as Cloud Storage: JSON for lists, XML's paths for bytes.
func (c *cloud) google(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r.Header.Clone())
	if c.fault != nil && c.fault(w, r) {
		return
	}
	q := r.URL.Query()
	if strings.HasSuffix(r.URL.Path, "/b/exports/o") {
		n, _ := strconv.Atoi(q.Get("maxResults"))
		names, next := c.page(q.Get("prefix"), q.Get("pageToken"), max(n, 1))
		items := []map[string]any{}
		for _, name := range names {
			sum := md5.Sum(c.objects[name])
			items = append(items, map[string]any{
				"kind": "storage#object", "name": name, "bucket": "exports", "size": strconv.Itoa(len(c.objects[name])),
				"generation": strconv.Itoa(c.versions[name]), "md5Hash": base64.StdEncoding.EncodeToString(sum[:]), "updated": "2026-10-05T00:00:00Z",
			})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "storage#objects", "items": items, "nextPageToken": next})
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/exports/")
	version := strconv.Itoa(c.versions[name])
	match := q.Get("ifGenerationMatch")
	if match == "" {
		match = r.Header.Get("x-goog-if-generation-match")
	}
	if match != "" && match != version {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	w.Header().Set("X-Goog-Generation", version)
	w.Header().Set("X-Goog-Stored-Content-Length", strconv.Itoa(len(c.objects[name])))
	sum := crc32.Checksum(c.objects[name], crc32.MakeTable(crc32.Castagnoli))
	w.Header().Set("X-Goog-Hash", "crc32c="+base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}))
	c.serve(w, name, r.Header.Get("Range"))
}

// testCloud lists in pages, reads compressed objects over connections that break, and meets a changed one and a refusal.
func testCloud(t *testing.T, c *cloud, url func(name string) string) {
	t.Helper()
	c.encoding = "gzip" // as Segment's logs are stored: nobody but us may decompress
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("in/%d x.json.gz", i)
		c.put(name, gzipOf(t, events(name, 300*i)))
		want = append(want, strings.TrimPrefix(name, "exports/"))
	}
	c.put("other", events("o", 1))
	o := with(options(), func(o *blob.Options) { o.PageSize = 3 })
	s := open(t, o, url("in/*.gz"))
	us, errs := units(t, s)
	if diff := cmp.Diff(want, names(us)); diff != "" || errs != nil {
		t.Fatalf("%v (-want +got)\n%s", errs, diff)
	}
	for i, u := range us {
		if ids, err := read(t.Context(), t, u); err != nil || len(ids) != 300*i {
			t.Errorf("%s: got %d events and %v, want %d", u.Name(), len(ids), err, 300*i)
		}
	}
	before := us[3].Key()
	c.put("in/3 x.json.gz", gzipOf(t, events("new", 5)))
	again, _ := units(t, open(t, o, url("in/3 x.json.gz")))
	if len(again) != 1 || again[0].Key() == before {
		t.Fatalf("got %d units; another version has the key %s", len(again), before)
	}
	if ids, err := read(t.Context(), t, again[0]); err != nil || len(ids) != 5 {
		t.Errorf("another version: got %d events and %v", len(ids), err)
	}
	fresh := open(t, o, url("in/4 x.json.gz"))
	listed, _ := units(t, fresh)
	c.put("in/4 x.json.gz", gzipOf(t, events("new", 1200)))
	if ids, err := read(t.Context(), t, listed[0]); reasonOf(err) != file.ChangedWhileRead {
		t.Errorf("overwritten: got %d events and %v", len(ids), err)
	}
	c.mu.Lock()
	c.fault = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("x-ms-error-code", "AuthorizationFailure")
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	c.mu.Unlock()
	if _, errs := units(t, open(t, o, url("in/*"))); len(errs) != 1 || !strings.Contains(errs[0].Error(), "credentials") || strings.Contains(errs[0].Error(), "127.0.0.1?") {
		t.Errorf("refused: %v", errs)
	}
}

func TestAzure(t *testing.T) {
	t.Parallel()
	c := newCloud()
	server := httptest.NewServer(http.HandlerFunc(c.azure))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	testCloud(t, c, func(name string) string { return "azblob://exports/" + name + "?protocol=http&domain=" + host })
}

func TestGoogle(t *testing.T) { // the emulator is named by the environment
	c := newCloud()
	server := httptest.NewServer(http.HandlerFunc(c.google))
	t.Cleanup(server.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
	testCloud(t, c, func(name string) string { return "gs://exports/" + name })
}

// TestNothingToSignInWith: without a region or credentials the error says where they are looked for.
func TestNothingToSignInWith(t *testing.T) { //nolint:paralleltest // it sets the environment
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	} {
		t.Setenv(name, "")
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	t.Setenv("HOME", nowhere)
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for url, want := range map[string]string{
		"s3://exports/x": "AWS_REGION",
		"s3://exports/x?region=eu-west-1&endpoint=http://127.0.0.1:1": "AWS_ACCESS_KEY_ID",
	} {
		s, err := blob.New(t.Context(), []string{url}, options())
		if err == nil {
			_, errs := units(t, s)
			err = errors.Join(append(errs, s.Close())...)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want one that names %s", url, err, want)
		}
	}
}
