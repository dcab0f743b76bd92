package federate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/federate"
)

// Keys come from variables, files and secrets; what is wrong never shows what may be the key.
func TestKeyReader(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"key": "from a file\n", "empty": "\n", "large": strings.Repeat("x", 1<<20)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := func(name string) string {
		return map[string]string{"KEY": "from a variable", "CREDENTIALS_DIRECTORY": dir}[name]
	}
	read := federate.KeyReader(env)
	for reference, want := range map[string]string{
		"env:KEY": "from a variable", "file:" + dir + "/key": "from a file", "secret:key": "from a file",
		"env:OTHER": "", "file:" + dir + "/none": "", "file:" + dir + "/empty": "", "file:" + dir + "/large": "", "secret:none": "",
		"secret:../key": "", "file:key": "", "s3cr3t-key": "", "env:s3cr3t-key": "", "": "",
	} {
		got, err := read(t.Context(), reference)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", reference, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the error tells what may be a key: %v", err)
		}
	}
}
