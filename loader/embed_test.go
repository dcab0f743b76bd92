package loader_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

// embedding is the whole program of somebody who embeds the loader: it may import nothing internal.
const embedding = `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/loader"
)

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	l, err := loader.New(pool, loader.Config{Source: "Web Shop"})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	files, err := loader.Files(os.Args[2:], loader.FileOptions{})
	if err != nil {
		log.Fatal(err)
	}
	report, err := l.Load(ctx, files)
	if err != nil {
		log.Fatal(err)
	}
	var amount int64
	err = pool.QueryRow(ctx, "select sum(amount)::bigint from web_shop.purchase").Scan(&amount)
	fmt.Println(report.Schema, report.Loaded, report.SkippedUnits(), amount, err)
}
`

// TestEmbeddingNeedsNothingInternal compiles a program of another module, with what is on this machine, and runs it.
func TestEmbeddingNeedsNothingInternal(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	// The versions of everything are ours, as they would be for any importer.
	mod := strings.Replace(read("go.mod"), "module github.com/tapline/tapline", "module example.com/embedding", 1) +
		"\nrequire github.com/tapline/tapline v0.0.0\n\nreplace github.com/tapline/tapline => " + root + "\n"
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": mod, "go.sum": read("go.sum"), "main.go": embedding} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "embedding", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	dsn, path := pgtest.DSN(t), write(t, events("e", 100)...)
	for _, want := range []string{"web_shop 100 0 4950 <nil>\n", "web_shop 0 1 4950 <nil>\n"} {
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "embedding"), dsn, path).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("the program printed %q (%v), want %q", out, err, want)
		}
	}
}
