package objects_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/loader/objects"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Objects are loaded by URL, here from a folder; a second Load skips what is there.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	line := `{"type":"track","event":"Order","userId":"u-1","messageId":"m-%d"}` + "\n"
	for i := range 3 {
		name := filepath.Join(dir, fmt.Sprintf("2026-10-%02d.ndjson", i+1))
		if err := os.WriteFile(name, fmt.Appendf(nil, line, i), 0o600); err != nil {
			log.Panic(err)
		}
	}
	pgtest.Run(func(dsn string) {
		ctx := context.Background()
		pool, err := pgxpool.New(ctx, dsn)
		if err != nil {
			log.Panic(err)
		}
		defer pool.Close()
		l, err := loader.New(pool, loader.Config{Source: "Web"})
		if err != nil {
			log.Panic(err)
		}
		defer l.Close()
		src, err := objects.Open(ctx, []string{"file://" + dir + "/2026-10-*.ndjson"}, objects.Options{})
		if err != nil {
			log.Panic(err)
		}
		defer src.Close()
		for range 2 {
			report, err := l.Load(ctx, src)
			fmt.Println(report.Loaded, "loaded,", report.SkippedUnits(), "skipped,", err)
		}
	})
	// Output:
	// 3 loaded, 0 skipped, <nil>
	// 0 loaded, 3 skipped, <nil>
}

// TestLoaderLinksNoCloud: who embeds the loader, and not this package, gets none of the stores' SDKs.
func TestLoaderLinksNoCloud(t *testing.T) {
	t.Parallel()
	list := func(pkg string, args ...string) string {
		out, err := exec.CommandContext(t.Context(), "go", append(append([]string{"list", "-deps"}, args...), pkg)...).Output()
		if err != nil {
			t.Fatalf("list what %s imports: %v", pkg, err)
		}
		return string(out)
	}
	with, without, tagged := list("."), list(".."), list(".", "-tags", "nogcs")
	for _, sdk := range []string{"github.com/aws/aws-sdk-go-v2/service/s3", "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob", "cloud.google.com/go/storage", "gocloud.dev/blob"} {
		if !strings.Contains(with, sdk+"\n") {
			t.Errorf("objects does not import %s", sdk)
		}
		if strings.Contains(without, sdk) {
			t.Errorf("loader imports %s", sdk)
		}
	}
	if strings.Contains(tagged, "cloud.google.com/go/storage") {
		t.Error("the tag nogcs does not leave Google's SDK out")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "events/", "s3://KEY:SECRET@bucket/x", "gs:///x"} {
		if src, err := objects.Open(t.Context(), []string{url}, objects.Options{}); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: got %v and %v", url, src, err)
		}
	}
}
