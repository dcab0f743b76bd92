package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/schema"
)

// TestScanThatFailsUnheard lets the scan of the second range fail before anybody asks for that range: it is yielded all the
// same, so that somebody gets the error, and only then nothing of the file is any more.
func TestScanThatFailsUnheard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	twin := `{"type":"track","event":"E","userId":"u"}` + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(twin, 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New([]string{path}, Options{UnitMaxBytes: int64(len(twin)), TempDir: filepath.Join(dir, "none")})
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for u, err := range s.Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := u.Open(t.Context(), schema.NewPaths(0))
		errs = append(errs, err)
		if err != nil {
			continue
		}
		sc := u.(*rangeUnit).scan
		sc.mu.Lock()
		step := sc.step
		sc.mu.Unlock()
		if step != nil {
			<-step
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(errs) != 2 || errs[0] != nil || errs[1] == nil || !strings.Contains(errs[1].Error(), "temporary file") {
		t.Errorf("opening the ranges gave %v, want one that can be read, and one error", errs)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
