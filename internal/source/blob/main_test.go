package blob_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/blob"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

// azureAccount and its key are of no account.
const azureAccount = "acct"

func TestMain(m *testing.M) {
	os.Setenv("AZURE_STORAGE_ACCOUNT", azureAccount)
	os.Setenv("AZURE_STORAGE_KEY", "bm90IGEga2V5IG9mIGFueWJvZHk=")
	goleak.VerifyTestMain(m)
}

func options() blob.Options {
	return blob.Options{
		File: file.Options{Timezone: time.UTC, Account: "ACC-1", PollInterval: time.Millisecond}, RetryPause: time.Millisecond,
	}
}

// open returns a source that ends with the test.
func open(t testing.TB, o blob.Options, urls ...string) *blob.Source {
	t.Helper()
	s, err := blob.New(t.Context(), urls, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// units lists a source once.
func units(t testing.TB, s source.Source) ([]source.Unit, []error) {
	t.Helper()
	var us []source.Unit
	var errs []error
	for u, err := range s.Units(t.Context()) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		us = append(us, u)
	}
	return us, errs
}

// names are the names of units, from where the bucket's ends.
func names(us []source.Unit) []string {
	var out []string
	for _, u := range us {
		_, name, _ := strings.Cut(u.Name(), "exports/")
		out = append(out, name)
	}
	return out
}

// read returns the ids of a unit's events.
func read(ctx context.Context, t testing.TB, u source.Unit) (ids []string, err error) {
	t.Helper()
	r, err := u.Open(ctx, schema.NewPaths(0))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	var ev schema.Event
	for {
		if err := r.Next(&ev); err != nil {
			if errors.Is(err, io.EOF) {
				return ids, nil
			}
			return ids, err
		}
		ids = append(ids, string(ev.ID))
	}
}

// events returns n lines with ids that begin like name.
func events(name string, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"type":"track","event":"Order","userId":"u","messageId":"%s-%d","properties":{"n":%d}}`+"\n", name, i, i)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// reasonOf is the reason of a FormatError, empty if it is none.
func reasonOf(err error) file.Reason {
	var f *file.FormatError
	if errors.As(err, &f) {
		return f.Reason
	}
	return ""
}

func with(o blob.Options, set func(*blob.Options)) blob.Options {
	set(&o)
	return o
}
