package federate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxKey is how long a secret may be, in bytes: whatever is longer is some other file.
const maxKey = 64 << 10

// secretsDir is where Docker, and Kubernetes by convention, put secrets.
const secretsDir = "/run/secrets"

var (
	errReference = errors.New("a key is named by env:NAME, file:/PATH or secret:NAME, and is never written down itself")
	variable     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	secretName   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

// CheckReference refuses what is no reference of a key. The error does not show it: it may be the key itself, given in the
// wrong place.
func CheckReference(reference string) error {
	kind, name, _ := strings.Cut(reference, ":")
	switch {
	case kind == "env" && variable.MatchString(name),
		kind == "file" && filepath.IsAbs(name) && !strings.ContainsRune(name, 0),
		kind == "secret" && secretName.MatchString(name):
		return nil
	case kind == "env":
		return errors.New("what is given as the environment variable of a key is no name of one: it is the name that is wanted, not the key")
	case kind == "file":
		return errors.New("the file of a key is wanted with its whole path")
	}
	return errReference
}

// ReadKey is KeyReader on the environment of this process.
func ReadKey(ctx context.Context, reference string) (string, error) {
	return KeyReader(os.Getenv)(ctx, reference)
}

// KeyReader returns an Options.Key: "env:NAME" is an environment variable, "file:PATH" a file, and "secret:NAME" a file of
// that name in the folder of the variable CREDENTIALS_DIRECTORY, where systemd puts credentials, else in /run/secrets. The
// last newline of a file does not count. Errors name the reference, never what it holds.
func KeyReader(env func(name string) string) func(context.Context, string) (string, error) {
	return func(_ context.Context, reference string) (string, error) {
		if err := CheckReference(reference); err != nil {
			return "", err
		}
		secret, err := readKey(env, reference)
		if err != nil {
			return "", fmt.Errorf("read key %s: %w", reference, err)
		}
		if secret = strings.TrimRight(secret, "\r\n"); secret == "" {
			return "", fmt.Errorf("key %s is empty or not set here: set it where Tapline runs", reference)
		}
		return secret, nil
	}
}

func readKey(env func(string) string, reference string) (string, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch kind {
	case "env":
		return env(name), nil
	case "secret":
		dir := env("CREDENTIALS_DIRECTORY")
		if dir == "" {
			dir = secretsDir
		}
		name = filepath.Join(dir, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	if len(b) > maxKey {
		return "", errors.New("too large for a key")
	}
	return string(b), nil
}
