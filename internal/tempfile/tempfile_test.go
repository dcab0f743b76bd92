package tempfile_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/tempfile"
)

// folderVariable makes this test binary a program that holds temporary files in that folder until it is killed.
const folderVariable = "TEMPFILE_TEST_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(folderVariable); dir != "" {
		hold(dir)
	}
	os.Exit(m.Run())
}

// hold makes files of both kinds, writes into them and waits for its end.
func hold(dir string) {
	var files []*os.File
	for _, make := range ways() {
		f, err := make(dir, "held-")
		if err == nil {
			_, err = f.WriteString("words")
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		files = append(files, f)
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
	runtime.KeepAlive(files)
}

func ways() map[string]func(dir, prefix string) (*os.File, error) {
	return map[string]func(dir, prefix string) (*os.File, error){"new": tempfile.New, "unlinked": tempfile.Unlinked}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFilesHaveNoName(t *testing.T) {
	t.Parallel()
	for way, make := range ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			f, err := make(dir, "x-")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if left := names(t, dir); len(left) > 0 {
				t.Errorf("%v is in the folder while the file is open", left)
			}
			if _, err := f.WriteString("words"); err != nil {
				t.Fatal(err)
			}
			var b [5]byte
			if _, err := f.ReadAt(b[:], 0); err != nil || string(b[:]) != "words" {
				t.Errorf("read %q, %v, want what was written", b, err)
			}
			info, err := f.Stat()
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
			}
			if _, err := make(filepath.Join(dir, "none"), "x-"); err == nil {
				t.Error("no error for a folder that is not there")
			}
		})
	}
}

// A folder that gets an entry, if only for a moment, is changed by that: a kill in that moment would leave the file.
func TestNeverNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(dir, long, long); err != nil {
		t.Fatal(err)
	}
	f, err := tempfile.New(dir, "x-")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if changed := !info.ModTime().Equal(long); changed != !supported(t, dir) {
		t.Errorf("the folder was changed: %v; this file system can make files without a name: %v", changed, supported(t, dir))
	}
}

func TestKilledProcessLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), folderVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	if readErr != nil || line != "ready\n" {
		t.Fatalf("the process said %q, %v", line, readErr)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("the killed process left %v", left)
	}
}
